"""What can be said about rules that loaded: a check is a function that yields problems, and here are all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ruleengine.checks import (
    conditions,
    fields,
    identity,
    language,
    metadata,
    params,
    references,
    selections,
    slips,
    tags,
    values,
)
from ruleengine.load import Loaded
from ruleengine.problem import Problem, Report

CHECKS: tuple[Callable[[Loaded], Iterator[Problem]], ...] = (
    metadata.schema,
    metadata.habits,
    metadata.misspelt_keys,
    tags.tags,
    fields.unknown_fields,
    fields.unknown_log_source,
    selections.unused,
    selections.twins,
    params.unused,
    values.repeated,
    values.everything,
    slips.slips,
    language.language,
    conditions.constant,
    conditions.fires_on_nothing,
)
"""The checks that look at one rule at a time."""

ACROSS: tuple[Callable[[Sequence[Loaded]], Iterator[Problem]], ...] = (
    metadata.missing,
    identity.ids,
    identity.names,
    identity.titles,
    identity.meanings,
    references.related,
    references.regression_tests,
)
"""The checks that need all rules together."""


def check(rules: Sequence[Loaded], report: Report, *, among: Sequence[Loaded] | None = None) -> None:
    """Report what every check finds about rules that loaded; a rule that did not has had its problems already.

    `among` is all that was read, when only some of it is to be checked: a twin is a twin wherever it stands.
    """
    for loaded in rules:
        for single in CHECKS:
            for found in single(loaded):
                report(found)
    every = rules if among is None else among
    paths = {loaded.rule.source.path for loaded in rules if loaded.rule.source}
    for across in ACROSS:
        for found in across(every):
            if found.place.path in paths:
                report(found)
