"""Rules: where their events come from, what they say, and what is written beside."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from ruleengine.ir.expressions import Node
from ruleengine.ir.over_time import Alert, Expr, Step, Window
from ruleengine.span import Source, Span


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
    module: str | None = None
    """The module that it was taken from with `use`."""


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


@dataclass(frozen=True, slots=True)
class Windowed(Node):
    """A rule over the events that match in a window; without `having`, one is enough."""

    body: Single
    window: Window
    having: Expr | None = None


@dataclass(frozen=True, slots=True)
class Sequence(Node):
    """A rule over steps that follow each other in a window."""

    body: Single
    steps: tuple[Step, ...]
    window: Window


Body = Single | Correlation | Filter | Windowed | Sequence
OVER_TIME = (Correlation, Windowed, Sequence)
"""The bodies that say something of many events, and have no truth for one."""


@dataclass(frozen=True, slots=True)
class Param(Node):
    """A named value of a rule that a project may set otherwise."""

    name: str
    value: int | Decimal | str | bool


@dataclass(frozen=True, slots=True)
class InlineTest(Node):
    """A test written in the rule: its name, and cases of (match, no_match or todo_match; event; because)."""

    name: str
    cases: tuple[tuple[str, Any, str | None], ...]
    case_spans: tuple[Span, ...] = dataclasses.field(default=(), kw_only=True, compare=False, repr=False)


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
    params: tuple[Param, ...] = ()
    alert: Alert | None = None
    tests: tuple[InlineTest, ...] = ()
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
