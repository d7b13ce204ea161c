"""The one representation of a rule: what was written (selections, items, conditions) and what it is spelled out to.

An expression is made of `And`, `Or`, `Not` over leaves. *As written*, leaves are `Item`s, and conditions name
selections by `NamedRef` and `Quantified`. *Lowered* (see `ruleengine.lower`), a reference has become `Named`, an item
has become `Leaf`, and below a `Leaf` there are only the atoms `Equals Like Regex Compare InNetwork Exists SameAs
TimePart`. A field of None means "anywhere in the event": Sigma's keywords.

Nodes are frozen, hold tuples, and carry the span of what they were read from, which takes no part in equality.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

from ruleengine.span import Source, Span

Value = str | int | Decimal | bool | None
"""A value as written in a rule; a string may still hold wildcards, escapes and placeholders."""


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


Atom = Equals | Like | Regex | Compare | InNetwork | Exists | SameAs | TimePart
Expr = And | Or | Not | Item | NamedRef | Quantified | Named | Leaf | Atom


# --- rules ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogSource(Node):
    """Where the events of a rule come from; what is None is not said."""

    category: str | None = None
    product: str | None = None
    service: str | None = None
    definition: str | None = None
    custom: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        named = (("category", self.category), ("product", self.product), ("service", self.service))
        return " ".join(f"{name}={value}" for name, value in named if value) or "any log source"


@dataclass(frozen=True, slots=True)
class Selection(Node):
    """A named part of a detection; names are unique in a rule."""

    name: str
    item: Expr


@dataclass(frozen=True, slots=True)
class Single(Node):
    """The body of a rule about one event: selections, and conditions of which one must hold."""

    selections: tuple[Selection, ...]
    conditions: tuple[Expr, ...]
    timeframe_s: int | None = None
    """Sigma 1's `timeframe`, which no longer means anything; kept as written."""


@dataclass(frozen=True, slots=True)
class Reference(Node):
    """A rule named by its id or its name."""

    key: str


CorrelationType = Literal[
    "event_count",
    "value_count",
    "temporal",
    "temporal_ordered",
    "value_sum",
    "value_avg",
    "value_percentile",
    "value_median",
]


@dataclass(frozen=True, slots=True)
class Bound(Node):
    """One line of a correlation's condition, as `gte: 100`."""

    operator: Literal["gt", "gte", "lt", "lte", "eq", "neq"]
    value: int | Decimal


@dataclass(frozen=True, slots=True)
class Alias(Node):
    """A group-by name that stands for another field in each rule: pairs of rule and field."""

    name: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Correlation(Node):
    """The body of a rule over time, as Sigma writes it."""

    type: CorrelationType
    rules: tuple[Reference, ...]
    group_by: tuple[str, ...]
    timespan_s: int
    bounds: tuple[Bound, ...] = ()
    """All of them must hold."""
    fields: tuple[str, ...] = ()
    percentile: int | Decimal | None = None
    aliases: tuple[Alias, ...] = ()
    generate: bool = False


@dataclass(frozen=True, slots=True)
class Filter(Node):
    """The body of a Sigma filter: what is and-ed into the conditions of the rules it names."""

    rules: tuple[Reference, ...]
    body: Single
    any_rule: bool = False
    """`rules: any`: every rule of the log source."""


Body = Single | Correlation | Filter


@dataclass(frozen=True, slots=True)
class Rule(Node):
    """One rule. `meta` is everything a reader wrote beside log source and body, in its order and as plain data."""

    title: str
    logs: LogSource
    body: Body
    id: str | None = None
    name: str | None = None
    level: str | None = None
    status: str | None = None
    tags: tuple[str, ...] = ()
    meta: tuple[tuple[str, Any], ...] = ()
    filters: tuple[Rule, ...] = ()
    """The filters that name this rule, in the order they were read."""
    document: Any = dataclasses.field(default=None, kw_only=True, compare=False, repr=False)
    """The positioned data this was read from (`ruleengine.sigma.yaml.Mapping`), for the checks on metadata."""

    @property
    def label(self) -> str:
        """What to call the rule: its id, else its name, else its title."""
        return self.id or self.name or self.title

    @property
    def source(self) -> Source | None:
        return self.span.source if self.span else None
