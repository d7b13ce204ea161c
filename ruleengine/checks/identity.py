"""Rules against each other: ids, names, titles and meanings that are there twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ruleengine.checks.metadata import first
from ruleengine.checks.written import document
from ruleengine.ir import Rule
from ruleengine.load import Loaded
from ruleengine.lower import digest
from ruleengine.problem import Problem, problem
from ruleengine.span import Span


def ids(rules: Sequence[Loaded]) -> Iterator[Problem]:
    """Yield ids that an earlier rule has."""
    yield from _twice(rules, "id", "RE420", str.lower)


def names(rules: Sequence[Loaded]) -> Iterator[Problem]:
    """Yield names that an earlier rule has."""
    yield from _twice(rules, "name", "RE421", str)


def titles(rules: Sequence[Loaded]) -> Iterator[Problem]:
    """Yield titles that an earlier rule has; another log source may tell two rules apart."""
    yield from _twice(rules, "title", "RE422", lambda title: " ".join(title.split()).lower())


def _twice(rules: Sequence[Loaded], key: str, code: str, folded: Callable[[str], str]) -> Iterator[Problem]:
    seen: dict[str, Rule] = {}
    for loaded in rules:
        root = document(loaded.rule)
        value = root.get(key) if root is not None else None
        if root is None or not isinstance(value, str):
            continue
        earlier = seen.setdefault(folded(value), loaded.rule)
        if earlier is not loaded.rule:
            yield problem(code, root.value_span(key), f"this {key} is also that of {_at(earlier, key)}")


def _at(rule: Rule, key: str) -> str:
    """Return how to name another rule: its title (unless that is the trouble) and its place."""
    place = _key_span(rule, key).place
    where = f"{place.path}:{place.line}"
    return f"the rule at {where}" if key == "title" else f"`{rule.title}` ({where})"


def _key_span(rule: Rule, key: str) -> Span:
    root = document(rule)
    assert root is not None
    return root.key_span(key) if key in root else first(root)


def meanings(rules: Sequence[Loaded]) -> Iterator[Problem]:
    """Yield rules that say of the same log source what an earlier rule says."""
    seen: dict[str, Rule] = {}
    for loaded in rules:
        rule = loaded.rule
        if loaded.expr is None or document(rule) is None:
            continue
        earlier = seen.setdefault(digest(loaded.expr, rule.logs), rule)
        if earlier is not rule:
            where = _key_span(rule, "detection")
            yield problem("RE423", where, f"this rule finds exactly what {_at(earlier, 'detection')} finds")
