"""A pipeline as data: steps, the conditions that guard them, and the order in which several pipelines are run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ruleengine.ir import Expr, NamedRef
from ruleengine.span import Span
from ruleengine.walk import walk

MODULE = "pipeline"
"""The `module` of a selection that a pipeline added: it says where to search, and is no logic of the detection."""

TARGETS = {"logscale": "log_scale"}
"""Our targets that pySigma's back ends call otherwise."""


@dataclass(frozen=True, slots=True)
class Test:
    """One condition of a step: its kind and its options."""

    kind: str
    options: Mapping[str, Any]
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Guard:
    """The conditions of one sort of a step; without tests, it lets everything through.

    The tests are linked by `expression` over their names; without one, all must hold, or with `either` one of them.
    """

    tests: Mapping[str, Test] = field(default_factory=dict)
    expression: Expr | None = None
    either: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One transformation: its kind and options, and when, on which items and on which fields it is carried out."""

    kind: str
    options: Mapping[str, Any]
    id: str = ""
    for_rule: Guard = Guard()
    for_item: Guard = Guard()
    for_field: Guard = Guard()
    steps: tuple[Step, ...] = ()
    """The steps inside one of kind `nest`."""
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A processing pipeline; `name` is what people call it by, `title` what it calls itself."""

    name: str
    steps: tuple[Step, ...]
    title: str = ""
    priority: int = 0
    variables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()
    """The back ends that may use it; empty: all."""
    span: Span | None = field(default=None, compare=False, repr=False)


def in_order(pipelines: Sequence[Pipeline]) -> list[Pipeline]:
    """Return pipelines as pySigma runs them: by priority, the lowest first, then by name."""
    return sorted(pipelines, key=lambda pipeline: (pipeline.priority, pipeline.name))


def allows(pipeline: Pipeline, target: str) -> bool:
    """Say whether a pipeline is for a target, named as we or as pySigma do; the empty name is any."""
    return not target or not pipeline.allowed or bool({target, TARGETS.get(target, target)} & {*pipeline.allowed})


def all_steps(steps: Sequence[Step]) -> Iterator[Step]:
    """Yield steps and those inside them."""
    for step in steps:
        yield step
        yield from all_steps(step.steps)


def digest(pipelines: Sequence[Pipeline]) -> str:
    """Return the identity of what pipelines do, for the identity of a meaning; empty without pipelines.

    Titles, files, comments and the order in which pipelines are given take no part.
    """
    if not pipelines:
        return ""
    said = [
        (pipeline.priority, [_step(step) for step in pipeline.steps], sorted(pipeline.variables.items()))
        for pipeline in in_order(pipelines)
    ]
    return hashlib.sha256(repr(said).encode("utf-8", "surrogatepass")).hexdigest()


def _step(step: Step) -> Any:
    guards = (_guard(guard) for guard in (step.for_rule, step.for_item, step.for_field))
    return (step.kind, _plain(step.options), step.id, *guards, [_step(inner) for inner in step.steps])


def _guard(guard: Guard) -> Any:
    named = guard.expression is not None  # otherwise names say nothing
    tests = [(name if named else "", test.kind, _plain(test.options)) for name, test in guard.tests.items()]
    return (tests, guard.expression, guard.either, guard.negated)


def _plain(given: Any) -> Any:
    """Return data whose text is the same whatever classes it was read into."""
    match given:
        case Mapping():
            return {key: _plain(value) for key, value in given.items()}
        case list() | tuple():
            return [_plain(value) for value in given]
        case _:
            return given


def named_in(expression: Expr) -> list[str]:
    """Return the names of the tests that an expression links."""
    return [node.name for node in walk(expression) if isinstance(node, NamedRef)]
