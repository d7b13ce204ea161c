"""Sets of characters in regular expressions, as PCRE defines them without its Unicode option: by code point."""

from __future__ import annotations

from collections.abc import Iterable

Ranges = tuple[tuple[int, int], ...]
"""Inclusive ranges of code points, sorted and apart."""

LAST = 0x10FFFF


def ranges(*items: str) -> Ranges:
    """Return the ranges of characters (`a`) and spans (`a-z`)."""
    return tuple((ord(item[0]), ord(item[-1])) for item in items)


def union(parts: Iterable[tuple[int, int]]) -> Ranges:
    """Return sorted ranges that do not touch."""
    joined: list[tuple[int, int]] = []
    for low, high in sorted(parts):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return tuple(joined)


def complement(parts: Ranges) -> Ranges:
    """Return every code point that is not in the ranges."""
    gaps: list[tuple[int, int]] = []
    start = 0
    for low, high in union(parts):
        if start < low:
            gaps.append((start, low - 1))
        start = high + 1
    if start <= LAST:
        gaps.append((start, LAST))
    return tuple(gaps)


DIGIT = ranges("0-9")
WORD = union(ranges("0-9", "A-Z", "a-z", "_"))
SPACE = ranges("\t-\r", " ")
HORIZONTAL = ranges("\t", " ", "\xa0", "\u1680", "\u180e", "\u2000-\u200a", "\u202f", "\u205f", "\u3000")
VERTICAL = ranges("\n-\r", "\x85", "\u2028-\u2029")

# pcrepattern(3), "Generic character types": ASCII unless PCRE is told otherwise by (*UCP), which the oracle refuses.
TYPES: dict[str, Ranges] = {
    "d": DIGIT,
    "D": complement(DIGIT),
    "w": WORD,
    "W": complement(WORD),
    "s": SPACE,
    "S": complement(SPACE),
    "h": HORIZONTAL,
    "H": complement(HORIZONTAL),
    "v": VERTICAL,
    "V": complement(VERTICAL),
}

# pcrepattern(3), "POSIX character classes".
POSIX: dict[str, Ranges] = {
    "alnum": union(ranges("0-9", "A-Z", "a-z")),
    "alpha": ranges("A-Z", "a-z"),
    "ascii": ranges("\0-\x7f"),
    "blank": ranges("\t", " "),
    "cntrl": ranges("\0-\x1f", "\x7f"),
    "digit": DIGIT,
    "graph": ranges("!-~"),
    "lower": ranges("a-z"),
    "print": ranges(" -~"),
    "punct": ranges("!-/", ":-@", "[-`", "{-~"),
    "space": SPACE,
    "upper": ranges("A-Z"),
    "word": WORD,
    "xdigit": ranges("0-9", "A-F", "a-f"),
}


def written(parts: Ranges) -> str:
    """Return the inside of a Python character class: every end spelled as a number, so that nothing is special."""
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in parts)
