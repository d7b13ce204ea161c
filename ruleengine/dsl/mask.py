"""The text of a statement with what stands in quotes blotted out, so that patterns see only the language itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ruleengine.dsl.cut import TOKENS

BLOT = "·"
"""Stands for each character of a text, a name in backticks or a regular expression."""

CLOSERS = {"(": ")", "[": "]", "{": "}"}
QUOTES = {"block": '"""', "raw": "'", "text": '"', "name": "`"}


SWALLOWED = re.compile(r"\n[ \t]*(?:rule|let|match|logs|within|having)[ \t]+[^\s,.;]")
"""A statement in a text of several lines."""


class Opening(NamedTuple):
    """A quote or bracket that is never closed, or a closing bracket (`closes`) that has no opening one."""

    at: int
    sign: str
    closes: bool = False


def masked(text: str) -> str:
    """Return a text of the same length: quotes stay, what stands in them is blotted out, comments are blanks."""
    out = []
    at = 0
    for found in TOKENS.finditer(text):
        kind = found.lastgroup or ""
        out.append(text[at : found.start()])
        written = found[0]
        if kind in QUOTES:
            width = len(QUOTES[kind])
            inner = len(written) - 2 * width
            out.append(written if inner < 0 else written[:width] + BLOT * inner + written[-width:])
        elif kind == "regex":
            end = written.rindex("/")
            out.append("/" + BLOT * (end - 1) + written[end:])
        else:
            out.append(" " * len(written) if kind == "comment" else written)
        at = found.end()
    return "".join(out) + text[at:]


def open_quote(text: str) -> Opening | None:
    """Return the first quote that is never closed."""
    first = -1
    for found in TOKENS.finditer(text):
        quote = QUOTES.get(found.lastgroup or "")
        if quote and not _closed(found[0], quote):
            return Opening(first if first >= 0 else found.start(), quote)
        if quote == '"""' and first < 0 and SWALLOWED.search(found[0]):
            first = found.start()  # most likely it was closed by the quotes that begin the next one
    return None


def _closed(written: str, quote: str) -> bool:
    if len(written) < 2 * len(quote) or not written.endswith(quote):
        return False
    body = written[len(quote) : -len(quote)]
    if quote in ("'", "`"):
        return body.count(quote) % 2 == 0
    return (len(body) - len(body.rstrip("\\"))) % 2 == 0


def brackets(mask: str) -> Iterator[Opening]:
    """Yield the brackets of a masked text that have no partner, in their order."""
    opened: list[Opening] = []
    lonely: list[Opening] = []
    for at, sign in enumerate(mask):
        if sign in CLOSERS:
            opened.append(Opening(at, sign))
        elif sign in CLOSERS.values():
            if opened and CLOSERS[opened[-1].sign] == sign:
                opened.pop()
            else:
                lonely.append(Opening(at, sign, closes=True))
    yield from sorted([*opened, *lonely])
