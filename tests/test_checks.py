"""The checks claim nothing that is not so: their claims are held against the evaluator on random rules and events."""

from __future__ import annotations

import json
import os
import re
import tomllib
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ruleengine.checks import check
from ruleengine.checks.implies import covers
from ruleengine.cli.main import guarded
from ruleengine.ir import Pattern, Wild
from ruleengine.load import Loaded, load
from ruleengine.meaning import holds
from ruleengine.problem import Problem
from ruleengine.strings import joined
from ruleengine.values import pattern_test
from tests.conftest import CASES, ROOT, Run

SIGMAHQ = ROOT.parent / "shared" / "data" / "sigmahq"
KINDS = ("rule", "correlation", "filter")

# --- the small logic -----------------------------------------------------------------------------------------------

pieces: list[str | Wild] = ["a", "b", "ab", Wild.ONE, Wild.MANY]
patterns = st.lists(st.sampled_from(pieces), max_size=5).map(lambda given: joined(given))  # noqa: PLW0108  # for mypy


def texts_of(pattern: Pattern, fillings: tuple[str, ...]) -> set[str]:
    """Return texts that a pattern describes, its wildcards filled in every way."""
    ways = [[part] if isinstance(part, str) else ["a", "b"] if part is Wild.ONE else fillings for part in pattern]
    return {"".join(pieces) for pieces in product(*ways)}


@given(patterns, patterns)
def test_what_covers_a_pattern_finds_all_of_its_texts(wide: Pattern, narrow: Pattern) -> None:
    if covers(wide, narrow):
        test = pattern_test(wide, True)
        assert all(test(text) for text in texts_of(narrow, ("", "a", "ba")))


words = st.sampled_from(["'a'", "'b'", "'ab'", "'*a*'", "'a*'", "'?b'", "''", "'A'", "1", "12", "true"])
several = st.lists(words, min_size=1, max_size=3).map(lambda given: f"[{', '.join(given)}]")
items = st.one_of(
    st.tuples(st.sampled_from(["x", "y"]), st.just("null")),
    st.tuples(st.sampled_from(["x|exists", "y|exists"]), st.sampled_from(["true", "false"])),
    st.tuples(st.sampled_from(["x|gt", "x|lte"]), st.sampled_from(["1", "5", "12"])),
    st.tuples(st.sampled_from(["x", "x|contains", "x|startswith", "y|endswith", "y|cased", "x|neq"]), several),
)
selections = st.lists(items, min_size=1, max_size=2, unique_by=lambda item: item[0]).map(
    lambda given: "{" + ", ".join(f"{key}: {value}" for key, value in given) + "}"
)
names = st.sampled_from(["s1", "s2", "s3", "1 of s*", "all of s*"])
conditions = st.recursive(
    names,
    lambda inner: st.one_of(
        inner.map(lambda one: f"not {one}" if re.fullmatch(r"\w+", one) else f"not ({one})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda three: f"({' '.join(three)})"),
    ),
    max_leaves=5,
)
VALUES = (None, "", "a", "b", "ab", "xab", "A", 1, 12, True, ["a", "b"], ["12", "ba"])
EVENTS = [{"x": x, "y": y} for x in VALUES for y in VALUES]


def rule_of(selected: list[str], condition: str) -> str:
    """Return a rule in which nothing but its detection gives cause to say something."""
    lines = "".join(f"    s{number}: {text}\n" for number, text in enumerate(selected, 1))
    return f"title: T\nlogsource: {{product: example}}\ndetection:\n{lines}    condition: {condition}\n"


def checked(folder: Path, text: str) -> tuple[Loaded | None, list[Problem]]:
    """Return the only rule of a text, if it loaded, and all that is said about it."""
    path = folder / "rule.yml"
    path.write_text(text, "utf-8")
    found: list[Problem] = []
    rules = load([str(path)], found.append, evaluating=False).rules
    check(rules, found.append)
    return (rules[0] if rules and rules[0].expr is not None else None), found


@settings(max_examples=150)
@given(st.lists(selections, min_size=3, max_size=3), conditions)
def test_a_constant_condition_is_constant(tmp_path_factory: Any, selected: list[str], condition: str) -> None:
    text = rule_of(selected, condition)
    loaded, found = checked(folder_of(tmp_path_factory), text)
    if loaded is None or loaded.expr is None:
        return
    for each in found:
        if each.code not in ("RE311", "RE312"):
            continue
        place = each.place
        claimed = text.split("\n")[place.line - 1][place.column - 1 : place.end_column - 1]
        lone, _ = checked(folder_of(tmp_path_factory), rule_of(selected, claimed))
        if claimed.startswith("{"):  # within a selection
            lone, _ = checked(folder_of(tmp_path_factory), rule_of([claimed], "s1"))
        assert lone is not None
        assert lone.expr is not None
        assert {holds(lone.expr, event) for event in EVENTS} == {each.code == "RE312"}, each.message


def folder_of(factory: Any) -> Path:
    """Return one folder for all examples of this process."""
    folder: Path = factory.getbasetemp() / "checks"
    folder.mkdir(exist_ok=True)
    return folder


@settings(max_examples=150)
@given(
    st.sampled_from(["x", "x|contains", "x|startswith", "x|endswith", "x|contains|all", "x|cased", "x|neq", "x|re"]),
    st.lists(words, min_size=2, max_size=4),
)
def test_a_value_that_adds_nothing_can_go(tmp_path_factory: Any, key: str, values: list[str]) -> None:
    def written(kept: list[str]) -> str:
        return rule_of(["\n        " + key + ":" + "".join(f"\n            - {value}" for value in kept)], "s1")

    loaded, found = checked(folder_of(tmp_path_factory), written(values))
    idle = [each.place.line - 6 for each in found if each.code in ("RE315", "RE316")]
    if loaded is None or loaded.expr is None or not idle:
        return
    assert 0 <= idle[0] < len(values)
    shorter, _ = checked(folder_of(tmp_path_factory), written(values[: idle[0]] + values[idle[0] + 1 :]))
    assert shorter is not None
    assert shorter.expr is not None
    for event in EVENTS:
        assert holds(loaded.expr, event) == holds(shorter.expr, event)


# --- metadata ------------------------------------------------------------------------------------------------------

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5))
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)
keys = sorted(
    {
        key
        for kind in KINDS
        for key in json.loads((files("ruleengine") / "data" / f"sigma-{kind}.schema.json").read_text("utf-8"))[
            "properties"
        ]
    }
    - {"detection"}
)


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from([*keys, "Level", "regression_tests_path", "own"]), anything, max_size=5))
def test_no_metadata_stop_the_checks(tmp_path_factory: Any, metadata: dict[str, Any]) -> None:
    lines = "".join(f"{key}: {json.dumps(value)}\n" for key, value in metadata.items())
    text = lines + "detection: {s: {x: a}, condition: s}\n"
    _, found = checked(folder_of(tmp_path_factory), text)
    for each in found:
        assert each.message
        assert each.place.line <= text.count("\n") + 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_schemas_are_schemas(kind: str) -> None:
    schema = json.loads((files("ruleengine") / "data" / f"sigma-{kind}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)


def plain(path: Path) -> list[tuple[str, Any]]:
    """Return the documents of a file with the kind of schema for each."""
    from ruleengine.sigma import yaml
    from ruleengine.span import Source

    found: list[Problem] = []
    roots = [document.root for document in yaml.read(Source(str(path), path.read_text("utf-8")), found.append)]
    assert not found
    return [(next((kind for kind in KINDS if kind in root), "rule"), root) for root in roots]


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("nothing-to-say.yml", True),
        ("RE231-weeks.yml", False),
        ("RE232-no-bound.yml", False),
        ("RE232-a-text.yml", False),
        ("RE305-filter-of-nothing.yml", True),
        ("RE233-no-rules.yml", False),
        ("RE205-null-among-others.yml", False),
        ("RE224-empty-list.yml", False),
        ("RE306-correlation-of-nothing.yml", True),
    ],
)
def test_the_schemas_judge_bodies_as_the_reader_does(name: str, valid: bool) -> None:
    """The bodies stand in the schemas for editors; the reader's own judgement must be the same."""
    errors = []
    for kind, root in plain(CASES / "problems" / name):
        schema = json.loads((files("ruleengine") / "data" / f"sigma-{kind}.schema.json").read_text("utf-8"))
        errors += list(Draft202012Validator(schema).iter_errors(root))
    assert (not errors) == valid, errors


# --- the verb ------------------------------------------------------------------------------------------------------

COMMANDS = tomllib.loads((CASES / "check" / "commands.toml").read_text("utf-8"))["case"]


@pytest.mark.parametrize("case", COMMANDS, ids=[case["why"] for case in COMMANDS])
def test_the_verb(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(CASES / "problems")
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    code = guarded(["check", *case["words"]])
    printed = capsys.readouterr()
    assert code == case["code"], printed.err
    assert printed.err.split("\n")[0] == case["says"]
    assert re.findall(r"^\S+ (RE\d+) ", printed.out, re.M) == case["shown"]


def test_other_forms_hold_the_notices(ruleengine: Run) -> None:
    done = ruleengine("check", "RE316-contains.yml", "--format", "json", cwd=CASES / "problems")
    assert [each["code"] for each in json.loads(done.stdout)["problems"]] == ["RE316"]


@pytest.mark.skipif(not SIGMAHQ.is_dir(), reason="the folder ../shared with SigmaHQ's rules is not here")
def test_sigmahq_has_no_error() -> None:
    """A part of them, as the whole takes long: `ruleengine check ../shared/data/sigmahq` looks at all."""
    every = sorted(str(path) for path in SIGMAHQ.glob("rules*/**/*.yml"))
    found: list[Problem] = []
    rules = load(every[::12], found.append, evaluating=False).rules
    check(rules, found.append)
    assert len(rules) > 300
    assert [each for each in found if each.severity == "error"] == []
    assert os.path.commonpath([each.place.path for each in found] or [str(SIGMAHQ)]).startswith(str(SIGMAHQ))
