"""References from a rule to other rules and to files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ruleengine.checks.metadata import UUID
from ruleengine.checks.written import document
from ruleengine.load import Loaded
from ruleengine.problem import Problem, problem
from ruleengine.sigma import yaml


def related(rules: Sequence[Loaded]) -> Iterator[Problem]:
    """Yield entries of `related` that name the rule itself, are no UUIDs, or name a rule that should be there."""
    known = {loaded.rule.id.lower() for loaded in rules if loaded.rule.id}
    for loaded in rules:
        root = document(loaded.rule)
        entries = root.get("related") if root is not None else None
        for entry in entries if isinstance(entries, yaml.Sequence) else ():
            id = entry.get("id") if isinstance(entry, yaml.Mapping) else None
            if not isinstance(id, str):
                continue
            where, kind = entry.value_span("id"), entry.get("type")
            if id.lower() == (loaded.rule.id or "").lower():
                yield problem("RE430", where, "the rule is related to itself")
            elif not UUID.fullmatch(id):
                yield problem("RE407", where, "the id of a related rule is no UUID")
            elif kind == "similar" and id.lower() not in known:
                yield problem("RE431", where, "no rule that was read has the id of this similar one")


def regression_tests(rules: Sequence[Loaded]) -> Iterator[Problem]:
    """Yield `regression_tests_path` values that lead nowhere from the folders above the rule."""
    for loaded in rules:
        root = document(loaded.rule)
        path = root.get("regression_tests_path") if root is not None else None
        if root is not None and isinstance(path, str) and path and not _found(path, Path(root.source.path)):
            yield problem("RE432", root.value_span("regression_tests_path"), "no folder above the rule holds this path")


def _found(path: str, rule: Path) -> bool:
    """Say whether a path exists as seen from one of the folders the rule lies in."""
    if "\0" in path or len(path) > 1000:
        return False
    try:
        return any((folder / path).exists() for folder in rule.absolute().parents)
    except OSError:  # a name that no file system takes
        return False
