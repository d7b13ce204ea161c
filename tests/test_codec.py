"""What was read of a rule file comes back from bytes exactly, or is not kept; bytes of another shape are refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ruleengine.codec import FileRead, NotKept, RuleRead, decoded, encoded, file_read, kept_file
from ruleengine.ir import Item, LogSource, Param, ParamRef, Rule, Selection, Single
from ruleengine.problem import problem
from ruleengine.span import Source, Span
from tests import strategies, written_rules
from tests.exactly import same

HUGE = 1 << 63
"""Integers far beyond have no form."""


def integers(value: Any) -> Iterator[int]:
    """Yield every integer in a value of any shape."""
    if isinstance(value, int):
        yield value
    elif isinstance(value, dict):
        yield from integers(tuple(value.values()))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from integers(part)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from integers(getattr(value, field.name))


def again(read: FileRead, source: Source) -> FileRead:
    """Return what comes back of what was read of a file."""
    return file_read(decoded(encoded({b"x": kept_file(read, source)}))[b"x"], source)


WRITTEN = st.one_of(strategies.rules(), written_rules.rules(sigma=True), written_rules.rules(sigma=False))


@given(WRITTEN, st.booleans(), st.booleans(), st.lists(written_rules.TEXTS, max_size=2))
def test_a_rule_comes_back_as_it_was(rule: Rule, settled: bool, said: bool, texts: list[str]) -> None:
    source = Source("rules/a.rule", "")
    problems = tuple(problem("RE302", source.path, text, text) for text in texts)
    read = FileRead((RuleRead(rule, settled, said, problems),), False, problems)
    try:
        found = again(read, source)
    except NotKept:
        assert not isinstance(rule.body, Single) or any(not -HUGE <= number < HUGE for number in integers(rule))
        return
    assert hash(found.rules[0].rule.body) == hash(rule.body)
    assert found == read and read == found
    same(read, found)


def test_the_parts_that_random_rules_lack_come_back_too() -> None:
    source = Source("rules/a.rule", "rule x")
    span = Span(source, 0, 4)
    item = Item("a", ("contains",), (ParamRef("p"), "p"), True, span=span, value_spans=(span, Span(source, 5, 6)))
    body = Single((Selection("s", item, span=span),), (item,), 60, span=span)
    logs = LogSource("a", custom=(("b", "c"),), span=span)
    rule = Rule("x", logs, body, params=(Param("p", "x", span=span), Param("q", True)), span=span)
    read = FileRead((RuleRead(rule),), True)
    found = again(read, source)
    same(read, found)
    body_found = found.rules[0].rule.body
    assert dataclasses.replace(body_found, span=None) == body
    with pytest.raises(AttributeError, match="no_such_field"):
        getattr(body_found, "no_such_field")  # noqa: B009  # a type checker knows that there is none


def rule_with(**fields: Any) -> FileRead:
    return FileRead((RuleRead(dataclasses.replace(Rule("x", LogSource(), Single((), ())), **fields)),))


SOURCE, OTHER = Source("a.rule", ""), Source("lib.rule", "")
OF_ANOTHER = Selection("s", Item("a", (), ("b",)), "lib")


@pytest.mark.parametrize(
    "read",
    [
        *(rule_with(meta=(("k", value),)) for value in ("\ud800", 1 << 70, ("a",), {1: "a"}, {"a": [b"b"]})),
        rule_with(span=Span(OTHER, 0, 0)),
        rule_with(body=Single((), (), span=Span(OTHER, 0, 0))),
        rule_with(body=Single((OF_ANOTHER,), ())),
        rule_with(filters=(Rule("x", LogSource(), Single((), ())),)),
        FileRead((), False, (problem("RE101", "lib.rule", "it is gone"),)),
    ],
)
def test_what_has_no_form_or_stands_in_another_file_is_not_kept(read: FileRead) -> None:
    with pytest.raises(NotKept):
        kept_file(read, SOURCE)


MISSHAPEN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=3), st.binary(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.binary(max_size=2), inner, max_size=3)),
)


@given(st.data())
@settings(max_examples=400)
def test_a_part_of_another_kind_is_refused(data: st.DataObject) -> None:
    source = Source("a.yml", "")
    item = Item("f", ("contains",), ("a", "b"))
    rule = rule_with(body=Single((Selection("s", item),), (item,)), params=(Param("p", 1),))
    form = msgspec.msgpack.decode(kept_file(rule, source))
    place = data.draw(st.sampled_from([place for place in places(form) if len(place) > 1]))
    other = data.draw(MISSHAPEN)
    changed = msgspec.msgpack.encode(with_part(form, place, other))
    try:
        read = file_read(msgspec.Raw(changed), source)
    except ValueError:
        return
    assert bytes(kept_file(read, source)) == changed, "only what fits is decoded"


def places(form: Any, lead: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Yield the places of all parts of lists in lists."""
    yield lead
    if isinstance(form, list):
        for index, part in enumerate(form):
            yield from places(part, (*lead, index))


def with_part(form: Any, place: tuple[int, ...], part: Any) -> Any:
    """Return a list with another part at a place."""
    if not place:
        return part
    first, *rest = place
    return [with_part(one, tuple(rest), part) if index == first else one for index, one in enumerate(form)]
