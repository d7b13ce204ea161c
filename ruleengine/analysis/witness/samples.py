"""Texts that a portable regular expression describes, made from its tree."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, assert_never

from ruleengine.ir import Pattern, Wild
from ruleengine.regex import parse
from ruleengine.regex_parse import Alternatives, Anchor, Chars, Concat, Ranges, Repeat, Tree

LONGEST = 20_000
"""Characters of a sample; an expression that asks for more gets none."""

LIKED = "abcdefghijklmnopqrstuvwxyz1234567890ABCDEFGHIJKLMNOPQRSTUVWXYZ-_./ \\:=,;@#+$%&'\"()[]{}<>|!?*^~`\t\n\r"
"""Characters that people know, the plainest first."""

SHOWN_LIKED = 12
"""A varied sample takes one of this many."""


class Sample(NamedTuple):
    """A text, and whether the expression holds it to the beginning and to the end."""

    text: str
    at_start: bool
    at_end: bool

    @property
    def pattern(self) -> Pattern:
        """The texts that have this sample where the expression wants it."""
        middle: Pattern = (self.text,) if self.text else ()
        return (() if self.at_start else (Wild.MANY,)) + middle + (() if self.at_end else (Wild.MANY,))


@lru_cache(maxsize=1 << 12)
def sample(source: str, flags: str, number: int) -> Sample | None:
    """Return one of many texts, number 0 being the simplest; None if there is none or it grows too long.

    Whoever uses one must still check it: `\\b` and what stands around an anchor are left to luck.
    """
    out: list[str] = []
    ends = {"^": False, "$": False}
    if not _grow(parse(source, flags).tree, choices(number), out, ends):
        return None
    return Sample("".join(out), ends["^"], ends["$"])


Choose = Callable[[int], int]


def choices(seed: int) -> Choose:
    """Return a function that picks below a number: always 0 for seed 0, else varied, and the same each time."""
    state = seed * 0x9E3779B97F4A7C15

    def choose(below: int) -> int:
        nonlocal state
        if not seed:
            return 0
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        return (state >> 33) % below

    return choose


def _grow(tree: Tree, choose: Choose, out: list[str], ends: dict[str, bool]) -> bool:
    """Add a text for a tree; False when there is none or it grows too long."""
    match tree:
        case Chars(ranges):
            out.append(_character(ranges, choose))
            return out[-1] != "" and len(out) <= LONGEST
        case Anchor("b"):
            return True
        case Anchor(kind):
            ends[kind] = ends[kind] or kind == "$" or not out
            return True
        case Concat(parts):
            return all(_grow(part, choose, out, ends) for part in parts)
        case Alternatives(branches):
            return _grow(branches[choose(len(branches))], choose, out, ends)
        case Repeat(part, least, most):
            times = least + choose(min(4, LONGEST if most is None else most - least + 1))
            return all(_grow(part, choose, out, ends) for _ in range(times))
        case _:
            assert_never(tree)


def _character(ranges: Ranges, choose: Choose) -> str:
    liked = _liked(ranges)
    if liked:
        return liked[choose(min(len(liked), SHOWN_LIKED))]
    plain = next((low for low, high in ranges if not 0xD800 <= low <= 0xDFFF), None)
    return "" if plain is None else chr(plain)


@lru_cache(maxsize=1 << 12)
def _liked(ranges: Ranges) -> str:
    return "".join(c for c in LIKED if any(low <= ord(c) <= high for low, high in ranges))
