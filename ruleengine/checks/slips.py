"""Values that were written for another reader: escapes, numbers and words that Sigma reads otherwise than was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from ruleengine.checks.parts import items
from ruleengine.ir import Value
from ruleengine.load import Loaded
from ruleengine.problem import Problem, problem
from ruleengine.scalar import inside
from ruleengine.span import Span

BASED = re.compile(r"[-+]?0[xo][0-9a-fA-F]+")
OLD_BOOLEAN = re.compile(r"yes|no|on|off", re.I)
OLD_NUMBER = re.compile(r"[-+]?(?:0[0-9]+|[1-9][0-9_]*(?::[0-5]?[0-9])+|[0-9]+(?:_[0-9]+)+)")
STAR = re.compile(r"\\[\w][\w .()-]*(\\\*)(?=\\|\Z)")
"""In a path, after the name of a folder, an escaped star that is a whole name."""
REGEX = re.compile(r"\\[dws](?:\+|\{[0-9])")


def slips(loaded: Loaded) -> Iterator[Problem]:
    """Yield values that are likely to have been meant otherwise."""
    for item in items(loaded.rule):
        if len(item.value_spans) != len(item.values):
            continue
        plain = "re" not in item.modifiers and "cidr" not in item.modifiers
        for value, span in zip(item.values, item.value_spans, strict=True):
            if not isinstance(value, str):
                yield from _number(value, span)
                continue
            if value and (len(value) < 4 or value[0].isdigit()):
                yield from _old_yaml(value, span)
            if plain and "\\" in value:
                yield from _backslashes(value, span)


def _old_yaml(value: str, span: Span) -> Iterator[Problem]:
    """A text without quotes that YAML 1.1, or YAML 1.2 to the letter, reads as something else."""
    kind = "boolean" if OLD_BOOLEAN.fullmatch(value) else "number" if OLD_NUMBER.fullmatch(value) else ""
    if kind and span.text == value:
        yield problem("RE322", span, f"other YAML readers take `{value}` for a {kind}", "put quotes around it")


def _backslashes(value: str, span: Span) -> Iterator[Problem]:
    if found := STAR.search(value):
        sentence = "`\\*` is a plain star, not a backslash and a wildcard"
        yield problem("RE320", inside(span, *found.span(1)), sentence, "write `\\\\*`")
    if found := REGEX.search(value):
        where = inside(span, found.start(), found.end())
        word = "matches" if span.source.in_language else "re"
        yield problem("RE321", where, f"`{found[0]}` is plain text here: only `{word}` reads regular expressions")


def _number(value: Value, span: Span) -> Iterator[Problem]:
    """A number that was not written in the way logs write numbers."""
    written = span.text
    if isinstance(value, int | Decimal) and written[:1] in "+-0" and BASED.fullmatch(written):
        sentence = f"this is the number {value}, not the text `{written}`"
        yield problem("RE323", span, sentence, f"put quotes around it, or write {value}")
