"""Targets: what a rule is compiled into. A target is data and functions; it lives in `backends/`, one package each.

`Ready` is a rule as a target gets it, `Compiled` what the target makes of it, `Target` the target itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ruleengine.ir import And, Expr, Named, Rule
from ruleengine.problem import Problem
from ruleengine.target.bounds import BOUNDS, Bound
from ruleengine.target.contract import Contract, Line
from ruleengine.target.fidelity import Kind, Limit, composed, verdict

__all__ = [
    "BOUNDS",
    "SOURCE",
    "BadOption",
    "Bound",
    "Capability",
    "Compiled",
    "Contract",
    "Format",
    "Kind",
    "Limit",
    "Line",
    "Options",
    "Ready",
    "Target",
    "composed",
    "parted",
    "verdict",
]

SOURCE = "pipeline:"
"""Selections that a pipeline added to say where the events are (an index, a source type) have names that begin so."""


class BadOption(ValueError):
    """What `-O` sets for a format cannot be: a sentence."""


Options = Mapping[str, str]
"""What `-O name=value` sets, by name; every option that a format declares is there, with its default if not set."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A rule about one event, ready to be compiled: its meaning, its identity, and which of its fields are arrays."""

    rule: Rule
    expr: Expr
    digest: str
    arrays: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a target made of a rule: the query, and everything that keeps it from being exact.

    Where the verdict is `unsupported` there is no query: the text is empty, and the limits say why.
    """

    text: str
    limits: tuple[Limit, ...] = ()
    problems: tuple[Problem, ...] = ()
    """What else there is to tell, by a target that is not ours."""

    @property
    def verdict(self) -> Kind:
        return verdict(self.limits)


@dataclass(frozen=True, slots=True)
class Capability:
    """One row of a target's table: a construct, how faithful it is, how it is written, and the reason if not exact."""

    construct: str
    kind: Kind
    written: str
    reason: str = ""
    bound: str = ""


@dataclass(frozen=True, slots=True)
class Format:
    """A form to write queries in: one file a rule, or files for all rules together.

    `one` returns the text of a rule's file. `many` returns files by their relative path. One of them is None.
    """

    name: str
    about: str
    suffix: str = ""
    one: Callable[[Ready, Compiled, Options], str] | None = None
    many: Callable[[Sequence[tuple[Ready, Compiled]], Options], Mapping[str, bytes]] | None = None
    options: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """What may be set: name → (default, what it is)."""


@dataclass(frozen=True, slots=True)
class Target:
    """A language that rules are compiled into."""

    name: str
    title: str
    version: str
    """Of the target's writer; a change of what it writes changes it."""
    contract: Contract | None
    """None: the target sees events as they are."""
    compile: Callable[[Ready], Compiled]
    capabilities: tuple[Capability, ...]
    formats: tuple[Format, ...]
    """The first one is used when none is asked for."""


def parted(expr: Expr) -> tuple[tuple[Expr, ...], Expr]:
    """Part what a pipeline added to say where the events are from what the rule itself says."""
    match expr:
        case And(items):
            where = tuple(item for item in items if isinstance(item, Named) and item.name.startswith(SOURCE))
            rest = tuple(item for item in items if item not in where)
            return where, rest[0] if len(rest) == 1 else And(rest, span=expr.span)
        case _:
            return (), expr
