"""Lowered expressions as bytes and back: what a rule says once lists, parameters, filters and modules are worked in.

Every node has a form with its own fields, places aside. What is decoded is checked so far that nothing in it can fail
later, when it is asked: regular expressions, networks, functions, and how deep it nests.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw

from ruleengine.codec.forms import Form, NotKept, NumberForm, ParamRefForm
from ruleengine.functions import ARGUMENTS
from ruleengine.ir import (
    And,
    Call,
    Compare,
    Equals,
    Exists,
    Expr,
    InList,
    InNetwork,
    Item,
    Leaf,
    Like,
    Named,
    Not,
    Or,
    ParamRef,
    Regex,
    SameAs,
    TimePart,
    Wild,
)
from ruleengine.regex import regex_test
from ruleengine.values import network

DEEPEST = 250
"""Levels of the deepest expression: rule files nest less, and what asks it goes down a few calls a level."""


class BigForm(Form, tag=9):
    """An integer beyond 64 bits, as its text."""

    text: Annotated[str, Meta(pattern=r"\A-?[1-9][0-9]{18,3999}\Z")]


class WorkedOutForm(Form, tag=10):
    """A field that is worked out by a function that there is."""

    function: str
    arguments: tuple[str | int, ...]

    def __post_init__(self) -> None:
        if len(self.arguments) != ARGUMENTS.get(self.function) or type(self.arguments[0]) is not str:
            raise ValueError(f"there is no function {self.function} of these arguments")


class WildForm(Form, tag=11):
    """A wildcard."""

    sign: Literal["?", "*"]


FieldForm = str | WorkedOutForm
NumericForm = int | NumberForm | BigForm


class ItemForm(Form, tag=12):
    """A leaf as written."""

    field: FieldForm | None
    modifiers: tuple[str, ...]
    values: tuple[str | bool | NumericForm | ParamRefForm | None, ...]
    listed: bool


# --- logic ---------------------------------------------------------------------------------------------------------


class AndForm(Form, tag=13):
    """Every one holds."""

    items: tuple[LoweredForm, ...]


class OrForm(Form, tag=14):
    """Some one holds."""

    items: tuple[LoweredForm, ...]


class NotForm(Form, tag=15):
    """It does not hold."""

    item: LoweredForm


class NamedForm(Form, tag=16):
    """What a selection says, with its name."""

    name: str
    item: LoweredForm


class LeafForm(Form, tag=17):
    """An item and what it says."""

    item: ItemForm
    test: LoweredForm


# --- atoms ---------------------------------------------------------------------------------------------------------


class EqualsForm(Form, tag=18):
    """A value."""

    field: FieldForm
    value: str | bool | NumericForm
    cased: bool


class LikeForm(Form, tag=19):
    """A pattern."""

    field: FieldForm | None
    pattern: tuple[str | WildForm, ...]
    cased: bool


class RegexForm(Form, tag=20):
    """A regular expression that can be run."""

    field: FieldForm | None
    source: str
    flags: Annotated[str, Meta(pattern=r"\Ai?m?s?\Z")]

    def __post_init__(self) -> None:
        regex_test(self.source, self.flags)


class CompareForm(Form, tag=21):
    """A side of a number."""

    field: FieldForm
    operator: Literal["<", "<=", ">", ">="]
    value: NumericForm


class InNetworkForm(Form, tag=22):
    """A network that is one."""

    field: FieldForm
    network: str

    def __post_init__(self) -> None:
        network(self.network)


class ExistsForm(Form, tag=23):
    """A value, whatever it is."""

    field: FieldForm


class SameAsForm(Form, tag=24):
    """Another field."""

    field: FieldForm
    other: FieldForm
    how: Literal["equals", "startswith", "endswith", "contains"]
    cased: bool


class TimePartForm(Form, tag=25):
    """A part of an instant."""

    field: FieldForm
    part: Literal["minute", "hour", "day", "week", "month", "year"]
    operator: Literal["<", "<=", ">", ">=", "=="]
    value: int


class InListForm(Form, tag=26):
    """The entries of a list, each with the instant it expires."""

    field: FieldForm
    name: str
    entries: tuple[tuple[str, int | None], ...]


LoweredForm = (
    AndForm
    | OrForm
    | NotForm
    | NamedForm
    | LeafForm
    | EqualsForm
    | LikeForm
    | RegexForm
    | CompareForm
    | InNetworkForm
    | ExistsForm
    | SameAsForm
    | TimePartForm
    | InListForm
)


# --- to bytes ------------------------------------------------------------------------------------------------------


def lowered_bytes(expr: Expr) -> Raw:
    """Return a lowered expression as bytes; NotKept when something in it has no form."""
    try:
        form = _form(expr)
        _bounded(form)
        return Raw(msgspec.msgpack.encode(form))
    except (ValueError, OverflowError, RecursionError) as error:  # lone surrogates, depth
        raise NotKept(str(error)) from None


def _form(value: Any) -> Any:
    """Return the form of a node, or of a part of one."""
    kind = type(value)
    if kind is tuple:
        return tuple(map(_form, value))
    if kind in _FORMS:
        form = _FORMS[kind]
        return form(*[_form(getattr(value, name)) for name in form.__struct_fields__])
    match value:
        case Call():
            return WorkedOutForm(value.function, value.arguments)
        case ParamRef():
            return ParamRefForm(str(value))
        case Wild():
            return WildForm(value.value)
        case Decimal():
            return NumberForm(str(value))
        case bool():
            return value
        case int() if not -(1 << 63) <= value < 1 << 64:
            return BigForm(str(value))
        case str() | int() | None:
            return value
        case _:
            raise NotKept(f"{kind.__name__} is not of a lowered expression")


_FORMS: Mapping[type, type[Form]] = {
    And: AndForm,
    Or: OrForm,
    Not: NotForm,
    Named: NamedForm,
    Leaf: LeafForm,
    Item: ItemForm,
    Equals: EqualsForm,
    Like: LikeForm,
    Regex: RegexForm,
    Compare: CompareForm,
    InNetwork: InNetworkForm,
    Exists: ExistsForm,
    SameAs: SameAsForm,
    TimePart: TimePartForm,
    InList: InListForm,
}


# --- and back ------------------------------------------------------------------------------------------------------

_decode = msgspec.msgpack.Decoder(LoweredForm).decode
_NODES = {form: node for node, form in _FORMS.items()}


def lowered_form(data: Raw) -> LoweredForm:
    """Return the form of an expression from bytes; ValueError when it is anything else, or could not be asked."""
    try:
        form: LoweredForm = _decode(data)
    except RecursionError:
        raise ValueError("this is nested too deep") from None
    _bounded(form)
    return form


def lowered(form: LoweredForm) -> Expr:
    """Return the expression of a form; no node has a place."""
    expr: Expr = _value(form)
    return expr


def _value(form: Any) -> Any:
    """Return what a form, or a part of one, stands for."""
    kind = type(form)
    if kind is tuple:
        return tuple(map(_value, form))
    if kind in _NODES:
        return _NODES[kind](**{name: _value(getattr(form, name)) for name in kind.__struct_fields__})
    match form:
        case WorkedOutForm(function, arguments):
            return Call(function, *arguments)
        case ParamRefForm(name):
            return ParamRef(name)
        case WildForm(sign):
            return Wild(sign)
        case NumberForm(text):
            return Decimal(text)
        case BigForm(text):
            return int(text)
        case _:
            return form


def _bounded(form: LoweredForm) -> None:
    """Raise ValueError for a form that nests too deep."""
    level: list[LoweredForm] = [form]
    for _ in range(DEEPEST):
        below: list[LoweredForm] = []
        for one in level:
            if isinstance(one, LeafForm):
                below.append(one.test)
            elif isinstance(one, NotForm | NamedForm):
                below.append(one.item)
            elif isinstance(one, AndForm | OrForm):
                below.extend(one.items)
        if not below:
            return
        level = below
    raise ValueError("this is nested too deep")
