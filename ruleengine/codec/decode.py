"""From bytes to the forms of files, and from the form of a file to its rules, their bodies when somebody asks."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, assert_never

import msgspec
from msgspec import Raw

from ruleengine.codec.forms import (
    DECIMAL,
    AndForm,
    CallForm,
    ExprForm,
    FileRead,
    ItemForm,
    KeptFile,
    LogSourceForm,
    NamedRefForm,
    NotForm,
    NumberForm,
    OrForm,
    ParamRefForm,
    ProblemForm,
    QuantifiedForm,
    RuleForm,
    RuleRead,
    SelectionForm,
    SingleForm,
    Stretch,
    TestForm,
    ValueForm,
)
from ruleengine.ir import (
    And,
    Call,
    Expr,
    InlineTest,
    Item,
    LogSource,
    NamedRef,
    Not,
    Or,
    Param,
    ParamRef,
    Quantified,
    Rule,
    Selection,
    Single,
    Value,
)
from ruleengine.problem import Problem
from ruleengine.span import Place, Source, Span


def decoded(data: bytes) -> dict[bytes, Raw]:
    """Return the forms of files, each still as bytes, by their digests; ValueError when it is anything else."""
    return _FILES.decode(data)


def file_read(kept: Raw, source: Source) -> FileRead:
    """Return what was read of a file with this text, from its form as bytes; ValueError when it is anything else."""
    try:
        form = _FILE.decode(kept)
        rules = tuple(_rule(rule, source) for rule in form.rules)
    except RecursionError:
        raise ValueError("this is nested too deep") from None
    return FileRead(rules, form.passed_over, _problems(form.problems, source))


def _extension(code: int, data: memoryview) -> Any:
    if code != DECIMAL:
        raise ValueError(f"there is no extension {code}")
    try:
        return Decimal(bytes(data).decode())
    except ArithmeticError:
        raise ValueError("this is no decimal") from None


_FILES = msgspec.msgpack.Decoder(dict[bytes, Raw])
_FILE = msgspec.msgpack.Decoder(KeptFile)
_META = msgspec.msgpack.Decoder(tuple[tuple[str, Any], ...], ext_hook=_extension)
_TESTS = msgspec.msgpack.Decoder(tuple[TestForm, ...], ext_hook=_extension)


def _rule(form: RuleForm, source: Source) -> RuleRead:
    rule = Rule(
        title=form.title,
        logs=_log_source(form.logs, source),
        body=KeptSingle.of(form.body, source),
        id=form.id,
        name=form.name,
        level=form.level,
        status=form.status,
        tags=form.tags,
        meta=_META.decode(form.meta),
        params=tuple(Param(param.name, _given(param.value), span=_span(param.span, source)) for param in form.params),
        tests=tuple(_test(test, source) for test in _TESTS.decode(form.tests)),
        span=_span(form.span, source),
    )
    return RuleRead(rule, form.settled, form.said, _problems(form.problems, source))


def _log_source(form: LogSourceForm, source: Source) -> LogSource:
    span = _span(form.span, source)
    return LogSource(form.category, form.product, form.service, form.definition, form.custom, span=span)


def _test(form: TestForm, source: Source) -> InlineTest:
    span, case_spans = _span(form.span, source), _spans(form.edges, source)
    return InlineTest(form.name, form.cases, span=span, case_spans=case_spans)


def _problems(forms: Sequence[ProblemForm], source: Source) -> tuple[Problem, ...]:
    if not forms:  # as nearly always
        return ()
    return tuple(
        Problem(form.code, Place(source.path, *form.place, form.excerpt), form.message, form.hint) for form in forms
    )


# --- bodies --------------------------------------------------------------------------------------------------------


class KeptSingle(Single):
    """A body that is made of its form when somebody first looks into it, and equals one that was read."""

    __slots__ = ("_form", "_source")
    _form: SingleForm
    _source: Source

    @classmethod
    def of(cls, form: SingleForm, source: Source) -> KeptSingle:
        """Return the body of a form; nothing of it is made yet."""
        made = cls.__new__(cls)
        object.__setattr__(made, "_form", form)
        object.__setattr__(made, "_source", source)
        return made

    if not TYPE_CHECKING:  # to a type checker it has no other attributes than a body

        def __getattr__(self, name: str) -> object:
            """Make all fields: this is only called for one that is not there yet."""
            if name not in Single.__dataclass_fields__:
                raise AttributeError(name)
            form, source = self._form, self._source
            fields = {
                "selections": tuple(_selection(each, source) for each in form.selections),
                "conditions": tuple(_expr(each, source) for each in form.conditions),
                "timeframe_s": form.timeframe_s,
                "span": _span(form.span, source),
            }
            for field, value in fields.items():
                object.__setattr__(self, field, value)
            return fields[name]

    def _said(self) -> tuple[object, ...]:
        return (self.selections, self.conditions, self.timeframe_s)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Single):
            return NotImplemented
        return self._said() == (other.selections, other.conditions, other.timeframe_s)

    __hash__ = Single.__hash__


def _selection(form: SelectionForm, source: Source) -> Selection:
    return Selection(form.name, _expr(form.item, source), span=_span(form.span, source))


def _expr(form: ExprForm, source: Source) -> Expr:
    span = _span(form.span, source)
    match form:
        case AndForm(items):
            return And(tuple(_expr(item, source) for item in items), span=span)
        case OrForm(items):
            return Or(tuple(_expr(item, source) for item in items), span=span)
        case NotForm(item):
            return Not(_expr(item, source), span=span)
        case ItemForm(field, modifiers, values, listed):
            named = Call(field.function, *field.arguments) if isinstance(field, CallForm) else field
            value_spans = _spans(form.edges, source)
            return Item(named, modifiers, tuple(map(_value, values)), listed, span=span, value_spans=value_spans)
        case NamedRefForm(name):
            return NamedRef(name, span=span)
        case QuantifiedForm(every, pattern):
            return Quantified("all" if every else "1", pattern, span=span)
        case _:
            assert_never(form)


def _value(form: ValueForm) -> Value:
    if form is None or isinstance(form, ParamRefForm):
        return ParamRef(form.name) if form is not None else None
    return _given(form)


def _given(form: str | int | bool | NumberForm) -> str | int | bool | Decimal:
    return Decimal(form.text) if isinstance(form, NumberForm) else form


def _span(stretch: Stretch, source: Source) -> Span | None:
    return Span(source, *stretch) if stretch is not None else None


def _spans(edges: Sequence[tuple[int, int]], source: Source) -> tuple[Span, ...]:
    return tuple(Span(source, start, end) for start, end in edges)
