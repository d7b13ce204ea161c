"""Problems in every form: drawn as text, and as JSON, NDJSON, SARIF, GitHub annotations and Markdown."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator, Draft202012Validator

import ruleengine
from ruleengine.codes import codes
from ruleengine.draw import BEFORE, WIDTH, cells, draw, summary, visible
from ruleengine.formats import WRITERS, github_line, uri
from ruleengine.problem import Problem, in_order, problem
from ruleengine.span import Place, Source, Span
from tests.conftest import CASES, ROOT

DRAWING = tomllib.loads((CASES / "output" / "drawing.toml").read_text("utf-8"))["case"]
SARIF = json.loads((ROOT / "tests" / "schemas" / "sarif-2.1.0-rtm.5.json").read_text("utf-8"))
OURS = json.loads((ROOT / "ruleengine" / "data" / "problems.schema.json").read_text("utf-8"))

ORDINARY = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Mn")), max_size=30)
HOSTILE = st.text(
    st.sampled_from("ab%:,\r\n\t`<&@|\x00\x1b\x85\u202e\u2028\u0301語\ud800é😀 ") | st.characters(), max_size=30
)


@st.composite
def problems(draw_one: st.DrawFn) -> Problem:
    """Any problem: at a span of a text, or at a place that somebody made up."""
    code = draw_one(st.sampled_from(sorted(codes())))
    message = draw_one(HOSTILE.filter(bool))
    path = draw_one(st.sampled_from(["a.yml", "rules/ü b/x%1.yml", "::error::.yml", "a,b:c.yml", "../up.yml", "-"]))
    if draw_one(st.booleans()):
        source = Source(path, draw_one(st.text(st.sampled_from("ab\t\n語\x1b: "), max_size=400)))
        start = draw_one(st.integers(0, len(source.text)))
        where: Span | Place = Span(source, start, draw_one(st.integers(start, len(source.text))))
    else:
        line, column, end_line, end_column = draw_one(st.tuples(*[st.integers(0, 500)] * 4))
        where = Place(path, line, column, end_line, end_column, draw_one(HOSTILE).replace("\n", ""))
    return problem(code, where, message, draw_one(HOSTILE))


@pytest.mark.parametrize("case", DRAWING, ids=[case["name"] for case in DRAWING])
def test_drawing(case: dict[str, str]) -> None:
    before, mark, rest = case["text"].partition("«")
    inside, end, after = rest.partition("»")
    assert mark and end
    source = Source("case.yml", before + inside + after)
    found = problem(
        "RE101", Span(source, len(before), len(before) + len(inside)), case["message"], case.get("hint", "")
    )
    assert draw(found) == case["drawn"]


def test_a_problem_without_a_row_has_no_excerpt() -> None:
    assert draw(problem("RE101", "a.yml", "it is gone")) == "a.yml RE101 it is gone\n"
    assert draw(problem("RE101", "a.yml", "it is gone", "look elsewhere")) == (
        "a.yml RE101 it is gone\n  = look elsewhere\n"
    )


def test_a_problem_without_a_column_underlines_the_row() -> None:
    found = problem("RE101", Place("a.ndjson", 3, excerpt="  {broken  "), "this is not JSON")
    assert draw(found).splitlines()[2:] == ["3 |   {broken", "  |   ^^^^^^^"]


@pytest.mark.parametrize("start", [0, 5, 60, 5_000, 999_990])
def test_a_long_row_is_cut_around_the_fault(start: int) -> None:
    text = "x" * start + "FAULT" + "y" * (1_000_000 - start - 5)
    drawn = draw(problem("RE101", Span(Source("a", text), start, start + 5), "m"))
    row, under = drawn.splitlines()[2:]
    assert len(row) <= WIDTH + 10
    assert row[under.index("^") : under.rindex("^") + 1] == "FAULT"
    assert row.endswith("…") == (start < 999_900)
    kept = row[row.index("|") + 2 : under.index("^")]
    assert kept == ("x" * start if start <= BEFORE else "…" + "x" * BEFORE), "some of what stands in front is kept"


def test_a_fault_longer_than_the_window_is_marked_as_far_as_it_is_shown() -> None:
    row, under = draw(problem("RE101", Span(Source("a", "z" * 9_000), 100, 8_900), "m")).splitlines()[2:]
    assert under.count("^") > 50 and len(under) <= len(row)


def test_colour_adds_escapes_and_nothing_else() -> None:
    found = problem("RE101", Span(Source("a.yml", "key: value"), 5, 10), "m", "h")
    coloured = draw(found, colour=True)
    assert "\x1b[31m^^^^^\x1b[0m" in coloured
    for code in ("0", "1", "2", "31"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == draw(found)


@given(problems())
def test_drawing_takes_anything(found: Problem) -> None:
    drawn = draw(found)
    lines = drawn.split("\n")
    assert lines[-1] == "" and len(lines) in (2, 3, 5)
    assert all(visible(line) == line for line in lines), "nothing that a terminal would obey"
    assert drawn.isprintable() or all(line == visible(line) for line in lines)


@given(ORDINARY, st.text(st.characters(categories=("L", "N")), min_size=1, max_size=10), ORDINARY)
def test_carets_stand_under_the_fault(before: str, fault: str, after: str) -> None:
    drawn = draw(
        problem("RE101", Span(Source("a", f"-{before}{fault}{after}"), 1 + len(before), 1 + len(before + fault)), "m")
    )
    row, under = drawn.splitlines()[2:]
    assert cells(under[: under.index("^")]) == cells(f"1 | -{before}")
    assert under.count("^") == cells(fault)
    assert row == f"1 | -{before}{fault}{after}"


@given(st.lists(problems(), max_size=6))
def test_json_and_ndjson_hold_every_problem(found: list[Problem]) -> None:
    document = json.loads(WRITERS["json"](found))
    Draft202012Validator(OURS).validate(document)
    assert [(row["path"], row["code"], row["message"], row["hint"] or "") for row in document["problems"]] == [
        (one.place.path, one.code, one.message, one.hint) for one in found
    ]
    assert sum(document["counts"].values()) == len(found)
    lines = WRITERS["ndjson"](found).split("\n")[:-1]
    one_line = Draft202012Validator({**OURS["$defs"]["problem"], "$defs": OURS["$defs"]})
    for line, row in zip(lines, document["problems"], strict=True):
        one_line.validate(json.loads(line))
        assert json.loads(line) == {"schema_version": 1, **row}


@given(st.lists(problems(), max_size=6))
def test_sarif_is_valid_and_points_where_the_problem_is(found: list[Problem]) -> None:
    text = WRITERS["sarif"](found)
    log = json.loads(text.encode("utf-8"))
    Draft4Validator(SARIF).validate(log)
    (run,) = log["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    for one, result in zip(found, run["results"], strict=True):
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == one.code
        where = result["locations"][0]["physicalLocation"]
        assert unquote(where["artifactLocation"]["uri"]) == one.place.path
        region = where.get("region", {})
        assert region.get("startLine", 0) == one.place.line
        assert region.get("startColumn", 0) == (one.place.column if one.place.line else 0)


@given(problems())
def test_a_github_annotation_is_one_command_that_reads_back(found: Problem) -> None:
    line = github_line(found)
    assert line.count("\n") == 1 and "\r" not in line
    head, _, message = line[2:-1].partition("::")
    kind, _, properties = head.partition(" ")
    read = dict(part.split("=", 1) for part in properties.split(","))
    assert kind in ("error", "warning", "notice")
    assert unescaped(read["file"]) == found.place.path
    assert unescaped(message) == (f"{found.message}; {found.hint}" if found.hint else found.message)


def unescaped(text: str) -> str:
    """Undo what GitHub's runner undoes, in its order."""
    for written, meant in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(written, meant)
    return text


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_the_forms_as_they_are(name: str, golden: Callable[[Path, str], None]) -> None:
    source = Source("rules/windows/whoami all.yml", "detection:\n  selection:\n    CommandLine|containz: '50%, ü'\n")
    at = source.text.index("containz")
    found = [
        problem("RE101", Span(source, at, at + 8), "unknown modifier `containz`: 50%", "did you mean `contains`?"),
        problem("RE702", Place("out/ü.json", 7), "two\nlines"),
        problem("RE703", "a.yml", "<b>@all & `all`"),
    ]
    text = WRITERS[name](in_order(found)).replace(f'"{ruleengine.__version__}"', '"VERSION"')
    golden(CASES / "output" / f"problems.{name}", text)


def test_no_problems_is_an_answer_in_every_form() -> None:
    assert {name: write([]) for name, write in WRITERS.items() if name in ("ndjson", "github", "md")} == {
        "ndjson": "",
        "github": "",
        "md": "**ruleengine**: no problems\n",
    }
    assert json.loads(WRITERS["json"]([]))["problems"] == []
    Draft4Validator(SARIF).validate(json.loads(WRITERS["sarif"]([])))


def test_uris() -> None:
    assert uri("rules/a b#c?.yml") == "rules/a%20b%23c%3F.yml"
    assert uri("rules/ü.yml") == "rules/%C3%BC.yml"
    assert uri("/tmp/a b.yml") == "file:///tmp/a%20b.yml"
    assert uri("caf\udce9.yml") == "caf%E9.yml"


def test_summary_counts_by_severity() -> None:
    assert summary([]) == "no problems"
    assert summary([problem("RE101", "a", "m")]) == "1 error"
    assert summary([problem("RE101", "a", "m"), problem("RE702", "a", "m")]) == "2 errors"


@pytest.mark.parametrize("name", ["problems", "match"])
def test_published_schemas_are_schemas(name: str) -> None:
    text = (ROOT / "ruleengine" / "data" / f"{name}.schema.json").read_text("utf-8")
    Draft202012Validator.check_schema(json.loads(text))
