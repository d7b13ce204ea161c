"""The rule language and Sigma say the same: there and back again, over SigmaHQ's rules and over random ones."""

from __future__ import annotations

import re
import runpy
import shutil
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings

from ruleengine.cli.main import guarded
from ruleengine.dsl import parse, quick
from ruleengine.dsl.comments import notes
from ruleengine.dsl.cut import statements
from ruleengine.dsl.format import formatted
from ruleengine.dsl.parts import Parts
from ruleengine.dsl.show import show
from ruleengine.dsl.translate import same, translated
from ruleengine.ir import Expr, Item, Rule
from ruleengine.load import load
from ruleengine.problem import Problem
from ruleengine.sigma import build, export, yaml
from ruleengine.sigma import format as sigma_format
from ruleengine.span import Source
from ruleengine.walk import walk
from tests.conftest import CASES, CI, ROOT
from tests.corpora import NIGHTLY, shared
from tests.written_rules import rules as written_rules

EVERY = 1 if NIGHTLY else 60
EXAMPLES = 20_000 if NIGHTLY else 300 if CI else 50


@cache
def corpus() -> tuple[Rule, ...]:
    """Return a sample of SigmaHQ's rules, every one of them at night."""
    problems: list[Problem] = []
    files = sorted(shared("sigmahq").rglob("*.yml"))[::EVERY]
    loaded = load([str(path) for path in files if "regression" not in path.name], problems.append, evaluating=False)
    return tuple(each.rule for each in loaded.rules)


def refused(found: Problem) -> None:
    pytest.fail(found.message)


def of_rule(text: str) -> list[Rule]:
    problems: list[Problem] = []
    found = list(parse.rules(Source("made_up.rule", text), problems.append))
    assert [each for each in problems if each.blocks] == [], text
    return found


def of_sigma(text: str) -> list[Rule]:
    problems: list[Problem] = []
    found = list(build.rules(yaml.read(Source("made_up.yml", text), problems.append), problems.append))
    assert [each for each in problems if each.blocks] == [], text
    return found


def equal(one: Rule, other: Rule) -> bool:
    """Say whether two rules are the same as written; `True == 1` in Python, and not in a rule."""
    return same(one, other) and repr(one.body) == repr(other.body)


# --- SigmaHQ -------------------------------------------------------------------------------------------------------


def test_sigma_to_rule_to_sigma_is_the_same_rule() -> None:
    for rule in corpus():
        (between,) = of_rule(show(rule))
        assert equal(between, rule), rule.label
        (back,) = of_sigma(export.text(export.document(between, refused) or {}))
        assert equal(back, rule), rule.label


def test_no_comment_is_lost_on_the_way() -> None:
    commented = 0
    for rule in corpus():
        assert rule.source is not None
        given = sorted(note.text for note in notes(rule))
        if given:
            commented += 1
            text = translated([rule], "rule", refused)
            (between,) = of_rule(text)
            assert sorted(note.text for note in notes(between)) == given, rule.label
            (back,) = of_sigma(translated([between], "sigma", refused))
            assert sorted(note.text for note in notes(back)) == given, rule.label
    assert commented > len(corpus()) / 20


def test_what_is_written_is_in_the_style_of_the_formatters() -> None:
    for rule in corpus():
        text = show(rule)
        assert formatted(Source("x.rule", text)) == text
        sigma = export.text(export.document(rule, refused) or {})
        assert sigma_format.formatted(Source("x.yml", sigma)) == sigma


def test_formatted_twice_is_formatted_once() -> None:
    for rule in corpus():
        assert rule.source is not None
        once = Source("x.yml", sigma_format.formatted(rule.source))
        assert sigma_format.same(rule.source, once), rule.label
        assert sigma_format.formatted(once) == once.text, rule.label
        text = Source("x.rule", translated([rule], "rule", refused))
        assert formatted(text) == text.text, rule.label


def test_the_rule_language_is_a_quarter_shorter() -> None:
    bench: dict[str, Any] = runpy.run_path(str(ROOT / "bench" / "language.py"))
    for name, (average, _) in bench["ratios"](bench["texts"](corpus())).items():
        assert average <= bench["SHORTER"], name


def test_the_quick_reader_reads_what_the_grammar_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    quickly = 0
    for rule in corpus():
        for statement in statements(Source("x.rule", show(rule))):
            one, other = Parts(statement.span), Parts(statement.span)
            if quick.taken(statement, one):
                quickly += 1
                problems: list[Problem] = []
                with monkeypatch.context() as patch:
                    patch.setattr(quick, "taken", lambda *_: False)
                    parse.read(statement, other, problems.append)
                assert problems == []
                assert (one, repr(one)) == (other, repr(other)), statement.span.text
                places = [[_places(let.item) for let in parts.lets] for parts in (one, other)]
                assert places[0] == places[1], statement.span.text
    assert quickly > 10 * len(corpus())


def _places(expr: Expr) -> list[Any]:
    return [
        (node.span and node.span[1:], isinstance(node, Item) and [span[1:] for span in node.value_spans])
        for node in walk(expr)
    ]


# --- random rules --------------------------------------------------------------------------------------------------


@given(written_rules(sigma=False))
@settings(max_examples=EXAMPLES)
def test_what_is_shown_and_formatted_is_read_as_it_was(rule: Rule) -> None:
    text = show(rule)
    once = formatted(Source("x.rule", text))
    for written in (text, once) if once != text else (text,):
        (again,) = of_rule(written)
        assert again == rule
        assert repr(again) == repr(rule)
    assert formatted(Source("x.rule", once)) == once


@given(written_rules(sigma=True))
@settings(max_examples=EXAMPLES)
def test_a_rule_is_written_in_sigma_or_its_loss_is_told(rule: Rule) -> None:
    problems: list[Problem] = []
    text = translated([rule], "sigma", problems.append)
    assert {each.code for each in problems} <= {"RE807"}
    assert bool(text) != bool(problems)
    if text:
        assert sigma_format.formatted(Source("x.yml", text)) == text


# --- the command ---------------------------------------------------------------------------------------------------


def test_rules_of_both_kinds_are_alike_to_every_verb(
    tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twins of starter rules: only the path, the place and the kind of file may differ."""
    shutil.copytree(ROOT / "fixtures", tmp_path / "fixtures")
    monkeypatch.chdir(ROOT)
    assert guarded(["convert", "rules/windows", "rules/abuse", "--to", "rule", "--output", str(tmp_path)]) == 0
    for twin in sorted(tmp_path.rglob("*.rule")):
        area = next(path for path in (ROOT / "rules").rglob(f"{twin.stem}.yml"))
        twin.with_suffix(".test.yml").write_text(
            area.with_suffix(".test.yml").read_text("utf-8").replace("../../fixtures", "fixtures"), "utf-8"
        )
    (tmp_path / "ruleengine.toml").touch()
    capsys.readouterr()
    stem = "web_server_spawns_discovery"
    event = str(ROOT / "fixtures" / "windows" / "process_creation.ndjson") + ":9"
    verbs: tuple[tuple[str, ...], ...] = (
        ("check", "{}", "--notices"),
        ("ls", "{}", "--format", "ndjson"),
        ("match", str(ROOT / "fixtures"), "--rules", "{}"),
        ("explain", "{}", "--event", event),
        ("witness", "{}", "--near-miss"),
    )
    for verb in verbs:
        said = []
        for path in (f"rules/windows/{stem}.yml", str(tmp_path / f"{stem}.rule")):
            code = guarded([word.format(path) for word in verb])
            found = capsys.readouterr()
            said.append((code, _without_places(found.out, path), _without_places(found.err, path)))
        assert said[0] == said[1], verb
    monkeypatch.chdir(tmp_path)
    assert guarded(["test", "."]) == 0, capsys.readouterr().out


def _without_places(text: str, path: str) -> str:
    return re.sub(
        r'"line":\s?\d+|\s+:\d+\b|line \d+', "", re.sub(r"(?<=PATH):\d+(:\d+)?", "", text.replace(path, "PATH"))
    )


@pytest.mark.parametrize("case", sorted((CASES / "convert").glob("*.in.*")), ids=lambda path: path.name)
def test_a_conversion(
    case: Any, golden: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`name.in.yml` becomes `name.out.rule` and the other way round; what is told stands in `name.told.txt`."""
    monkeypatch.chdir(case.parent)
    name = case.name.partition(".")[0]
    language, suffix = ("rule", "rule") if case.suffix == ".yml" else ("sigma", "yml")
    code = guarded(["convert", case.name, "--to", language])
    found = capsys.readouterr()
    golden(case.with_name(f"{name}.out.{suffix}"), found.out)
    golden(case.with_name(f"{name}.told.txt"), f"{found.err}exit code {code}\n")
