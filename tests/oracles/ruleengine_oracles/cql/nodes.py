"""What a query is made of, after parsing: filters, steps and expressions."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from ruleengine_oracles.cql.regex_read import Regex


@dataclass(frozen=True)
class Compare:
    """`field = pattern`, `field != pattern`, `field like pattern`, `field < number`…: a field is on the left."""

    field: str
    operator: str
    value: str | Regex | Decimal


@dataclass(frozen=True)
class FreeText:
    """A text or a regex that any field may have."""

    pattern: str | Regex


@dataclass(frozen=True)
class Constant:
    """`true`, `false`, and `*` alone, which lets every event through."""

    truth: bool


@dataclass(frozen=True)
class Not:
    """The events that the filter drops."""

    filter: Filter


@dataclass(frozen=True)
class And:
    """`A AND B` is `A | B` [D L1]: the first that drops the event decides."""

    filters: tuple[Filter, ...]


@dataclass(frozen=True)
class Or:
    """`A OR B` is `case { A; B }` [D L1]: the first that lets the event through decides."""

    filters: tuple[Filter, ...]


Filter: TypeAlias = Compare | FreeText | Constant | Not | And | Or


@dataclass(frozen=True)
class Literal:
    """A text, a number or a truth value, as written."""

    value: str | Decimal | bool


@dataclass(frozen=True)
class FieldValue:
    """An unquoted name in an expression: the value of that field [D L5]."""

    name: str


@dataclass(frozen=True)
class Operation:
    """One operator between expressions; `sign` and `not` have one operand."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True)
class Call:
    """A function with its arguments, bound to the names of its parameters and checked."""

    name: str
    arguments: dict[str, Argument]

    def __hash__(self) -> int:
        return hash(self.name)


Expression: TypeAlias = Literal | FieldValue | Operation | Call


@dataclass(frozen=True)
class Where:
    """A filter as a step."""

    filter: Filter


@dataclass(frozen=True)
class Run:
    """A function as a step, negated or not."""

    call: Call
    negated: bool


@dataclass(frozen=True)
class Assign:
    """`field := expression`."""

    field: str
    expression: Expression


@dataclass(frozen=True)
class Case:
    """`case { … ; … }`: the first branch that lets the event through has it; with none, it is dropped [D]."""

    branches: tuple[Pipeline, ...]


Step: TypeAlias = Where | Run | Assign | Case


@dataclass(frozen=True)
class Pipeline:
    """Steps, joined by `|`."""

    steps: tuple[Step, ...]


Argument: TypeAlias = str | bool | tuple[str, ...] | Regex | Pipeline | Literal | FieldValue | Operation | Call


@dataclass(frozen=True)
class Query:
    """A query that is understood in every part."""

    text: str
    pipeline: Pipeline
