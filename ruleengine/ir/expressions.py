"""Expressions: logic, leaves as written, and the atoms that they are spelled out to."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Literal, Self

from ruleengine.span import Span

if TYPE_CHECKING:
    from ruleengine.ir.over_time import Expr

Value = str | int | Decimal | bool | None
"""A value as written in a rule; a string may still hold wildcards, escapes and placeholders."""


class ParamRef(str):  # noqa: SLOT000  # its type is what it adds
    """A value that is the name of a parameter of the rule; `lower` puts the parameter's value in its place."""

    def __repr__(self) -> str:
        return f"ParamRef({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ParamRef) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash((ParamRef, str(self)))


class Call(str):  # noqa: SLOT000  # a str with slots of its own cannot be
    """A field that is worked out, as `len(CommandLine)`: its text, with the function and its arguments."""

    function: str
    arguments: tuple[str | int, ...]

    def __new__(cls, function: str, *arguments: str | int) -> Self:
        made = super().__new__(cls, f"{function}({', '.join(map(str, arguments))})")
        made.function, made.arguments = function, arguments
        return made

    def __repr__(self) -> str:
        return f"Call({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Call) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash((Call, str(self)))


class Wild(Enum):
    """The two wildcards of a pattern."""

    ONE = "?"
    MANY = "*"


Pattern = tuple[str | Wild, ...]
"""Literal text and wildcards in turn; no two literal parts stand side by side and none is empty."""


@dataclass(frozen=True, slots=True)
class Node:
    """What every node has: the place it was read from."""

    span: Span | None = dataclasses.field(default=None, kw_only=True, compare=False, repr=False)


# --- logic ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class And(Node):
    """Every one holds; of none, true."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Or(Node):
    """Some one holds; of none, false."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    """It does not hold."""

    item: Expr


# --- as written ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Item(Node):
    """A leaf as written: a field (None: anywhere in the event), its modifiers in order, and its values."""

    field: str | None
    modifiers: tuple[str, ...]
    values: tuple[Value, ...]
    listed: bool = False
    """Whether the values stood in a list; one value may stand alone or as a list of one."""
    value_spans: tuple[Span, ...] = dataclasses.field(default=(), kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class NamedRef(Node):
    """A selection named in a condition."""

    name: str


@dataclass(frozen=True, slots=True)
class Quantified(Node):
    """`1 of pattern` or `all of pattern`; the pattern `them` means every name that does not begin with `_`."""

    quantifier: Literal["1", "all"]
    pattern: str


# --- lowered -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Named(Node):
    """What a selection says, with its name, so that an explanation can use the analyst's own word."""

    name: str
    item: Expr


@dataclass(frozen=True, slots=True)
class Leaf(Node):
    """An item and what it says: an expression over atoms."""

    item: Item
    test: Expr


@dataclass(frozen=True, slots=True)
class Equals(Node):
    """Some value equals this one: strings by text and fold unless cased, numbers by value."""

    field: str
    value: str | int | Decimal | bool
    cased: bool = False


@dataclass(frozen=True, slots=True)
class Like(Node):
    """The text of some value is wholly of this pattern."""

    field: str | None
    pattern: Pattern
    cased: bool = False


@dataclass(frozen=True, slots=True)
class Regex(Node):
    """The text of some value has a part that the portable regular expression describes; flags out of `ims`."""

    field: str | None
    source: str
    flags: str = ""


Operator = Literal["<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """Some value is a number, or wholly a decimal text, on this side of the bound."""

    field: str
    operator: Operator
    value: int | Decimal


@dataclass(frozen=True, slots=True)
class InNetwork(Node):
    """Some value is the text of an address in this network."""

    field: str
    network: str


@dataclass(frozen=True, slots=True)
class Exists(Node):
    """The field has a value, or an object with something in it."""

    field: str


@dataclass(frozen=True, slots=True)
class SameAs(Node):
    """Some text of the field equals (or starts with, ends with, contains) some text of the other field."""

    field: str
    other: str
    how: Literal["equals", "startswith", "endswith", "contains"] = "equals"
    cased: bool = False


Part = Literal["minute", "hour", "day", "week", "month", "year"]


@dataclass(frozen=True, slots=True)
class TimePart(Node):
    """A part of the instant in the field, in UTC (weeks as in ISO 8601), stands so to this number."""

    field: str
    part: Part
    operator: Operator | Literal["=="]
    value: int


@dataclass(frozen=True, slots=True)
class InList(Node):
    """Some value equals an entry of the list that has not expired at the event's time.

    An entry is a text (or a network, when it is written as one) and the instant it expires, in microseconds, if ever.
    """

    field: str
    name: str
    entries: tuple[tuple[str, int | None], ...]


Atom = Equals | Like | Regex | Compare | InNetwork | Exists | SameAs | TimePart | InList
