"""The condition of a Sigma rule, from text to an expression with places."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from ruleengine.ir import And, Expr, NamedRef, Not, Or, Quantified
from ruleengine.problem import Problem, problem
from ruleengine.scalar import inside
from ruleengine.span import Span

MAX_LENGTH = 20_000
MAX_DEPTH = 100


class ConditionError(Exception):
    """A condition that cannot be read: where, in the condition's own text, a sentence and a hint."""

    def __init__(self, message: str, start: int, end: int, hint: str = "", code: str = "RE301") -> None:
        self.message, self.start, self.end, self.hint, self.code = message, start, end, hint, code


@cache
def parser() -> Lark:
    """Return the parser of `condition.lark`."""
    grammar = (files("ruleengine.sigma") / "condition.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=False)


@lru_cache(maxsize=1 << 13)
def _tree(text: str) -> Tree[Token]:
    """Return the parse tree of a condition; most rules share a few hundred texts."""
    if len(text) > MAX_LENGTH:
        raise ConditionError(f"the condition is longer than {MAX_LENGTH:,} characters", 0, len(text))
    depth = 0
    for found in re.finditer(r"[()]|\bnot\b(?=\s*(not\b|\())", text):
        depth += -1 if found[0] == ")" else 1
        if depth > MAX_DEPTH:
            raise ConditionError(f"the condition nests more than {MAX_DEPTH} levels deep", found.start(), found.end())
    try:
        return parser().parse(text)
    except UnexpectedInput as error:
        raise _explained(text, error) from None


def parse(text: str, span: Span) -> Expr:
    """Return the expression of a condition that stands at the span; ConditionError says what is wrong with it."""
    plain = span.end - span.start == len(text)

    def within(start: int, end: int) -> Span:
        return Span(span.source, span.start + start, span.start + end) if plain else inside(span, start, end)

    return _expr(_tree(text), within)


def at(error: ConditionError, span: Span) -> Problem:
    """Return the problem of a condition that stands at the span."""
    return problem(error.code, inside(span, error.start, error.end), error.message, error.hint)


def _expr(tree: Any, within: Callable[[int, int], Span]) -> Expr:
    place = within(tree.meta.start_pos, tree.meta.end_pos)
    match tree.data:
        case "disjunction":
            return Or(tuple(_expr(branch, within) for branch in tree.children if isinstance(branch, Tree)), span=place)
        case "conjunction":
            return And(tuple(_expr(branch, within) for branch in tree.children if isinstance(branch, Tree)), span=place)
        case "negated":
            return Not(_expr(tree.children[1], within), span=place)
        case "quantified":
            target = tree.children[2].children[0]
            word = str(tree.children[0]).lower()
            return Quantified(
                "1" if word == "1" else "all", "them" if target.type == "THEM" else str(target), span=place
            )
        case _:
            return NamedRef(str(tree.children[0]), span=place)


OPERATORS = {"and", "or", "not", "of"}


def _explained(text: str, error: UnexpectedInput) -> ConditionError:
    """Say in the analyst's words what stopped the parser."""
    start = error.pos_in_stream if isinstance(error.pos_in_stream, int) else len(text)
    word = ""
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        word = str(error.token)
    elif isinstance(error, UnexpectedCharacters):
        found = re.match(r"[\w.*-]+", text[start:])
        word = found[0] if found else text[start]
    else:
        start = len(text.rstrip())
    before = (text[:start].split() or [""])[-1]
    return _foreign(text, start, word) or _misplaced(text, start, word, before)


FOREIGN = {"&&": "write `and`", "&": "write `and`", "||": "write `or`", "!": "write `not`"}


def _foreign(text: str, start: int, word: str) -> ConditionError | None:
    """Name what is said otherwise in Sigma, or was said so once; None when it is nothing of the kind."""
    sign = next((sign for sign in FOREIGN if text.startswith(sign, start)), None)
    if sign:
        return ConditionError(f"`{sign}` is not in Sigma", start, start + len(sign), FOREIGN[sign])
    if word == "|":
        hint = "write a correlation rule: `event_count` or `value_count` with `group-by` and `timespan`"
        sentence = "aggregations after `|` are Sigma 1; Sigma 2 has removed them"
        return ConditionError(sentence, start, len(text), hint, "RE304")
    begin = _word_start(text, start)
    if found := re.match(r"(any|\d+|each|none|one|some)\s+of\s", text[begin:], re.I):
        given = found[1]
        instead = {"none": "not 1 of", "each": "all of"}.get(given.lower(), "" if given.isdigit() else "1 of")
        sentence = f"`{given} of` is not in Sigma: only `1 of` and `all of` are"
        return ConditionError(sentence, begin, begin + len(given), f"write `{instead}`" if instead else "")
    return None


def _misplaced(text: str, start: int, word: str, before: str) -> ConditionError:
    """Say what is missing before, after or around the word that stopped the parser."""
    end = start + max(1, len(word))
    if not text.strip():
        return ConditionError("the condition is empty", 0, 1, "name a selection, as `condition: selection`")
    if not word:
        opened = _open_bracket(text)
        if opened is not None:
            return ConditionError("this `(` is never closed", opened, opened + 1)
        sentence = f"the condition ends after `{before}`, which needs something after it"
        return ConditionError(sentence, max(0, start - len(before)), start)
    if word == ")":
        unopened = text[:start].count("(") <= text[:start].count(")")
        sentence = "this `)` closes nothing" if unopened else f"`{before}` needs something after it"
    elif word.lower() == "of" and before.lower() in {"1", "all"}:
        sentence = f"`{before} of` needs the name of a selection, a pattern, or `them`"
    elif before.lower() in OPERATORS and word.lower() in OPERATORS - {"not"}:
        sentence = f"`{word}` cannot follow `{before}`"
    elif "*" in word:
        sentence = f"`{word}` has a wildcard, so it can only stand after `1 of` or `all of`"
        return ConditionError(sentence, start, end, f"write `1 of {word}`")
    elif re.match(r"[\w.-]", word) and before:
        sentence = f"`and` or `or` is missing between `{before}` and `{word}`"
    else:
        sentence = f"`{word}` cannot stand here"
    return ConditionError(sentence, start, end)


def _word_start(text: str, at: int) -> int:
    """Return where the word before or at a place begins, so that `any of` is seen when `of` stops the parser."""
    found = re.search(r"[\w.-]+\s*\Z", text[:at])
    return found.start() if found and re.match(r"of\b", text[at:], re.I) else at


def _open_bracket(text: str) -> int | None:
    opened: list[int] = []
    for found in re.finditer(r"[()]", text):
        if found[0] == "(":
            opened.append(found.start())
        elif opened:
            opened.pop()
    return opened[-1] if opened else None
