"""The text of an `alert`: what stands in its braces is a field, or a figure over the window."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from lark import Token, Tree
from lark.exceptions import UnexpectedInput

from ruleengine.dsl import words
from ruleengine.dsl.slips import shown
from ruleengine.dsl.text import name as plain_name
from ruleengine.problem import Problem, problem
from ruleengine.scalar import inside
from ruleengine.span import Span
from ruleengine.suggest import meant

BRACES = re.compile(r"""\{(?P<inner>(?:'[^']*'|"(?:\\.|[^"\\])*"|`[^`]*`|[^{}'"`])*)\}|(?P<alone>[{}])""", re.S)
TOLD = 20
"""So many faults of one text are told: it has more only when it is no text for people."""

CALLED = re.compile(r"\s*(?P<word>[A-Za-z_]\w*)\s*\(")

Parse = Callable[[str], Any]
"""Returns the tree of what stands in braces; UnexpectedInput when there is none."""


class Known(NamedTuple):
    """What figures may name: conditions (None: any), parameters; a rule about one event has no figures at all."""

    over_time: bool
    lets: Collection[str] | None
    params: Collection[str]


def faults(written: str, token: Span, parse: Parse, known: Known) -> Iterator[Problem]:
    """Yield what is wrong with the braces of an alert's text, which is the literal at `token`."""
    told = 0
    for found in BRACES.finditer(written):
        if found["alone"]:
            fault: Problem | None = _alone(inside(token, found.start(), found.end()), found["alone"])
        else:
            fault = _fault(found, token, parse, known)
        if fault is not None:
            told += 1
            yield fault
        if told == TOLD:
            return


def _alone(where: Span, sign: str) -> Problem:
    if sign == "{":
        return problem("RE827", where, "this `{` is never closed", "a field or a figure stands in braces: `{user.id}`")
    return problem("RE827", where, "this `}` closes nothing", "a field or a figure stands in braces: `{user.id}`")


def _fault(found: re.Match[str], token: Span, parse: Parse, known: Known) -> Problem | None:
    written, start = found["inner"], found.start("inner")
    where = inside(token, found.start(), found.end())
    if not written.strip():
        return problem("RE827", where, "these braces are empty", "for example `{user.id}` or `{count()}`")
    try:
        tree = parse(written)
    except UnexpectedInput:
        return _unread(written, where)
    figures = list(tree.find_data("aggregate"))
    if figures and not known.over_time:
        sentence = f"`{written.strip()}` is a figure over a window, and a rule about one event has none"
        return problem("RE827", where, sentence, "add `within 10m by source.ip`, or tell a field: `{source.ip}`")
    (child,) = tree.children
    if not figures and isinstance(child, Tree) and child.data != "parameter":
        return _neither(written, where)
    for each, code, said, those in (*_counted(figures, known), *(_valued(tree, known) if figures else ())):
        if (name := plain_name(str(each))) not in those:
            at = start + (each.start_pos or 0)
            return problem(code, inside(token, at, at + len(each)), f"{said} `{name}`", meant(name, those))
    return None


def _unread(written: str, where: Span) -> Problem:
    """Say why what stands in braces cannot be read."""
    called = CALLED.match(written)
    word = called["word"] if called else ""
    if word in words.LATER:
        return problem("RE826", where, f"`{word}` {words.NOT_YET}")
    if word and word not in words.AGGREGATES:
        known = words.FOREIGN_AGGREGATES.get(word.lower())
        hint = f"write `{known}`" if known else meant(word, words.AGGREGATES)
        return problem("RE827", where, f"no aggregate is called `{word}`", hint)
    return _neither(written, where)


def _neither(written: str, where: Span) -> Problem:
    hint = "fields and figures stand in braces, as `{user.id}`, ``{`a field`}`` and `{count()}`"
    return problem("RE827", where, f"`{shown(written.strip())}` is no field and no figure", hint)


Use = tuple[Token, str, str, Collection[str]]
"""A name, what is said when nothing is called so (code and sentence), and what there is."""


def _counted(figures: list[Any], known: Known) -> Iterator[Use]:
    """Yield the conditions that figures name: of `count(x)`, and after `where`."""
    for figure in figures if known.lets is not None else ():
        function, first = figure.children[0], figure.children[1]
        named = [first] if str(function) == "count" and isinstance(first, Token) else []
        for token in (*named, *(reference.children[0] for reference in figure.find_data("reference"))):
            yield token, "RE302", "no `let` is called", known.lets or ()


def _valued(tree: Any, known: Known) -> Iterator[Use]:
    """Yield the parameters that figures are worked out with; a name alone is a field."""
    for parameter in tree.find_data("parameter"):
        yield parameter.children[0], "RE812", "there is no parameter", known.params
