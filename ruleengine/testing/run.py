"""Runs tests: each gives one result, whatever is wrong with it, its rule or its events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import assert_never

from ruleengine.problem import Problem, problem
from ruleengine.testing.judge import Verdict, judge_match, judge_no_match, judge_todo, unknown_branch
from ruleengine.testing.model import Case, Kind, OverTime, Result, Subject, Tests
from ruleengine.testing.recording import judge_recording
from ruleengine.testing.subject import NoSubject, Rules

JUDGES: dict[Kind, Callable[[Case, Subject], Verdict]] = {
    "match": judge_match,
    "no_match": judge_no_match,
    "todo_match": judge_todo,
}


def run_tests(tests: Tests, rules: Rules) -> Iterator[Result]:
    """Yield the result of each test of a file; a file with something wrong as a whole gives one result, an error."""
    for case in to_run(tests):
        yield run_case(case, tests, rules)


def to_run(tests: Tests) -> tuple[Case, ...]:
    """Return the tests of a file, or one that stands for a file with something wrong as a whole."""
    return (Case("(the file)", "match", tests.faults[0].place),) if tests.faults else tests.cases


def run_case(case: Case, tests: Tests, rules: Rules) -> Result:
    """Return what becomes of one test."""
    faults = tests.faults or case.faults
    if faults:
        return _error(case, tests, faults[0], faults[1:])
    subject = rules.subject(tests, case)
    if isinstance(subject, NoSubject):
        return _error(case, tests, subject.problem, subject.notes)
    if isinstance(subject, OverTime):
        return Result(case, tests, "unevaluated")
    unknown = unknown_branch(case, subject)
    if unknown:
        return _error(case, tests, unknown)
    match case.kind:
        case "events":
            return _recorded(case, tests, subject)
        case "match" | "no_match" | "todo_match":
            verdict = JUDGES[case.kind](case, subject)
        case _:
            assert_never(case.kind)
    if verdict is None:
        return Result(case, tests, "todo" if case.kind == "todo_match" else "passed", subject)
    found, given = verdict
    return Result(case, tests, "failed", subject, found, (given,))


def _recorded(case: Case, tests: Tests, subject: Subject) -> Result:
    found, seen = judge_recording(case, subject)
    if seen.unreadable:
        sentence = f"the events of `{case.recording}` could not all be read, so this test says nothing"
        return _error(case, tests, problem("RE512", case.place, sentence), seen.unreadable)
    if found is None:
        return Result(case, tests, "passed", subject)
    if found.blocks:
        return _error(case, tests, found)
    return Result(case, tests, "failed", subject, found, tuple(seen.evidence))


def _error(case: Case, tests: Tests, found: Problem, notes: tuple[Problem, ...] = ()) -> Result:
    return Result(case, tests, "error", None, found, (), notes)
