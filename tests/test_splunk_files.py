"""The Splunk target's files: savedsearches.conf and the app, read again by readers that are not ours."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import tarfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ruleengine.ir import Equals, InList, LogSource, Rule, Single
from ruleengine.load import Loaded, load
from ruleengine.problem import Problem
from ruleengine.target import BadOption, Compiled, Ready
from ruleengine_splunk import TARGET
from ruleengine_splunk.conf import conf, line, stanza_name
from ruleengine_splunk.options import minutes_between
from ruleengine_splunk.saved import domain, techniques
from tests.conftest import CASES, ROOT
from tests.written_rules import TEXTS

FOLDER = CASES / "splunk"
_, SAVED, APP = TARGET.formats
INSPECT = ROOT / ".venv-appinspect" / "bin"
"""Splunk's own checks and an independent reader of .conf files, in an environment that `make test` makes."""

Pair = tuple[Ready, Compiled]


def pair(rule: Rule, expr: object = None) -> Pair:
    ready = Ready(rule, expr or Equals("a", "b"), "0" * 64)  # type: ignore[arg-type]  # an expression
    return ready, TARGET.compile(ready)


def rule(title: str = "made up", **more: object) -> Rule:
    return Rule(title, LogSource(), Single((), ()), **more)  # type: ignore[arg-type]  # fields of a rule


@cache
def starter() -> tuple[Pair, ...]:
    """Return the starter rules, compiled."""
    found: list[Problem] = []
    rules: tuple[Loaded, ...] = load([str(ROOT / "rules")], found.append).events
    assert not found
    return tuple(made for one in rules if (made := pair(one.rule, one.expr))[1].text)


def saved(rules: Sequence[Pair], **options: str) -> Mapping[str, bytes]:
    assert SAVED.many is not None
    return SAVED.many(rules, {name: default for name, (default, _) in SAVED.options.items()} | options)


def app(rules: Sequence[Pair], **options: str) -> Mapping[str, bytes]:
    assert APP.many is not None
    return APP.many(rules, {name: default for name, (default, _) in APP.options.items()} | options)


def read(text: str) -> dict[str, dict[str, str]]:
    """Read a .conf file as Splunk's manual says: a backslash at the end of a line carries a value on to the next."""
    stanzas: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for one in lines:
        whole = one
        while whole.endswith("\\"):
            whole = whole[:-1] + "\n" + next(lines)
        if not whole.strip() or whole.startswith("#"):
            continue
        if found := re.fullmatch(r"\[([^\n]*)\]", whole):
            assert found[1] not in stanzas
            current = stanzas[found[1]] = {}
            continue
        key, equals, value = whole.partition("=")
        assert equals and key.strip() not in current, whole
        current[key.strip()] = value.strip()
    return stanzas


# --- savedsearches.conf ----------------------------------------------------------------------------------------------


def test_saved_searches_read_well(golden: Callable[[Path, str], None]) -> None:
    rules = load([str(FOLDER / "saved.yml")], lambda _problem: None).events
    files = saved([pair(one.rule, one.expr) for one in rules], throttle="1h", throttle_fields="host, user name")
    golden(FOLDER / "saved.conf", files["savedsearches.conf"].decode())


def test_every_query_comes_back_from_savedsearches() -> None:
    stanzas = read(saved(starter())["savedsearches.conf"].decode())
    assert [each["search"] for each in stanzas.values()] == [compiled.text for _, compiled in starter()]
    for stanza in stanzas.values():
        assert json.loads(stanza["action.correlationsearch.metadata"])["ruleengine"]["digest"] == "0" * 64
        assert json.loads(stanza["action.risk.param._risk"])
        assert stanza["action.correlationsearch.label"] in stanzas


@settings(max_examples=50)
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=4))
def test_odd_titles_texts_and_descriptions_come_back(given: list[tuple[str, str, str]]) -> None:
    pairs = [
        pair(rule(title, meta=(("description", about),)), Equals("a", text, cased=True)) for title, about, text in given
    ]
    stanzas = read(saved(pairs)["savedsearches.conf"].decode())
    assert [each["search"] for each in stanzas.values()] == [compiled.text for _, compiled in pairs]
    assert all(len(name) <= 100 and name.endswith(" - Rule") for name in stanzas)
    assert all(set(stanza) == set(next(iter(stanzas.values()))) for stanza in stanzas.values())


def test_rules_of_one_title_have_names_of_their_own() -> None:
    same = [pair(rule("Same [x]", id=f"{number}2345678-0000")) for number in range(3)]
    assert list(read(saved(same)["savedsearches.conf"].decode())) == [
        f"Same (x) ({number}2345678) - Rule" for number in range(3)
    ]


def test_what_is_deprecated_or_switched_off_does_not_run() -> None:
    rules = [pair(rule("old", status="deprecated")), pair(rule("new", status="test"))]
    assert [each["disabled"] for each in read(saved(rules)["savedsearches.conf"].decode()).values()] == ["1", "0"]
    off = read(saved(rules, enabled="no", notable="no", risk="no")["savedsearches.conf"].decode())
    assert {each["disabled"] for each in off.values()} == {"1"}
    assert not any(key.startswith(("action.notable", "action.risk")) for each in off.values() for key in each)


@pytest.mark.parametrize(
    ("cron", "lag", "times"),
    [
        ("*/15 * * * *", "5", ("-20m@m", "-5m@m")),
        ("0 * * * *", "0", ("-60m@m", "@m")),
        ("7 */6 * * *", "10", ("-370m@m", "-10m@m")),
        ("30 2 * * *", "60", ("-1500m@m", "-60m@m")),
        ("* * * * *", "1", ("-2m@m", "-1m@m")),
    ],
)
def test_time_ranges_follow_each_other_without_a_gap(cron: str, lag: str, times: tuple[str, str]) -> None:
    (stanza,) = read(saved([pair(rule())], cron=cron, lag=lag)["savedsearches.conf"].decode()).values()
    assert (stanza["dispatch.earliest_time"], stanza["dispatch.latest_time"]) == times
    assert int(times[0].strip("-m@") or 0) - int(times[1].strip("-m@") or 0) == minutes_between(cron.split())


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("cron", "* * * *"),
        ("cron", "* * * * * *"),
        ("cron", "0 9-17 * * 1-5"),
        ("cron", "*/7 * * * *"),
        ("lag", "5m"),
        ("earliest", "yesterday\n[x]"),
        ("latest", "-5m"),
        ("throttle", "0"),
        ("throttle_fields", ",a"),
        ("notable", "true"),
        ("risk", "101"),
        ("risk_objects", "host"),
        ("enabled", ""),
    ],
)
def test_an_option_that_cannot_be_used_is_named(option: str, value: str) -> None:
    with pytest.raises(BadOption, match=f"-O {option}"):
        saved([pair(rule())], **{option: value})


def test_own_time_ranges_are_taken_as_they_are() -> None:
    own = saved([pair(rule())], cron="0 9-17 * * 1-5", earliest="-24h@h", latest="now")
    (stanza,) = read(own["savedsearches.conf"].decode()).values()
    assert (stanza["dispatch.earliest_time"], stanza["dispatch.latest_time"]) == ("-24h@h", "now")


def test_metadata_becomes_what_enterprise_security_reads() -> None:
    assert techniques(["attack.T1059.001", "attack.execution", "attack.t1059", "attack.t1059", "cve.2024-1"]) == [
        "T1059.001",
        "T1059",
    ]
    sources = (
        LogSource("process_creation", "windows"),
        LogSource("dns"),
        LogSource(product="okta", service="okta"),
        LogSource(),
    )
    domains = [domain(Rule("x", logs, Single((), ()))) for logs in sources]
    assert domains == ["endpoint", "network", "identity", "threat"]


@given(TEXTS)
def test_a_line_is_one_line(text: str) -> None:
    for made in (line(text), stanza_name(text, 60)):
        assert made == made.strip() and not made.endswith("\\") and len(made.splitlines()) <= 1
        assert read(conf([("x", {"key": made})])) == {"x": {"key": made}}


# --- the app --------------------------------------------------------------------------------------------------------


def with_list() -> list[Pair]:
    long = tuple((f"bad{number}", None) for number in range(1_001))
    return [*starter(), pair(rule("A long list"), InList("a", "bad", long))]


def test_an_app_is_a_folder_and_its_package() -> None:
    files = dict(app(with_list(), app="SA-x", version="1.2.3", label="Ours: 'x' = [y]"))
    packed = files.pop("SA-x-1.2.3.spl")
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        inside = {each.name: each for each in archive.getmembers()}
        for path, data in files.items():
            extracted = archive.extractfile(path)
            assert extracted is not None and extracted.read() == data
    assert {path for path, each in inside.items() if each.isfile()} == set(files)
    assert {each.mtime for each in inside.values()} == {0} and {each.uid for each in inside.values()} == {0}
    told = read(files["SA-x/default/app.conf"].decode())
    assert told["package"]["id"] == told["id"]["name"] == "SA-x" and told["launcher"]["version"] == "1.2.3"
    (lookup,) = (path for path in files if path.startswith("SA-x/lookups/"))
    assert len(list(csv.DictReader(io.StringIO(files[lookup].decode())))) == 1_001
    searches = read(files["SA-x/default/savedsearches.conf"].decode())
    assert f"| lookup {Path(lookup).name} " in searches["A long list - Rule"]["search"]
    assert Path(lookup).name in "".join(saved(with_list()))


def test_the_same_rules_give_the_same_bytes() -> None:
    assert app(with_list()) == app(with_list())


@pytest.mark.parametrize(("option", "value"), [("app", "../x"), ("app", "default"), ("app", "x."), ("version", "1")])
def test_an_app_that_splunk_would_not_take_is_refused(option: str, value: str) -> None:
    with pytest.raises(BadOption, match=f"-O {option}"):
        app([pair(rule())], **{option: value})


def tool(name: str) -> Path:
    if not (INSPECT / name).exists():
        pytest.skip(f"needs {name}: `make test` installs it into .venv-appinspect")
    return INSPECT / name


def test_splunk_itself_finds_nothing_wrong_with_the_app(tmp_path: Path) -> None:
    """Splunk's AppInspect passes the package without an error, a failure or a warning."""
    inspect = tool("splunk-appinspect")
    (tmp_path / "app.spl").write_bytes(app(with_list())["DA-ESS-ruleengine-1.0.0.spl"])
    words: list[str | Path] = [
        inspect,
        "inspect",
        "app.spl",
        "--mode",
        "test",
        "--data-format",
        "json",
        "--output-file",
        "report.json",
    ]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, timeout=300)
    summary = json.loads((tmp_path / "report.json").read_text("utf-8"))["summary"]
    assert summary["success"] > 50
    assert (summary["error"], summary["failure"], summary["warning"]) == (0, 0, 0)


READER = """
import json
import addonfactory_splunk_conf_parser_lib as lib

found = lib.TABConfigParser()
found.read("savedsearches.conf")
items = {name: {key: value for key, value in found.items(name) if key != "__name__"} for name in found.sections()}
print(json.dumps(items))
"""


def test_an_independent_reader_reads_the_same(tmp_path: Path) -> None:
    python = tool("python")
    text = saved(starter())["savedsearches.conf"].decode()
    (tmp_path / "savedsearches.conf").write_text(text, "utf-8")
    done = subprocess.run([python, "-c", READER], cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60)
    assert _plain(json.loads(done.stdout)) == _plain(read(text))


def _plain(stanzas: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Return values as single lines: readers differ in what they keep of line ends."""
    return {
        name: {key: " ".join(value.replace("\\\n", "\n").split()) for key, value in stanza.items()}
        for name, stanza in stanzas.items()
    }
