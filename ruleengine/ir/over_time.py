"""What rules over time say: figures over windows, steps of sequences, alerts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from ruleengine.ir.expressions import (
    And,
    Atom,
    Item,
    Leaf,
    Named,
    NamedRef,
    Node,
    Not,
    Or,
    ParamRef,
    Quantified,
)


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A number, or a parameter that is one; `5%` is 0.05."""

    value: int | Decimal | ParamRef
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Aggregate(Node):
    """A figure over the events of a window: those that satisfy `where`, within its own time if it has one."""

    function: Literal["count", "distinct", "sum", "avg", "min", "max", "median", "percentile", "seen"]
    fields: tuple[str, ...] = ()
    where: Expr | None = None
    within_s: int | None = None
    rank: int | Decimal | None = None


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """Two figures added, subtracted, multiplied or divided."""

    operator: Literal["+", "-", "*", "/"]
    left: Term
    right: Term


Term = Number | Aggregate | Arithmetic


@dataclass(frozen=True, slots=True)
class Measure(Node):
    """One figure compared with another; false when either is absent."""

    left: Term
    operator: Literal["==", "!=", "<", "<=", ">", ">="]
    right: Term


@dataclass(frozen=True, slots=True)
class FirstSeen(Node):
    """No earlier event of the key within the time has the field's value."""

    field: str
    within_s: int | None = None


Expr = And | Or | Not | Item | NamedRef | Quantified | Named | Leaf | Atom | Measure | FirstSeen


@dataclass(frozen=True, slots=True)
class Window(Node):
    """Which events of a key are looked at together: of the last so long, of each so long, or until so long a gap."""

    kind: Literal["within", "tumbling", "session"]
    length_s: int
    keys: tuple[str, ...] = ()
    either: bool = False
    """`by a or b`: judged for each key on its own, not for all together."""


@dataclass(frozen=True, slots=True)
class Step(Node):
    """One step of a sequence: so many events, or none, within a time of the step before."""

    what: Expr
    count: int | None = None
    absent: bool = False
    having: Expr | None = None
    within_s: int | None = None


@dataclass(frozen=True, slots=True)
class Alert(Node):
    """What is told when a rule over time fires, and how often; `off` for rules that are only parts of others."""

    text: str | None = None
    off: bool = False
    every_event: bool = False
    suppress_s: int | None = None
