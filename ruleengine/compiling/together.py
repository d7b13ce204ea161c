"""Compiling many rules for several targets: on machines with several cores each target has a process of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing import get_all_start_methods, get_context

from ruleengine.compiling import Job, Result, compiled, prepared
from ruleengine.problem import Problem
from ruleengine.target import Compiled, Ready

FEW = 500
"""So many rules are compiled sooner than a process begins."""

Made = tuple[list[Result], list[Problem]]
"""What became of each rule in one target, and the problems to tell."""

_shared: tuple[Sequence[Ready], Sequence[Job], bool] = ((), (), False)
"""What a forked process finds as it was when it began: rules are never sent."""


def compiled_for(rules: Sequence[Ready], jobs: Sequence[Job], *, strict: bool, places: bool = False) -> list[Made]:
    """Return what becomes of the rules in each target.

    Where that is faster, all targets but the first are made beside it; the places of bounds are only kept when asked
    for, because they would be most of what the processes send.
    """
    alone = len(jobs) < 2 or len(rules) < FEW or places
    if alone or (os.cpu_count() or 1) < 2 or "fork" not in get_all_start_methods():
        return [_made(rules, one, strict=strict) for one in jobs]
    global _shared  # noqa: PLW0603  # see there
    _shared = (rules, jobs, strict)
    try:
        with get_context("fork").Pool(min(len(jobs), os.cpu_count() or 1) - 1) as pool:
            waiting = [pool.apply_async(_sent, (index,)) for index in range(1, len(jobs))]
            own = _made(rules, jobs[0], strict=strict)
            return [own, *(_received(each.get(), one) for each, one in zip(waiting, jobs[1:], strict=True))]
    finally:
        _shared = ((), (), False)


def _made(rules: Sequence[Ready], one: Job, *, strict: bool) -> Made:
    problems: list[Problem] = []
    return [compiled(given, one.target, problems.append, strict=strict) for given in rules], problems


Row = tuple[Compiled, bool, str | None]


def _sent(index: int) -> tuple[list[Row], list[Problem]]:
    """Return what another process sends of one target; it begins with what was shared."""
    rules, jobs, strict = _shared
    results, problems = _made(rules, jobs[index], strict=strict)
    return [(_light(each.compiled), each.kept, each.accepted) for each in results], problems


def _light(made: Compiled) -> Compiled:
    limits = tuple(replace(limit, span=None) if limit.kind == "bounded" else limit for limit in made.limits)
    return replace(made, limits=limits)


def _received(sent: tuple[list[Row], list[Problem]], one: Job) -> Made:
    rules, _, _ = _shared
    rows, problems = sent
    return [Result(prepared(given, one.target), *row) for given, row in zip(rules, rows, strict=True)], problems
