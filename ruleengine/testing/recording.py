"""Judges a test on a file of events: which lines match, against `expect` or the `@expect` of each line."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ruleengine import events
from ruleengine.events import ANNOTATION, Record
from ruleengine.problem import Problem, in_order, problem
from ruleengine.span import Place
from ruleengine.suggest import meant
from ruleengine.testing.judge import matches, not_asked
from ruleengine.testing.model import Case, Expect, Given, Lines, Subject

SHOWN = 3
"""How many events of a failed test are kept to be explained."""
LISTED = 10
"""How many line numbers a sentence names."""

Truths = dict[str, bool | None]
"""What an `@expect` says: rule to expected truth; None for what is still to be learnt."""


@dataclass(slots=True)
class Run:
    """What was seen in one file of events."""

    faults: list[Problem] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    surplus: list[int] = field(default_factory=list)
    green: list[int] = field(default_factory=list)
    evidence: list[Given] = field(default_factory=list)
    events: int = 0
    matched: int = 0
    asked: int = 0
    judged: int = 0
    per_range: list[int] = field(default_factory=list)

    @property
    def unreadable(self) -> tuple[Problem, ...]:
        """What kept events from being read; a line that was merely repaired is none."""
        return tuple(in_order(fault for fault in self.faults if fault.blocks))

    def wrong(self, lines: list[int], record: Record) -> None:
        """Note a line that is not as expected."""
        lines.append(record.line)
        if len(self.evidence) < SHOWN:
            self.evidence.append(Given(record.event, Place(record.path, record.line)))


def judge_recording(case: Case, subject: Subject) -> tuple[Problem | None, Run]:
    """Return what is wrong with a test on a file of events, as far as it could be read, and what was seen."""
    run = Run()
    expect = case.expect
    lines = expect.lines if expect and isinstance(expect.lines, tuple) else ()
    run.per_range = [0] * len(lines)
    names = subject.names
    for record in events.read([case.recording], run.faults.append):
        run.events += 1
        said = _annotation(record.event.pop(ANNOTATION, None), record, run.faults)
        run.asked += not not_asked(subject, record.event)
        true = matches(subject, record.event)
        run.matched += true
        if expect is None:
            _note(run, record, true, [said[name] for name in names if name in said])
        elif expect.lines is not None:
            listed = expect.lines == "all" or _is_listed(record.line, lines, run.per_range)
            _note(run, record, true, [listed])
    return _answer(case, run, expect, lines), run


def _note(run: Run, record: Record, true: bool, expected: list[bool | None]) -> None:
    for truth in expected:
        run.judged += 1
        if truth is None:
            if true:
                run.wrong(run.green, record)
        elif true != truth:
            run.wrong(run.missing if truth else run.surplus, record)


def _is_listed(line: int, lines: Lines, per_range: list[int]) -> bool:
    index = bisect_right(lines, line, key=lambda one: one[0]) - 1
    listed = index >= 0 and line <= lines[index][1]
    if listed:
        per_range[index] += 1
    return listed


def _answer(case: Case, run: Run, expect: Expect | None, lines: Lines) -> Problem | None:
    """Return the problem with what was seen, if there is one."""
    for (low, high), seen in zip(lines, run.per_range, strict=True):
        if seen < high - low + 1 and expect:
            span = f"line {low} of" if low == high else f"not every line from {low} to {high} of"
            verb = "holds no event" if low == high else "holds an event"
            return problem("RE512", expect.place, f"{span} `{case.recording}` {verb}")
    if run.missing or run.surplus:
        return problem("RE506", case.place, _difference(run))
    if run.green:
        sentence = f"the rule matches now what it was still to learn: {_listed(run.green)}"
        return problem("RE510", case.place, sentence, "write `match` instead of `todo_match`")
    if expect and expect.count is not None and expect.count != run.matched:
        return problem("RE506", case.place, f"expected {expect.count} matches, got {run.matched}")
    if not run.events:
        return problem("RE507", case.place, f"vacuous: `{case.recording}` holds no event")
    if not expect and not run.judged:
        sentence = f"vacuous: no line of `{case.recording}` says in `{ANNOTATION}` what this rule does"
        return problem("RE507", case.place, sentence, "say it with `expect:`")
    if not run.asked:
        return problem("RE507", case.place, f"vacuous: the rule is asked about no event of `{case.recording}`")
    return None


def _difference(run: Run) -> str:
    parts = []
    if run.missing:
        parts.append(f"expected a match in {_listed(run.missing)}, got none")
    if run.surplus:
        parts.append(f"expected no match in {_listed(run.surplus)}, got one")
    return "; ".join(parts)


def _listed(lines: list[int]) -> str:
    more = f" and {len(lines) - LISTED:,} more" if len(lines) > LISTED else ""
    return f"line{'s' * (len(lines) > 1)} {', '.join(map(str, lines[:LISTED]))}{more}"


# --- @expect -------------------------------------------------------------------------------------------------------

SIDES: dict[str, bool | None] = {"match": True, "no_match": False, "todo_match": None}


def _annotation(given: Any, record: Record, faults: list[Problem]) -> Truths:
    """Return what a line says about rules; a line whose `@expect` is of another form is a fault."""
    if given is None:
        return {}
    said: Truths = {}
    for message, hint in islice(_understood(given, said), 1):
        faults.append(problem("RE513", Place(record.path, record.line), message, hint))
    return said


def _understood(given: Any, said: Truths) -> Iterator[tuple[str, str]]:
    """Fill in what an annotation says; yield what is wrong with it."""
    if not isinstance(given, dict):
        yield f"`{ANNOTATION}` is an object with `match` and `no_match`", ""
        return
    for key, names in given.items():
        if key not in SIDES:
            yield f"`{ANNOTATION}` has no key `{key}`", meant(key, SIDES)
        elif not _texts(names):
            yield f"`{key}` of `{ANNOTATION}` is a list of rules", ""
        else:
            for name in names:
                if said.setdefault(name, SIDES[key]) is not SIDES[key]:
                    yield f"`{ANNOTATION}` says both that `{name}` matches and that it does not", ""


def _texts(names: Any) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)
