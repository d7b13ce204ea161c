"""What holds for every file of events: formats agree, and a broken file gives events or problems and loses nothing."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ruleengine.events import read
from ruleengine.events.json_text import DEPTH_LIMIT
from ruleengine.problem import Problem

TRIES = 1_000
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
NUMBERS = (
    st.integers() | st.integers(min_value=10**18, max_value=10**60) | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=6,
)
EVENTS = st.lists(st.dictionaries(TEXT.filter(lambda name: name != "Event"), VALUES, max_size=6), max_size=6)
JSON_WRITERS: dict[str, Callable[[list[Any], bool], str]] = {
    "ndjson": lambda events, ascii: "".join(json.dumps(event, ensure_ascii=ascii) + "\n" for event in events),
    "array": lambda events, ascii: json.dumps(events, ensure_ascii=ascii),
    "indented": lambda events, ascii: json.dumps(events, ensure_ascii=ascii, indent=2),
    "concatenated": lambda events, ascii: "\n".join(json.dumps(event, indent=1) for event in events),
}
PACKERS: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}


def read_file(path: Path, **options: Any) -> tuple[list[tuple[int, dict[str, Any]]], list[Problem]]:
    problems: list[Problem] = []
    return [(record.line, record.event) for record in read([str(path)], problems.append, **options)], problems


def exact(events: list[dict[str, Any]]) -> str:
    """Return events so that 1 and 1.0 and true differ."""
    return json.dumps(events)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("events")


@pytest.mark.parametrize("writer", JSON_WRITERS)
@settings(max_examples=30)
@given(
    events=EVENTS,
    ascii=st.booleans(),
    suffix=st.sampled_from(sorted(PACKERS)),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_json_round_trip(folder: Path, writer: str, events: list[Any], ascii: bool, suffix: str, encoding: str) -> None:
    assume(writer != "concatenated" or events[:1] != [{}])  # `{}` alone on the first line looks like NDJSON
    text = JSON_WRITERS[writer](events, ascii)
    path = folder / f"a.{'ndjson' if writer == 'ndjson' else 'json'}{suffix}"
    path.write_bytes(PACKERS[suffix](text.encode(encoding)))
    found, problems = read_file(path)
    assert problems == []
    assert exact([event for _, event in found]) == exact(events)
    if writer == "ndjson":
        assert [line for line, _ in found] == list(range(1, len(events) + 1))


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12)


@settings(max_examples=40)
@given(st.integers(2, 5).flatmap(lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=6)))
def test_csv_round_trip(folder: Path, rows: list[list[str]]) -> None:
    names = [f"column.{number}" for number in range(len(rows[0]) if rows else 2)]
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows([names, *rows])
    path = folder / "a.csv"
    path.write_bytes(text.getvalue().encode())
    found, problems = read_file(path)
    assert problems == []
    assert [event for _, event in found] == [dict(zip(names, row, strict=True)) for row in rows]


BREAKS = (
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b"\n",
    b"\\",
    b"\0",
    b"\xff",
    b"\\ud800",
    b"1e999",
    b"NaN",
    b"\r",
    b"9" * 4400,
    b'{"a":' * 120,
)


def broken(data: bytes, chance: random.Random) -> bytes:
    """Return the data with some bytes changed, dropped, put in or doubled."""
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 30))):
        at = chance.randrange(len(made) + 1)
        match chance.randrange(4):
            case 0:
                made[at : at + 1] = bytes((chance.randrange(256),))
            case 1:
                del made[at : at + chance.randint(1, 9)]
            case 2:
                made[at:at] = chance.choice(BREAKS)
            case _:
                made[at:at] = made[chance.randrange(len(made) + 1) :][: chance.randint(0, 40)]
    return bytes(made)


SAMPLES: tuple[dict[str, Any], ...] = (
    {"EventID": 1, "Image": "C:\\Windows\\explorer.exe", "User": "Zo\u00eb"},
    {"a": [1, {"b": "x\ny"}, []], "c": {"d": {"e": 2**70}}, "f": -1.5e-7},
    {
        "Event": {
            "System": {"EventID": {"#text": 3}, "Channel": "Security"},
            "EventData": {"A b": "x", "Data": ["a"]},
        }
    },
    {},
    {"text": 'a "quoted" {brace} [bracket], comma', "null": None, "yes": True},
)


def valid(text: bytes) -> Any:
    """Return what the standard library reads."""
    return json.loads(text.decode(errors="replace").lstrip("\ufeff"), strict=False)


def test_no_line_of_broken_ndjson_is_lost(folder: Path) -> None:
    chance, path = random.Random(1), folder / "broken.ndjson"
    for _ in range(TRIES):
        lines = [json.dumps(chance.choice(SAMPLES), ensure_ascii=False).encode() for _ in range(chance.randint(1, 6))]
        data = broken(b"\n".join(lines), chance)
        path.write_bytes(data)
        found, problems = read_file(path)
        json.dumps([event for _, event in found], ensure_ascii=False).encode()
        if data.startswith((b"\xff\xfe", b"\xfe\xff")) or any(problem.place.line == 0 for problem in problems):
            continue
        events, said = dict(found), {problem.place.line for problem in problems}
        for number, line in enumerate(data.split(b"\n"), 1):
            assert number in events or number in said or not line.strip(), (number, data)
            if number in events and number not in said and b'"Event"' not in line:
                assert exact([events[number]]) == exact([valid(line)]), line
        assert len(found) == len(events)
        assert len(events) + len(said) <= len(data.split(b"\n")) + len(set(events) & said)


def test_a_broken_document_is_never_passed_in_silence(folder: Path) -> None:
    chance, path = random.Random(2), folder / "broken.json"
    for _ in range(TRIES):
        events = [chance.choice(SAMPLES[:2] + SAMPLES[3:]) for _ in range(chance.randint(1, 5))]
        data = broken(json.dumps(events, indent=chance.choice((None, 2))).encode(), chance)
        path.write_bytes(data)
        found, problems = read_file(path, format="json")
        if any(problem.severity == "error" for problem in problems) or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            continue
        again = documents(data)
        assert problems or exact([event for _, event in found]) == exact(again), data


def documents(data: bytes) -> list[Any]:
    """Return the members of documents one after another, as the standard library reads them; it raises on a fault."""
    members, decoder = list[Any](), json.JSONDecoder(strict=False)
    text = data.decode(errors="replace").strip("\ufeff \t\r\n")
    while text:
        value, end = decoder.raw_decode(text)
        members += value if isinstance(value, list) else [value]
        text = text[end:].lstrip(" \t\r\n")
    return members


def test_broken_csv_and_compressed_files_are_read_to_their_end(folder: Path) -> None:
    chance = random.Random(3)
    rows = b'a,b,c\n1,"x, y",z\n,"two\nlines",\n"say ""hi""",2,3\n'
    lines = b"".join(json.dumps(sample).encode() + b"\n" for sample in SAMPLES)
    for _ in range(TRIES):
        suffix = chance.choice((".csv", ".ndjson.gz", ".ndjson.zst", ".csv.gz"))
        data = rows if suffix.startswith(".csv") else lines
        pack = PACKERS["." + suffix.rpartition(".")[2]] if suffix.count(".") == 2 else bytes
        path = folder / f"broken{suffix}"
        path.write_bytes(broken(pack(data), chance))
        found, problems = read_file(path)
        json.dumps([event for _, event in found], ensure_ascii=False).encode()
        assert found or problems or suffix == ".csv" or path.stat().st_size == 0, path.read_bytes()


@pytest.mark.parametrize("levels", [DEPTH_LIMIT, DEPTH_LIMIT + 1, 950, 100_000])
@pytest.mark.parametrize("suffix", [".ndjson", ".json"])
@pytest.mark.parametrize("brackets", [('{"a":', "}"), ("[", "]")])
def test_depth(folder: Path, levels: int, suffix: str, brackets: tuple[str, str]) -> None:
    start, end = brackets
    inner, read_ = levels - 1, levels <= DEPTH_LIMIT
    path = folder / f"deep{suffix}"
    path.write_text('{"a":' + start * inner + "1" + end * inner + "}\n" + '{"b": 1}\n')
    found, problems = read_file(path)
    assert [set(event) for _, event in found] == [{"a"}, {"b"}][not read_ :]
    assert [problem.code for problem in problems] == ([] if read_ else ["RE605"])


def test_numbers_of_any_length(folder: Path) -> None:
    path = folder / "digits.ndjson"
    path.write_text("".join(f'{{"a": {"9" * digits}}}\n' for digits in (4300, 4301, 1_000_000)))
    found, problems = read_file(path)
    assert found == [(1, {"a": 10**4300 - 1})]
    assert [(problem.code, problem.place.line) for problem in problems] == [("RE603", 2), ("RE603", 3)]
    assert problems[0].message == "the number 99999999999999999999... has more than 4,300 digits"
