"""Pipelines of installed pySigma packages: our passes make of SigmaHQ's rules what pySigma makes of them."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from ruleengine.ir import (
    And,
    Equals,
    Exists,
    Expr,
    InNetwork,
    Leaf,
    Like,
    Named,
    Not,
    Or,
    Pattern,
    Regex,
    Rule,
    SameAs,
    Single,
    Wild,
)
from ruleengine.load import load
from ruleengine.lower import lower
from ruleengine.problem import Problem
from ruleengine.sigma import pipelines
from ruleengine.span import Source
from ruleengine.strings import joined
from tests.conftest import CASES
from tests.corpora import shared

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # pySigma's own use of pyparsing

SAMPLE = 300
"""Rules of one run; RULEENGINE_ALL=1 takes every rule, as the nightly run does."""

PACKAGES = {
    "sysmon": ("sysmon",),
    "windows": ("windows-logsources", "windows-audit"),
    "splunk": ("splunk_windows", "splunk_cim", "splunk_sysmon_acceleration"),
    "crowdstrike": ("crowdstrike_fdr", "crowdstrike_falcon"),
}
"""The pipelines of each package, by the module that it puts into `sigma.pipelines`."""

CHAINS = [
    ["sysmon"],
    ["windows-logsources"],
    ["windows-audit"],
    ["sysmon", "windows-logsources"],
    ["splunk_windows", "sysmon"],
    ["splunk_cim"],
    ["sysmon", "splunk_windows", "splunk_sysmon_acceleration"],
    ["crowdstrike_fdr"],
    ["crowdstrike_falcon"],
]

Shape = Any
"""A tree as nested tuples; what is linked by `and` and `or` is flat, sorted, and each thing once."""


def linked(word: str, shapes: Iterator[Shape]) -> Shape:
    found: set[Shape] = set()
    for shape in shapes:
        found |= set(shape[1:]) if isinstance(shape, tuple) and shape[0] == word else {shape}
    return next(iter(found)) if len(found) == 1 else (word, *sorted(found, key=repr))


# --- our trees -----------------------------------------------------------------------------------------------------


def ours(expr: Expr) -> Shape:
    match expr:
        case And(items):
            return linked("and", map(ours, items))
        case Or(items):
            return linked("or", map(ours, items))
        case Not(item):
            return ("not", ours(item))
        case Named(_, item) | Leaf(_, item):
            return ours(item)
        case Equals(field, str() as value, cased):
            return (field, "text", (value,) if value else (), cased)
        case Equals(field, value, _):
            return (field, type(value).__name__, str(value))
        case Like(field, pattern, cased):
            return (field, "text", tuple(map(str, pattern)) if field else tuple(map(str, pattern[1:-1])), cased)
        case Regex(field, source, flags):
            return (field, "re", source, flags)
        case InNetwork(field, network):
            return (field, "cidr", network)
        case Exists(field):
            return (field, "exists")
        case SameAs(field, other, how):
            return (field, "fieldref", other, how)
    raise AssertionError(expr)


# --- pySigma's -----------------------------------------------------------------------------------------------------


def theirs(node: Any) -> Shape:
    """Return the shape of a tree of pySigma; what was dropped from it is None, and left out of `and` and `or`."""
    name = type(node).__name__
    if name in ("ConditionAND", "ConditionOR"):
        shapes = [shape for arg in node.args if (shape := theirs(arg)) is not None]
        return linked(name[9:].lower(), iter(shapes)) if shapes else None
    if name == "ConditionNOT":
        inner = theirs(node.args[0])
        return None if inner is None else ("not", inner)
    if node is None:
        return None
    return of_value(getattr(node, "field", None), node.value)


def of_value(field: str | None, value: Any) -> Shape:
    match type(value).__name__:
        case "SigmaString" | "SigmaCasedString":
            assert not value.contains_placeholder()
            parts = joined([part if isinstance(part, str) else WILDS[part.name] for part in value.s])
            if field is None:
                parts = trimmed(parts)
            return (field, "text", tuple(map(str, parts)), type(value).__name__ == "SigmaCasedString")
        case "SigmaNumber":
            return (field, "int", str(value))
        case "SigmaBool":
            return (field, "bool", str(value.boolean))
        case "SigmaExpansion":
            return linked("or", (of_value(field, each) for each in value.values))
        case "SigmaRegularExpression":
            flags = "".join(sorted(flag.name[0].lower() for flag in value.flags))
            return (field, "re", value.regexp.to_plain(True), flags)
        case "SigmaCIDRExpression":
            return (field, "cidr", value.cidr)
        case "SigmaNull":
            return ("not", (field, "exists"))
        case "SigmaExists":
            return (field, "exists") if value else ("not", (field, "exists"))
        case "SigmaFieldReference":
            how = {(True, False): "startswith", (False, True): "endswith", (True, True): "contains"}
            return (field, "fieldref", value.field, how.get((value.starts_with, value.ends_with), "equals"))
    raise AssertionError(value)


WILDS = {"WILDCARD_MULTI": Wild.MANY, "WILDCARD_SINGLE": Wild.ONE}


def trimmed(parts: Pattern) -> Pattern:
    """Return a keyword without the wildcards at its ends, which it has in any case."""
    around = joined([Wild.MANY, *parts, Wild.MANY])
    return around[1:-1]


# --- the rules -----------------------------------------------------------------------------------------------------


@cache
def sample() -> tuple[tuple[Path, Rule], ...]:
    """Return rules of SigmaHQ whose trees are the same in both before any pipeline."""
    paths = sorted(shared("sigmahq").glob("rules*/**/*.yml"))
    if os.environ.get("RULEENGINE_ALL") != "1":
        paths = sorted(random.Random(5).sample(paths, SAMPLE))
    found: list[Problem] = []
    rules = load([str(path) for path in paths], found.append, evaluating=False).rules
    pairs = [(Path(loaded.rule.source.path), loaded) for loaded in rules if loaded.rule.source]
    same = [(path, loaded.rule) for path, loaded in pairs if loaded.expr is not None and _agree(path, loaded.expr)]
    assert len(same) > 0.85 * len(paths), "encoded and dashed values apart, the trees are the same"
    return tuple(same)


def _agree(path: Path, expr: Expr) -> bool:
    rule = their_rule(path)
    return bool(linked("or", (theirs(each.parsed) for each in rule.detection.parsed_condition)) == ours(expr))


def with_placeholders() -> Iterator[tuple[Path, Rule]]:
    for path in sorted(shared("sigmahq").glob("rules-placeholder/**/*.yml")):
        found: list[Problem] = []
        yield from ((path, loaded.rule) for loaded in load([str(path)], found.append, evaluating=False).rules)


def their_rule(path: Path) -> Any:
    from sigma.rule import SigmaRule

    return SigmaRule.from_dict(yaml.load(path.read_text("utf-8"), yaml.CSafeLoader))


def their_pipeline(chain: list[str]) -> Any:
    from sigma.processing.resolver import ProcessingPipelineResolver

    known: Mapping[str, Any] = pipelines.installed()
    return ProcessingPipelineResolver(dict(known)).resolve(chain)


# --- the tests -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chain", CHAINS, ids="+".join)
def test_installed_pipelines_make_the_same_of_rules(chain: list[str]) -> None:
    for package, names in PACKAGES.items():
        if set(names) & set(chain) and find_spec(f"sigma.pipelines.{package}") is None:
            pytest.skip(f"needs the package with sigma.pipelines.{package}")
    found: list[Problem] = []
    mine = [pipelines.from_installed(name, found.append) for name in chain]
    assert {each.code for each in found} <= {"RE912"}, found
    compare([each for each in mine if each is not None], their_pipeline(chain), sample(), "+".join(chain))


@pytest.mark.parametrize("path", sorted((CASES / "pipelines" / "agree").glob("*.yml")), ids=lambda path: path.stem)
def test_written_pipelines_make_the_same_of_rules(path: Path) -> None:
    from sigma.processing.pipeline import ProcessingPipeline

    found: list[Problem] = []
    text = path.read_text("utf-8")
    mine = pipelines.read(Source(path.name, text), found.append)
    assert mine is not None, found
    rules = sample() if path.stem != "placeholders" else with_placeholders()
    compare([mine], ProcessingPipeline.from_yaml(text), rules, path.stem)


def compare(mine: list[pipelines.Pipeline], their: Any, rules: Iterable[tuple[Path, Rule]], name: str) -> None:
    """Carry out the same pipelines on the same rules with both, and compare what comes out."""
    from sigma.exceptions import SigmaError

    differences = yaml.safe_load((CASES / "pipelines" / "differences.yml").read_text("utf-8"))
    explained = {rule for row in differences if row["pipeline"] == name for rule in row["rules"]}
    wrong: list[str] = []
    changed = refused = 0
    for path, rule in rules:
        problems: list[Problem] = []
        made = pipelines.apply(rule, mine, problems.append)
        other = their_rule(path)
        try:
            their.apply(other)
        except SigmaError as error:
            refused += 1
            if made is not None or str(error) not in "\n".join(each.message for each in problems):
                wrong.append(f"{path.name}: pySigma refuses it: {error}\n    {problems}")
            continue
        difference = _difference(made, other) if made is not None else f"only we refuse it: {problems}"
        changed += made != rule
        if bool(difference) is not (str(rule.id) in explained):
            wrong.append(f"{path.name} {rule.id}: {difference or 'no longer differs'}")
    assert not wrong, f"{len(wrong)} rules\n" + "\n".join(each[:900] for each in wrong[:12])
    assert changed + refused > 10


def _difference(made: Rule, other: Any) -> str:
    """Return how two transformed rules differ, or nothing."""
    logs = (made.logs.category, made.logs.product, made.logs.service)
    if logs != (other.logsource.category, other.logsource.product, other.logsource.service):
        return f"{made.logs} is not {other.logsource}"
    if list(dict(made.meta).get("fields") or []) != list(other.fields):
        return f"{dict(made.meta).get('fields')} is not {other.fields}"
    assert isinstance(made.body, Single)
    expr = lower(made, lambda found: None)
    if expr is None:
        return "cannot be lowered"
    here, there = ours(expr), linked("or", (theirs(each.parsed) for each in other.detection.parsed_condition))
    return "" if here == there else f"\n    ours   {here}\n    theirs {there}"
