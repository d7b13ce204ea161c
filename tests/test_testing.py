"""Tests of rules: what the verb prints, what counts as proof, which files are tests, and what pytest makes of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ruleengine.cli.main import guarded
from ruleengine.testing.collect import collect
from ruleengine.testing.keyword import KeywordError, keyword
from ruleengine.testing.read import read_tests
from tests.conftest import CASES, ROOT

FOLDER = CASES / "testing"
RECORDED = sorted(FOLDER.glob("*.txt"))
SCHEMA = json.loads((ROOT / "ruleengine" / "data" / "test-file.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
RESULTS = json.loads((ROOT / "ruleengine" / "data" / "test-results.schema.json").read_text("utf-8"))

RULE = """
title: Two
name: two
logsource: {product: windows, category: process_creation}
detection:
    selection: {a: 1}
    filter: {b: 2}
    condition: selection and not filter
"""


# --- what the verb prints ------------------------------------------------------------------------------------------


def parts(text: str) -> tuple[list[str], dict[str, str]]:
    """Return the command and the files of a case: `$ command`, `--- path`, `=== exit N`."""
    head, *files = re.split(r"^--- (\S+)\n", text.partition("\n=== ")[0] + "\n", flags=re.M)
    command = next(line for line in head.splitlines() if line.startswith("$ ruleengine "))
    return command.split()[2:], dict(zip(files[::2], files[1::2], strict=True))


@pytest.mark.parametrize("case", RECORDED, ids=[path.stem for path in RECORDED])
def test_the_verb_prints(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], golden: Any
) -> None:
    given = case.read_text("utf-8").partition("\n=== ")[0]
    words, files = parts(given)
    project = tmp_path / "project"
    for name, text in {"ruleengine.toml": "", **files}.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, "utf-8")
    monkeypatch.chdir(project)
    code = guarded(words)
    out, err = capsys.readouterr()
    err = re.sub(r"in \d+\.\d s\n", "in 0.0 s\n", err)
    golden(case, f"{given}\n=== exit {code}\n{out}=== stderr\n{err}")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one rule, `rules/two.yml`; the test runs in its root."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "ruleengine.toml").touch()
    (tmp_path / "rules" / "two.yml").write_text(RULE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder: Path, *tests: dict[str, Any], **more: Any) -> Path:
    """Write tests of the rule and return their file."""
    path = folder / "rules" / "two.test.yml"
    path.write_text(yaml.safe_dump({"version": 1, **more, "tests": list(tests)}, sort_keys=False))
    return path


FIRES = {"name": "fires", "match": {"a": 1}}
FAILS = {"name": "fails", "match": {"a": 2}}
FILTERED = {"name": "filtered", "no_match": {"a": 1, "b": 2}, "because": "filter"}


@pytest.mark.parametrize(
    ("words", "code", "names"),
    [
        ([], 1, ["fires", "fails", "filtered"]),
        (["rules"], 1, ["fires", "fails", "filtered"]),
        (["rules/two.yml"], 1, ["fires", "fails", "filtered"]),
        (["rules/two.test.yml", "rules", "rules/../rules/two.yml"], 1, ["fires", "fails", "filtered"]),
        (["rules/two.test.yml:3"], 0, ["fires"]),
        (["rules/two.test.yml:4"], 0, ["fires"]),
        (["rules/two.test.yml:9"], 0, ["filtered"]),
        (["rules/two.test.yml::filtered"], 0, ["filtered"]),
        (["rules/two.test.yml:3", "rules/two.test.yml::filtered"], 0, ["fires", "filtered"]),
        (["rules/two.test.yml:1"], 5, []),
        (["rules/two.test.yml::nothing"], 5, []),
        (["-k", "fi and not fires"], 0, ["filtered"]),
        (["-k", "TWO and (fires or filtered)"], 0, ["fires", "filtered"]),
        (["-k", "nothing"], 5, []),
        (["-x"], 1, ["fires", "fails"]),
    ],
)
def test_what_is_selected_is_run(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, names: list[str]
) -> None:
    written(project, FIRES, FAILS, FILTERED)
    assert guarded(["test", *words, "--format", "json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert [test["name"] for test in found["tests"]] == names


def test_the_rerun_line_reruns_that_test(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(project, FIRES, FAILS, FILTERED)
    guarded(["test"])
    line = re.search(r"rerun: ruleengine (.*)", capsys.readouterr().out)
    assert line
    assert guarded(line[1].split()) == 1
    assert "1 failed in" in capsys.readouterr().err


def test_json_and_junit_say_the_same(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    todo = {"name": "later <&> \x85", "todo_match": {"a": 9}}
    broken = {"name": "broken", "match": []}
    written(project, FIRES, FAILS, FILTERED, todo, broken)
    code = guarded(["test", "--format", "json", "--format", "junit=out.xml", "--format", "text=out.txt"])
    found = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, RESULTS)
    assert (code, found["counts"]) == (3, {"failed": 1, "error": 1, "passed": 2, "todo": 1, "unevaluated": 0})
    failed = next(test for test in found["tests"] if test["outcome"] == "failed")
    assert (failed["problem"]["code"], failed["line"], failed["rule"]["title"]) == ("RE506", 6, "Two")
    assert failed["evidence"][0]["explained"]["holds"] is False
    suite = next(iter(ET.parse(project / "out.xml").getroot()))
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "5",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    assert [case.get("name") for case in suite] == [test["name"] for test in found["tests"]]
    assert "1 failed, 1 error, 2 passed, 1 todo in" in (project / "out.txt").read_text("utf-8")


def test_a_link_out_of_the_project_is_followed_first(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.ndjson"
    outside.write_text('{"a": 1}\n')
    (project / "rules" / "link.ndjson").symlink_to(outside)
    path = written(project, {"name": "link", "events": "link.ndjson", "expect": "all"})
    assert [fault.code for fault in read_tests(str(path)).cases[0].faults] == ["RE505"]


def test_standard_input_is_not_a_file_of_events(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "-").write_text('{"a": 1}\n')
    (project / "two.yml").write_text(RULE)
    (project / "two.test.yml").write_text("version: 1\ntests: [{name: one, events: '-', expect: all}]\n")
    monkeypatch.setattr("sys.stdin", None)
    assert guarded(["test", "two.test.yml"]) == 0


def test_placeholders_come_from_the_configuration(project: Path) -> None:
    (project / "rules" / "two.yml").write_text(RULE.replace("{a: 1}", "{'a|expand': '%admins%'}"))
    written(project, {"name": "an admin", "match": {"a": "root"}})
    assert guarded(["test"]) == 3
    (project / "ruleengine.toml").write_text('[placeholders]\nadmins = ["root"]\n')
    assert guarded(["test"]) == 0


def test_without_rules_the_verb_asks_for_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ruleengine.toml").touch()
    monkeypatch.chdir(tmp_path)
    assert guarded(["test"]) == 2
    assert "there is no folder `rules` here" in capsys.readouterr().err
    (tmp_path / "rules").mkdir()
    assert guarded(["test", "-k", "a b"]) == 2
    assert "`-k a b` is not read: `b` is not expected there" in capsys.readouterr().err


def test_a_thousand_small_tests_take_little_time(project: Path) -> None:
    tests = [{"name": f"test {number}", "no_match": {"a": 1, "b": 2, "n": number}} for number in range(1000)]
    written(project, *tests)
    guarded(["test", "-k", "nothing"])  # what is loaded and built once
    begun = time.process_time()
    assert guarded(["test"]) == 0
    assert time.process_time() - begun < 4


# --- which files are test files ------------------------------------------------------------------------------------

WORDS = st.sampled_from(["", "a", "all", "none", "2-5", "5-2", "x.ndjson", "filter", " "])
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 9), st.floats(allow_nan=False, allow_infinity=False), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS.filter(str.strip), inner, max_size=3)),
    max_leaves=5,
)
EVENT = st.one_of(st.dictionaries(st.sampled_from("ab"), st.integers(0, 3)), ANYTHING)
KEYS = ["name", "match", "no_match", "todo_match", "events", "because", "expect", "names"]
EXPECT = st.one_of(
    st.fixed_dictionaries(
        {}, optional={"match": st.one_of(ANYTHING, st.lists(st.integers(1, 9))), "count": st.integers(0, 3)}
    ),
    ANYTHING,
)
TEST = st.one_of(
    st.fixed_dictionaries(
        {"name": st.one_of(st.text("abc", min_size=1), ANYTHING)},
        optional={
            **dict.fromkeys(KEYS[1:4], st.one_of(EVENT, st.lists(EVENT, max_size=2))),
            "events": st.one_of(st.just("x.ndjson"), ANYTHING),
            "because": st.one_of(st.just("filter"), ANYTHING),
            "expect": EXPECT,
        },
    ),
    st.fixed_dictionaries({"name": st.text("abc", min_size=1), "match": EVENT}),
    st.fixed_dictionaries({"name": st.text("abc", min_size=1), "events": st.just("x.ndjson"), "expect": EXPECT}),
    ANYTHING,
)
FILE = st.one_of(
    st.fixed_dictionaries(
        {"version": st.just(1), "tests": st.lists(TEST, max_size=3)},
        optional={
            "rule": st.sampled_from(["two", "two.yml"]),
            "defaults": st.fixed_dictionaries({}, optional={"event": EVENT}),
        },
    ),
    st.fixed_dictionaries(
        {"tests": st.lists(TEST)}, optional={"version": ANYTHING, "rule": ANYTHING, "defaults": ANYTHING}
    ),
    ANYTHING,
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "ruleengine.toml").touch()
    (folder / "two.yml").write_text(RULE)
    (folder / "x.ndjson").write_text('{"a": 1}\n{"a": 2}\n')
    return folder


def form_is_right(content: Any) -> bool:
    """Say whether the published schema takes a file; that names differ is beyond it."""
    if not VALIDATOR.is_valid(content):
        return False
    names = [test["name"] for test in content["tests"]]
    return len(names) == len(set(names))


@settings(max_examples=200)
@given(FILE)
def test_the_reader_and_the_schema_agree(hostile: Path, content: Any) -> None:
    path = hostile / "two.test.yml"
    path.write_text(json.dumps(content))
    tests = read_tests(str(path))
    faults = [fault.code for fault in (*tests.faults, *(one for case in tests.cases for one in case.faults))]
    numbers = "7-5" not in str(content) and "5-2" not in str(content)  # a schema cannot say that 5-2 is no range
    if numbers:
        assert ({"RE501", "RE502"} & set(faults) == set()) == form_is_right(content), faults


@settings(max_examples=60)
@given(FILE)
def test_hostile_test_files_never_break_the_verb(hostile: Path, content: Any) -> None:
    path = hostile / "two.test.yml"
    path.write_text(json.dumps(content))
    assert guarded(["test", str(path)]) in (0, 1, 3)


@settings(max_examples=60)
@given(st.text(st.sampled_from("version: 1\ntests:[]{}-'\"&*!|>#%@`\t,?"), max_size=60))
def test_hostile_texts_never_break_the_verb(hostile: Path, text: str) -> None:
    path = hostile / "two.test.yml"
    path.write_text(f"version: 1\ntests:\n- name: a\n  match: {text}\n")
    assert guarded(["test", str(path)]) in (0, 1, 3)


def test_each_file_is_collected_once(project: Path) -> None:
    path = written(project, FIRES)
    (project / "again").symlink_to(project / "rules")
    found = list(collect(["rules", str(path), "again", "rules/two.yml"], lambda _: None))
    assert len(found) == 1


# --- -k ------------------------------------------------------------------------------------------------------------

KEYWORDS = st.recursive(
    st.sampled_from(["ab", "b", "c", "'a b'"]),
    lambda inner: st.one_of(
        inner.map(lambda one: f"not {one}"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
        inner.map(lambda one: f"({one})"),
    ),
    max_leaves=6,
)


@given(KEYWORDS, st.text("abC ", max_size=6))
def test_keywords_are_python_s_logic(expression: str, text: str) -> None:
    words = r"'a b'|\b(?!and\b|or\b|not\b)\w+"
    python = re.sub(words, lambda word: repr(word[0].strip("'") in text.lower()), expression)
    assert keyword(expression)(text) == eval(python)


@pytest.mark.parametrize("expression", ["", "and", "a and", "not", "(a", "a)", "a b", "'a", "(" * 999 + "a"])
def test_a_keyword_expression_that_cannot_be_read_is_said(expression: str) -> None:
    with pytest.raises(KeywordError):
        keyword(expression)


# --- pytest --------------------------------------------------------------------------------------------------------


def run_pytest(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with our plug-in and xdist alone."""
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    environment.pop("PYTEST_ADDOPTS", None)
    command = [sys.executable, "-m", "pytest", "-p", "ruleengine.testing.plugin", "-p", "xdist", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def test_pytest_collects_and_runs_them(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(project, FIRES, FAILS, {"name": "later", "todo_match": {"a": 9}})
    (project / "rules" / "chart.test.yml").write_text("suite: of another tool\n{{ x }}\n")
    done = run_pytest(project, "-v", "-n", "1", "--junitxml", "out.xml")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 1 passed, 1 xfailed" in done.stdout
    assert "rules/two.test.yml::fails" in done.stdout
    guarded(["test"])
    assert capsys.readouterr().out in done.stdout
    cases = {case.get("name") for case in ET.parse(project / "out.xml").iter("testcase")}
    assert cases == {"fires", "fails", "later"}
    again = run_pytest(project, "--lf", "-q", "-k", "two")
    assert "1 failed" in again.stdout and "passed" not in again.stdout


def test_pytest_without_rule_tests_loads_nothing_of_ours(project: Path) -> None:
    (project / "test_nothing.py").write_text(
        "import sys\n"
        "def test_nothing():\n"
        "    ours = {name for name in sys.modules if name.partition('.')[0] in ('ruleengine', 'lark', 'yaml', 're2')}\n"
        "    assert ours <= {'ruleengine', 'ruleengine.testing', 'ruleengine.testing.plugin'}\n"
    )
    done = run_pytest(project, "-q", "test_nothing.py")
    assert done.returncode == 0, done.stdout
