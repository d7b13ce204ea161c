"""Texts against texts: patterns with `*`, equality that may be of numbers, and folding beyond regexes."""

from __future__ import annotations

from ruleengine_oracles.cql.figures import read
from ruleengine_oracles.cql.problems import Undocumented


def globbed(pattern: str, text: str) -> bool:
    """Return whether a whole text is a pattern whose `*` is anything, also newlines and nothing; no escapes [D L1]."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, last = rest
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        at = text.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


def same(text: str, literal: str) -> bool:
    """Return whether a value is a literal. "404" may equal 404.0: a numeric field converts the literal [D L2, ?]."""
    if text == literal:
        return True
    one, other = read(text).value, read(literal).value
    if one is not None and other is not None and float(one) == float(other):
        raise Undocumented(f"{text!r} and {literal!r} are the same number and different texts")
    return False


def equals(text: str, pattern: str) -> bool:
    """Return whether a value is what `=` has on its right: a literal, or a pattern with `*`."""
    return globbed(pattern, text) if "*" in pattern else same(text, pattern)


def folded(pattern: str, text: str) -> bool:
    """Return whether a text is a pattern whatever the case; beyond ASCII nobody says how that is done."""
    narrow = globbed(ascii_lower(pattern), ascii_lower(text))
    if narrow != globbed(pattern.casefold(), text.casefold()) or narrow != globbed(pattern.upper(), text.upper()):
        raise Undocumented(f"{pattern!r} and {text!r}: case beyond ASCII")
    if not narrow:
        same(text, pattern)
    return narrow


def ascii_lower(text: str) -> str:
    """Return a text with A to Z in lower case."""
    return "".join(char.lower() if char.isascii() else char for char in text)
