"""The forms: typed structs, one for each kind of node that a rule about one event is written with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta, Raw, Struct

from ruleengine.ir import Rule
from ruleengine.problem import Problem


@dataclass(frozen=True, slots=True)
class RuleRead:
    """A rule, and whether its own text settles what it says: not when it names parameters, lists or placeholders.

    A settled rule has the problems of spelling it out; when it is not `said`, it cannot be asked about an event.
    """

    rule: Rule
    settled: bool = False
    said: bool = False
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class FileRead:
    """What a rule file says by itself: its rules, whether it was passed over as no rule, and the problems found."""

    rules: tuple[RuleRead, ...] = ()
    passed_over: bool = False
    problems: tuple[Problem, ...] = ()


class NotKept(Exception):
    """Something stands in a file that there is no form for; it is read anew each time."""


Stretch = tuple[int, int] | None
"""A span of the file itself: where it begins and ends."""


class Form(Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """What all forms have in common: arrays of exactly their fields, led by a number where several may stand."""


# --- values --------------------------------------------------------------------------------------------------------


class NumberForm(Form, tag=0):
    """A decimal, as its text."""

    text: Annotated[str, Meta(pattern=r"\A-?[0-9]+(\.[0-9]+)?(E[-+][0-9]{1,6})?\Z")]


class ParamRefForm(Form, tag=1):
    """The name of a parameter."""

    name: str


class CallForm(Form, tag=2):
    """A field that is worked out."""

    function: str
    arguments: tuple[str | int, ...]


ValueForm = str | int | bool | NumberForm | ParamRefForm | None

DECIMAL = 1
"""The extension type of a decimal in metadata, which may be of any shape."""


# --- expressions as written ----------------------------------------------------------------------------------------


class AndForm(Form, tag=3):
    """Every one holds."""

    items: tuple[ExprForm, ...]
    span: Stretch


class OrForm(Form, tag=4):
    """Some one holds."""

    items: tuple[ExprForm, ...]
    span: Stretch


class NotForm(Form, tag=5):
    """It does not hold."""

    item: ExprForm
    span: Stretch


class ItemForm(Form, tag=6):
    """A leaf; `edges` are where each value begins and ends."""

    field: str | CallForm | None
    modifiers: tuple[str, ...]
    values: tuple[ValueForm, ...]
    listed: bool
    span: Stretch
    edges: tuple[tuple[int, int], ...]


class NamedRefForm(Form, tag=7):
    """A selection named in a condition."""

    name: str
    span: Stretch


class QuantifiedForm(Form, tag=8):
    """`1 of pattern` or `all of pattern`."""

    all: bool
    pattern: str
    span: Stretch


ExprForm = AndForm | OrForm | NotForm | ItemForm | NamedRefForm | QuantifiedForm


# --- rules ---------------------------------------------------------------------------------------------------------


class SelectionForm(Form):
    """A named part of a detection."""

    name: str
    item: ExprForm
    span: Stretch


class SingleForm(Form):
    """The body of a rule about one event."""

    selections: tuple[SelectionForm, ...]
    conditions: tuple[ExprForm, ...]
    timeframe_s: int | None
    span: Stretch


class LogSourceForm(Form):
    """Where events come from."""

    category: str | None
    product: str | None
    service: str | None
    definition: str | None
    custom: tuple[tuple[str, str], ...]
    span: Stretch


class ParamForm(Form):
    """A named value of a rule."""

    name: str
    value: str | int | bool | NumberForm
    span: Stretch


class TestForm(Form):
    """A test written in the rule."""

    name: str
    cases: tuple[tuple[str, Any, str | None], ...]
    span: Stretch
    edges: tuple[tuple[int, int], ...]


class ProblemForm(Form):
    """A problem at a place in the file itself."""

    code: str
    place: tuple[int, int, int, int]
    excerpt: str
    message: str
    hint: str


class RuleForm(Form):
    """A rule and what came of it; `meta` and `tests` hold data of any shape, and are decoded apart."""

    title: str
    logs: LogSourceForm
    body: SingleForm
    id: str | None
    name: str | None
    level: str | None
    status: str | None
    tags: tuple[str, ...]
    meta: Raw
    params: tuple[ParamForm, ...]
    tests: Raw
    span: Stretch
    settled: bool
    said: bool
    problems: tuple[ProblemForm, ...]


class KeptFile(Form):
    """What is kept of one file."""

    rules: tuple[RuleForm, ...]
    passed_over: bool
    problems: tuple[ProblemForm, ...]
