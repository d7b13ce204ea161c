"""Parameters: those that nothing in the rule uses."""

from __future__ import annotations

from collections.abc import Iterator

from ruleengine.checks.parts import items
from ruleengine.ir import Number, ParamRef, Rule
from ruleengine.load import Loaded
from ruleengine.lower import terms_of
from ruleengine.problem import Problem, problem


def unused(loaded: Loaded) -> Iterator[Problem]:
    """Yield parameters that no leaf and no figure is compared with: to set them otherwise would change nothing."""
    if loaded.rule.params:
        used = set(_used(loaded.rule))
        for param in loaded.rule.params:
            if param.name not in used and param.span:
                yield problem("RE830", param.span, f"nothing uses the parameter `{param.name}`")


def _used(rule: Rule) -> Iterator[str]:
    for item in items(rule):
        yield from (str(value) for value in item.values if isinstance(value, ParamRef))
    for term in terms_of(rule.body):
        if isinstance(term, Number) and isinstance(term.value, ParamRef):
            yield str(term.value)
