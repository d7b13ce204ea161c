"""What a test file says, as data: its rule, its tests, and what became of each when it was run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ruleengine.engine import Engine
from ruleengine.ir import Expr, Rule
from ruleengine.problem import Problem
from ruleengine.span import Place
from ruleengine.values import Event

Kind = Literal["match", "no_match", "todo_match", "events"]
Outcome = Literal["passed", "failed", "error", "todo", "unevaluated"]
Lines = tuple[tuple[int, int], ...]
"""Ranges of line numbers, both ends included, in order and apart."""


@dataclass(frozen=True, slots=True)
class Given:
    """One event of a test and where it stands."""

    event: Event
    place: Place


@dataclass(frozen=True, slots=True)
class Expect:
    """Which lines of a recording must match; every other line must not. `count` is how many, whichever they are."""

    lines: Lines | Literal["all"] | None
    count: int | None
    place: Place


@dataclass(frozen=True, slots=True)
class Block:
    """The `test` of a `.rule` file that a case stands in: its name, its line, and where its rule begins in the text."""

    name: str
    line: int
    rule_start: int


@dataclass(frozen=True, slots=True)
class Case:
    """One test. `faults` are what is wrong with its form: such a test is an error and is not run."""

    name: str
    kind: Kind
    place: Place
    events: tuple[Given, ...] = ()
    because: str = ""
    because_place: Place = field(default_factory=lambda: Place(""))
    recording: str = ""
    """The path of a file of events, as it is shown; it lies inside the project."""
    expect: Expect | None = None
    faults: tuple[Problem, ...] = ()
    block: Block | None = None
    """Where the test is written in its rule."""


@dataclass(frozen=True, slots=True)
class Tests:
    """A test file, or the tests that are written in a file of rules.

    `faults` are what is wrong with the file as a whole: then none of its tests can be run.
    """

    path: str
    rule_path: str
    """The file of the rule; empty where `rule_key` is to be found in the folder of the tests."""
    rule_key: str
    """The id or name of the rule; empty for the only rule of its file."""
    rule_place: Place
    cases: tuple[Case, ...]
    faults: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """The rule under test and what it says."""

    rule: Rule
    expr: Expr
    path: str
    engine: Engine
    """What asks the rule: the same that runs all rules over a stream."""

    @property
    def names(self) -> frozenset[str]:
        """What an `@expect` may call the rule: its id, its name, its title, or the name of its file."""
        stem = self.path.replace("\\", "/").rpartition("/")[2].rpartition(".")[0]
        return frozenset(name for name in (self.rule.id, self.rule.name, self.rule.title, stem) if name)

    @property
    def label(self) -> str:
        """The shortest of its names that people use: its name, else its file's, with the title where it says more."""
        stem = self.path.replace("\\", "/").rpartition("/")[2].rpartition(".")[0]
        return self.rule.name or stem


@dataclass(frozen=True, slots=True)
class OverTime:
    """A rule over time, which cannot be evaluated yet."""

    rule: Rule


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one test.

    A test that did not pass has a `problem`, the events it is about (`evidence`), and `notes`: problems of the rule or
    the recording that kept the test from being run.
    """

    case: Case
    tests: Tests
    outcome: Outcome
    subject: Subject | None = None
    problem: Problem | None = None
    evidence: tuple[Given, ...] = ()
    notes: tuple[Problem, ...] = ()

    @property
    def id(self) -> str:
        """Name the test as pytest does: `path::name`."""
        return f"{self.tests.path}::{self.case.name}"
