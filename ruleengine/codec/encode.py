"""From what was read of a file to its form, and from the forms of many files to bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.msgpack import Ext

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
    NotKept,
    NumberForm,
    OrForm,
    ParamForm,
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
    Item,
    LogSource,
    NamedRef,
    Not,
    Or,
    Param,
    ParamRef,
    Quantified,
    Rule,
    Single,
    Value,
)
from ruleengine.problem import Problem
from ruleengine.span import Source, Span


def encoded(files: Mapping[bytes, Raw]) -> bytes:
    """Return the forms of files, by their digests, as bytes."""
    return msgspec.msgpack.encode(files)


def kept_file(read: FileRead, source: Source) -> Raw:
    """Return the form of what was read of a file, as bytes; NotKept when something in it has none."""
    try:
        rules = tuple(_rule(one, source) for one in read.rules)
        return _raw(KeptFile(rules, read.passed_over, _problems(read.problems, source)))
    except (ValueError, OverflowError, RecursionError) as error:  # lone surrogates, huge integers, depth
        raise NotKept(str(error)) from None


def _rule(read: RuleRead, source: Source) -> RuleForm:
    rule = read.rule
    if not isinstance(rule.body, Single) or rule.alert is not None or rule.filters or rule.source not in (None, source):
        raise NotKept(f"{rule.label} is not about one event")
    return RuleForm(
        title=rule.title,
        logs=_log_source(rule.logs, source),
        body=_single(rule.body, source),
        id=rule.id,
        name=rule.name,
        level=rule.level,
        status=rule.status,
        tags=rule.tags,
        meta=_raw(tuple((key, _plain(value)) for key, value in rule.meta)),
        params=tuple(_parameter(param, source) for param in rule.params),
        tests=_raw(_tests(rule, source)),
        span=_stretch(rule.span, source),
        settled=read.settled,
        said=read.said,
        problems=_problems(read.problems, source),
    )


def _log_source(logs: LogSource, source: Source) -> LogSourceForm:
    span = _stretch(logs.span, source)
    return LogSourceForm(logs.category, logs.product, logs.service, logs.definition, logs.custom, span)


def _single(body: Single, source: Source) -> SingleForm:
    selections = []
    for selection in body.selections:
        if selection.module is not None:
            raise NotKept(f"the selection {selection.name} is of another file")
        span = _stretch(selection.span, source)
        selections.append(SelectionForm(selection.name, _expr(selection.item, source), span))
    conditions = tuple(_expr(condition, source) for condition in body.conditions)
    return SingleForm(tuple(selections), conditions, body.timeframe_s, _stretch(body.span, source))


def _expr(expr: Expr, source: Source) -> ExprForm:
    span = _stretch(expr.span, source)
    match expr:
        case And(items):
            return AndForm(tuple(_expr(item, source) for item in items), span)
        case Or(items):
            return OrForm(tuple(_expr(item, source) for item in items), span)
        case Not(item):
            return NotForm(_expr(item, source), span)
        case Item(field, modifiers, values, listed):
            shown = CallForm(field.function, field.arguments) if isinstance(field, Call) else field
            edges = _edges(expr.value_spans, source)
            return ItemForm(shown, modifiers, tuple(map(_value, values)), listed, span, edges)
        case NamedRef(name):
            return NamedRefForm(name, span)
        case Quantified(quantifier, pattern):
            return QuantifiedForm(quantifier == "all", pattern, span)
        case _:
            raise NotKept(f"{type(expr).__name__} is not of a rule about one event as it is written")


def _value(value: Value) -> ValueForm:
    if isinstance(value, ParamRef):
        return ParamRefForm(str(value))
    return NumberForm(str(value)) if isinstance(value, Decimal) else value


def _parameter(param: Param, source: Source) -> ParamForm:
    value = NumberForm(str(param.value)) if isinstance(param.value, Decimal) else param.value
    return ParamForm(param.name, value, _stretch(param.span, source))


def _tests(rule: Rule, source: Source) -> tuple[TestForm, ...]:
    return tuple(
        TestForm(
            test.name,
            tuple((kind, _plain(event), because) for kind, event, because in test.cases),
            _stretch(test.span, source),
            _edges(test.case_spans, source),
        )
        for test in rule.tests
    )


def _problems(problems: Iterable[Problem], source: Source) -> tuple[ProblemForm, ...]:
    return tuple(_problem(problem, source) for problem in problems)


def _problem(problem: Problem, source: Source) -> ProblemForm:
    place = problem.place
    if place.path != source.path:
        raise NotKept(f"a problem is at {place.path}")
    where = (place.line, place.column, place.end_line, place.end_column)
    return ProblemForm(problem.code, where, place.excerpt, problem.message, problem.hint)


def _stretch(span: Span | None, source: Source) -> Stretch:
    if span is None:
        return None
    if span.source is not source:
        raise NotKept(f"a span is of {span.source.path}")
    return span.start, span.end


def _edges(spans: Iterable[Span], source: Source) -> tuple[tuple[int, int], ...]:
    return tuple(stretch for span in spans if (stretch := _stretch(span, source)) is not None)


def _raw(value: Any) -> Raw:
    return Raw(msgspec.msgpack.encode(value))


def _plain(value: Any) -> Any:
    """Return data of any shape with the types that its form has; NotKept for any other type.

    Mappings and lists that know their places become plain ones: nobody asks for the places of metadata but `check`.
    """
    match value:
        case dict():
            return {_key(key): _plain(below) for key, below in value.items()}
        case list():
            return [_plain(below) for below in value]
        case Decimal():
            return Ext(DECIMAL, str(value).encode())
        case _ if value is None or type(value) in (str, int, bool, float):
            return value
        case _:
            raise NotKept(f"metadata holds a {type(value).__name__}")


def _key(key: Any) -> str:
    if type(key) is not str:
        raise NotKept(f"metadata has the key {key!r}")
    return key
