"""Tests written in rules: what the verb prints, which are selected, and that they say what a test file would say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ruleengine.cli.main import guarded
from ruleengine.dsl.show import show
from ruleengine.ir import Single
from ruleengine.load import load
from ruleengine.testing import model
from ruleengine.testing.collect import collect
from ruleengine.testing.inline import read_inline
from ruleengine.testing.model import Result
from ruleengine.testing.read import read_tests
from ruleengine.testing.run import run_tests
from ruleengine.testing.subject import Rules
from tests.conftest import CASES, ROOT
from tests.test_starter import unexpected
from tests.test_testing import parts, run_pytest

RECORDED = sorted((CASES / "inline").glob("*.txt"))

TEXT = """# a comment
rule two "Two"
  let selection = a == 1
  let filter = b == 2
  match selection and not filter

  test 'first'
    match {a: 1}
    match {a: 2}

  # another one
  test 'second'
    no_match {a: 1, b: 2} because filter
"""


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
    """A project with one rule, `rules/two.rule`, and three tests in it; the test runs in its root."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "ruleengine.toml").touch()
    (tmp_path / "rules" / "two.rule").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code", "names"),
    [
        ([], 1, ["first #1", "first #2", "second"]),
        (["rules/two.rule", "rules"], 1, ["first #1", "first #2", "second"]),
        (["rules/two.rule:7"], 1, ["first #1", "first #2"]),
        (["rules/two.rule:8"], 0, ["first #1"]),
        (["rules/two.rule:9"], 1, ["first #2"]),
        (["rules/two.rule:12"], 0, ["second"]),
        (["rules/two.rule:13"], 0, ["second"]),
        (["rules/two.rule:3"], 5, []),
        (["rules/two.rule::first"], 1, ["first #1", "first #2"]),
        (["rules/two.rule::first #1"], 0, ["first #1"]),
        (["-k", "second or '#1'"], 0, ["first #1", "second"]),
        (["-k", "two and not first"], 0, ["second"]),
    ],
)
def test_what_is_selected_is_run(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, names: list[str]
) -> None:
    assert guarded(["test", *words, "--format", "json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert [test["name"] for test in found["tests"]] == names


def test_the_rerun_line_reruns_that_test(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    guarded(["test"])
    line = re.search(r"rerun: ruleengine (.*)", capsys.readouterr().out)
    assert line
    assert guarded(line[1].split()) == 1
    assert "1 failed in" in capsys.readouterr().err


def test_pytest_collects_and_runs_them(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (project / "rules" / "two.rule").open("a") as file:
        file.write(
            "\nrule late\n  match a == 1\n  within 1m by b\n  having count() > 1\n  test 'in time'\n    match {a: 1}\n"
        )
    (project / "rules" / "none.rule").write_text("rule none\n  match a == 1\n")
    done = run_pytest(project, "-v", "-n", "1")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 2 passed, 1 skipped" in done.stdout
    assert "rules/two.rule::two › first #2" in done.stdout
    guarded(["test"])
    assert capsys.readouterr().out in done.stdout


# --- the same as in a test file ------------------------------------------------------------------------------------

OURS = sorted(path for path in (ROOT / "rules").rglob("*.test.yml") if path.with_name(path.name[:-9] + ".yml").exists())


def inline(tests: model.Tests) -> Iterator[str]:
    """Yield the lines that say what a test file says, as far as events stand in it."""
    for number, case in enumerate(tests.cases):
        if case.kind == "events":
            continue
        yield f"  test 'case {number}'"
        for one in case.events:
            because = f" because {case.because}" if case.because else ""
            yield f"    {case.kind} {json.dumps(one.event, ensure_ascii=False)}{because}"


def outcomes(results: Iterator[Result]) -> dict[str, list[str]]:
    """Return what became of each test, and by which code; a test file's is as bad as the worst of its events."""
    out: dict[str, list[str]] = {}
    for result in results:
        name = result.case.block.name if result.case.block else result.case.name
        out.setdefault(name, []).append(f"{result.outcome} {result.problem.code if result.problem else ''}".strip())
    return out


@pytest.mark.parametrize("path", OURS, ids=[path.name[:-9] for path in OURS])
def test_tests_say_the_same_in_a_rule_and_beside_it(path: Path, tmp_path: Path) -> None:
    """Every starter rule in the language, with its tests in it: all that passed beside it passes in it."""
    tests = read_tests(str(path))
    (loaded,) = load([tests.rule_path], unexpected).rules
    assert isinstance(loaded.rule.body, Single)
    text = show(loaded.rule) + "\n".join(inline(tests)) + "\n"
    written = tmp_path / "a.rule"
    written.write_text(text, "utf-8")
    found = outcomes(run_tests(read_inline(str(written)), Rules()))
    beside = {
        f"case {number}": f"{result.outcome} {result.problem.code if result.problem else ''}".strip()
        for number, result in enumerate(run_tests(tests, Rules()))
        if result.case.kind != "events"
    }
    assert beside
    assert {name: set(each) for name, each in found.items()} == {name: {each} for name, each in beside.items()}


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.text("ab 1.'-:#", max_size=4))
EVENTS = st.dictionaries(
    st.sampled_from(["a", "b", "c.d", "e f", "match"]),
    st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.sampled_from("xy"), SCALARS, max_size=2)),
    max_size=3,
)


@settings(max_examples=150)
@given(EVENTS)
def test_an_event_is_read_as_json_reads_it(tmp_path_factory: pytest.TempPathFactory, event: dict[str, Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "event.rule"
    path.write_text(f"rule a\n  match a == 1\n  test 't'\n    match {json.dumps(event)}\n", "utf-8")
    (case,) = read_inline(str(path)).cases
    assert case.faults == ()
    assert json.dumps(case.events[0].event, sort_keys=True) == json.dumps(event, sort_keys=True)


@settings(max_examples=100)
@given(st.text(st.sampled_from("abmatch_no{}[]:,'\"`#\n /\\1because"), max_size=60))
def test_hostile_tests_never_break_the_verb(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "hostile"
    folder.mkdir(exist_ok=True)
    path = folder / "a.rule"
    path.write_text(f"rule a\n  match a == 1\n  test 't'\n    match {text}\n", "utf-8")
    assert guarded(["test", str(path)]) in (0, 1, 3)


def test_a_file_that_cannot_be_read_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "rules" / "two.rule").write_bytes(b"rule a\n  match a == 1\n  test '\xff'\n    match {a: 1}\n")
    (project / "rules" / "one.rule").write_text("rule a\n  match a == 1\n  test 't'\n    match {a: 1}\n")
    assert guarded(["test", "rules"]) == 3
    assert "RE101 the file is not UTF-8 text" in "".join(capsys.readouterr())
    assert [tests.path for tests in collect(["rules"], lambda _: None)] == ["rules/one.rule"]
