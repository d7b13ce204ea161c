"""Reads the tests that are written in rules, from the text of a `.rule` file: each case of a `test` is one test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ruleengine.dsl.cut import Statement
from ruleengine.dsl.parse import blocks, read
from ruleengine.dsl.parts import Parts
from ruleengine.ir import InlineTest
from ruleengine.load import read_text
from ruleengine.problem import Problem, problem
from ruleengine.span import Place, Source, Span
from ruleengine.testing.model import Block, Case, Given, Kind, Tests
from ruleengine.testing.read import json_value

NAME = re.compile(r"""\s+(?:'([^'\n]+)'|"([^"\n]+)")""")
LAST = re.compile(r"(?:`(?:``|[^`])+`|[^\s`]+)\Z")
KINDS: dict[str, Kind] = {"match": "match", "no_match": "no_match", "todo_match": "todo_match"}


def has_tests(source: Source) -> bool:
    """Say whether a rule of the text has a test written in it."""
    if not re.search(r"^[ \t]*test\b", source.text, re.M):
        return False
    return any(statement.word == "test" for _, below in blocks(source)[1] for statement in below)


def read_inline(path: str) -> Tests:
    """Return the tests that are written in a file of rules; what is wrong is kept with the test or with the file.

    A rule that cannot be read still has its tests: they become errors, and are not forgotten.
    """
    faults: list[Problem] = []
    source = read_text(path, faults.append)
    cases = _distinct(_cases(source)) if source else ()
    return Tests(path, path, "", Place(path), tuple(cases), tuple(faults))


def _cases(source: Source) -> Iterator[Case]:
    _, heads = blocks(source)
    testing = [(head, [each for each in below if each.word == "test"]) for head, below in heads]
    several = sum(bool(tests) for _, tests in testing) > 1
    for head, tests in testing:
        parts = Parts(head.span)
        read(head, parts, lambda _: None)  # what is wrong with the head is told when the rule is loaded
        lead = f"{parts.name or parts.title} › " if several and (parts.name or parts.title) else ""
        for statement in tests:
            yield from _of_statement(statement, head, lead)


def _of_statement(statement: Statement, head: Statement, lead: str) -> Iterator[Case]:
    """Yield the cases of one `test`; one that cannot be read gives one case, with what is wrong."""
    found: list[Problem] = []
    parts = Parts(statement.span)
    read(statement, parts, found.append)
    place = statement.span.place
    if found or not parts.tests:
        named = NAME.match(statement.span.text, len("test"))
        name = (named[1] or named[2]) if named else f"the test in line {place.line}"
        block = Block(lead + name, place.line, head.span.start)
        yield Case(block.name, "match", place, faults=tuple(found), block=block)
        return
    (test,) = parts.tests
    yield from _of_test(test, Block(lead + test.name, place.line, head.span.start))


def _of_test(test: InlineTest, block: Block) -> Iterator[Case]:
    """Yield each case of a test; of several, each has its number in its name."""
    for index, (kind, event, because) in enumerate(test.cases):
        where = test.case_spans[index]
        faults: list[Problem] = []
        if because is not None and kind != "no_match":
            faults.append(
                problem("RE501", _last_word(where), f"`because` goes with `no_match`, and this is a `{kind}`")
            )
        yield Case(
            name=f"{block.name} #{index + 1}" if len(test.cases) > 1 else block.name,
            kind=KINDS[kind],
            place=where.place,
            events=tuple(_events(event, where, faults)),
            because=because or "",
            because_place=_last_word(where).place,
            faults=tuple(faults),
            block=block,
        )


def _events(event: Any, where: Span, faults: list[Problem]) -> Iterator[Given]:
    try:
        yield Given(json_value(event), where.place)
    except OverflowError:
        faults.append(problem("RE501", where, "the event holds a number that JSON cannot hold"))


def _last_word(where: Span) -> Span:
    """Return where the name after `because` stands, with which a case ends."""
    found = LAST.search(where.text)
    return Span(where.source, where.start + found.start(), where.end) if found else where


def _distinct(cases: Iterator[Case]) -> Iterator[Case]:
    """Yield the cases; one that has the name of an earlier one has that as its fault."""
    first: dict[str, int] = {}
    for case in cases:
        line = first.setdefault(case.name, case.place.line)
        if line == case.place.line:
            yield case
            continue
        sentence = f"a test is already called `{case.name}`, in line {line}"
        yield replace(case, faults=(*case.faults, problem("RE501", case.place, sentence, "give each its own name")))
