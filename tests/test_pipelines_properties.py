"""Pipelines that must not change what a rule means: random rules before and after, over random events."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ruleengine.ir import Rule, Wild
from ruleengine.lower import lower
from ruleengine.meaning import holds
from ruleengine.problem import Problem
from ruleengine.sigma import pipelines
from ruleengine.sigma.pipelines.bodies import items_of
from ruleengine.sigma.pipelines.views import from_shown, is_ambiguous, shown, written
from ruleengine.span import Source
from ruleengine.strings import joined, pattern, with_placeholders
from ruleengine.values import Event
from tests.conftest import CASES
from tests.strategies import events, rules

PARTS = st.lists(st.one_of(st.sampled_from(list(Wild)), st.text("\\*?%aé", min_size=1, max_size=5)), max_size=5)


def through(rule: Rule, steps: str) -> Rule | None:
    """Return a rule after steps written as a YAML list."""
    found: list[Any] = []
    pipeline = pipelines.read(Source("a.yml", f"transformations: {steps}"), found.append)
    assert pipeline is not None, found
    return pipelines.apply(rule, [pipeline], found.append)


def truth(rule: Rule, event: Event) -> bool:
    expr = lower(rule, lambda found: None)
    assert expr is not None
    return holds(expr, event)


@given(PARTS.map(joined))
def test_a_text_is_written_so_that_it_is_read_back(parts: tuple[str | Wild, ...]) -> None:
    assert pattern(written(parts)) == parts
    assert with_placeholders(written(parts, expand=True)) == parts
    assert is_ambiguous(parts) or from_shown(shown(parts), parts, escapes=False) == parts


SAME = {
    "one of two fields": "{type: field_name_mapping, mapping: {a: [zz, a]}}",
    "the other of two fields": "{type: field_name_mapping, mapping: {b: [b, zz], c.d: [zz, c.d]}}",
    "a replacement taken back": (
        "{type: replace_string, regex: a, replacement: zz}, {type: replace_string, regex: zz, replacement: a}"
    ),
}
SAME_WITHOUT_CASE = {
    "lower case": "{type: case, method: lower}",
    "upper case": "{type: case, method: upper}",
    "a pattern of the same text": "{type: regex, method: ignore_case_flag}",
}
"""For rules in which case does not count."""
NOTHING = (
    "{type: field_name_mapping, mapping: {q: r}}",
    "{type: field_name_mapping, mapping: {a: a, b: b}}",
    "{type: replace_string, regex: q+, replacement: r}",
    "{type: drop_detection_item, field_name_conditions: [{type: include_fields, fields: [q]}]}",
    "{type: set_value, value: 5, rule_conditions: [{type: logsource, product: linux}]}",
    "{type: nest, items: [{type: set_state, key: a, val: b}]}",
)
"""Steps that leave a rule as it is."""


@given(rules(), events())
def test_steps_that_must_not_change_the_meaning_do_not(rule: Rule, event: Event) -> None:
    cased = any("cased" in item.modifiers for item in items_of(rule))
    before = truth(rule, event)
    for name, steps in (SAME if cased else SAME | SAME_WITHOUT_CASE).items():
        made = through(rule, f"[{steps}]")
        if made is None:
            assert "taken back" in name, "only a text that would have two readings is refused"
        else:
            assert truth(made, event) is before, name
    for step in NOTHING:
        assert through(rule, f"[{step}]") == rule, step
    renamed = through(rule, "[{type: field_name_prefix, prefix: x_}]")
    assert renamed is not None
    assert {item.field for item in items_of(renamed)}.isdisjoint({"a", "b", "c.d"})
    assert truth(renamed, {f"x_{name}": value for name, value in event.items()}) is before, "events renamed alike"


TEXTS = [path.read_text("utf-8") for path in sorted((CASES / "pipelines" / "agree").glob("*.yml"))]
WORD = re.compile(r"[\w.\\$%*|]+|'[^'\n]*'")
SLIPS = (
    "null",
    "true",
    "5",
    "-1",
    "1.5",
    "''",
    "[]",
    "{}",
    "'('",
    "'(?P<x>.)'",
    "re",
    "not",
    "or",
    "type",
    "items",
    "a",
)


@given(st.sampled_from(TEXTS), st.lists(st.tuples(st.integers(0, 999), st.sampled_from(SLIPS)), max_size=4), rules())
def test_no_slip_in_a_pipeline_ends_in_a_traceback(text: str, slips: list[tuple[int, str]], rule: Rule) -> None:
    for at, slip in slips:
        words = list(WORD.finditer(text))
        start, end = words[at % len(words)].span()
        text = text[:start] + slip + text[end:]
    found: list[Problem] = []
    pipeline = pipelines.read(Source("a.yml", text), found.append)
    assert (pipeline is None) is any(each.severity == "error" for each in found)
    if pipeline is not None:
        found.clear()
        assert pipelines.apply(rule, [pipeline], found.append) is not None or found
        pipelines.misses(rule, [pipeline])
