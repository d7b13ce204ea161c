"""Where the characters of a value stand in what was written: a YAML scalar, or a literal of the rule language."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ruleengine.span import Span


def inside(span: Span, start: int, end: int) -> Span:
    """Return the span of characters start to end of the *value* of the scalar that stands at the span.

    Exact for plain, quoted and literal scalars, and for every literal of the rule language; for what folds lines, the
    nearest that can be said.
    """
    if span.source.in_language:
        return _inside_literal(span, start, end)
    offsets = list(_offsets(span.text))
    if not offsets:
        return span
    low = offsets[min(start, len(offsets) - 1)]
    high = offsets[end] if end < len(offsets) else len(span.text.rstrip()) - (span.text[:1] in "'\"")
    return Span(span.source, span.start + low, span.start + max(high, low + 1))


def _inside_literal(span: Span, start: int, end: int) -> Span:
    pieces = list(pieces_of(span.text))
    if not pieces:
        return span
    low = pieces[min(start, len(pieces) - 1)][0]
    high = pieces[min(max(end, start + 1), len(pieces)) - 1][1]
    return Span(span.source, span.start + low, span.start + high)


ESCAPES = {
    "'": re.compile(r"''|.", re.S),
    "`": re.compile(r"``|.", re.S),
    '"': re.compile(r"\\(?:x[0-9a-fA-F]{2}|u\{[0-9a-fA-F]+\}|.)|.", re.S),
    "/": re.compile(r"\\/|.", re.S),
}
"""What stands for one character of a literal of the rule language, by the sign that the literal begins with."""


def pieces_of(written: str) -> Iterator[tuple[int, int]]:
    """Yield, for each character of the value of a literal of the rule language, where what stands for it is."""
    sign = written[:1]
    if written.startswith('"""') and len(written) >= 6:
        yield from _of_block(written)
    elif sign in ESCAPES and written:
        last = written.rfind(sign)
        for found in ESCAPES[sign].finditer(written, 1, max(last, 1)):
            yield found.span()
    else:
        yield from ((at, at + 1) for at in range(len(written)))


def _of_block(written: str) -> Iterator[tuple[int, int]]:
    """As pieces_of, of a text of several lines: the indentation of the closing quotes is not part of its value."""
    lines = written[3:-3].split("\n")
    at, kept = 3, list[int]()
    indent = len(lines[-1]) if not lines[0] and not lines[-1].strip() else 0
    for index, line in enumerate(lines):
        if index or line:
            blanks = min(indent, len(line) - len(line.lstrip(" "))) if index else 0
            kept.extend(range(at + blanks, at + len(line) + (index < len(lines) - 1)))
        at += len(line) + 1
    skip = False
    for position in kept:
        if not skip:
            skip = written[position] == "\\" and written[position + 1] in '"\\' and position + 1 < len(written) - 3
            yield position, position + 1 + skip
        else:
            skip = False


def _offsets(written: str) -> Iterator[int]:
    """Yield, for each character of a scalar's value, its offset in what was written."""
    match written[:1]:
        case "'":
            at, last = 1, len(written) - 1
            while at < last:
                yield at
                at += 2 if written[at : at + 2] == "''" else 1
        case '"':
            for found in re.finditer(r"\\(?:x..|u.{4}|U.{8}|.)|[^\\]", written[1:-1], re.S):
                yield found.start() + 1
        case "|" | ">":
            lines = written.splitlines(keepends=True)
            body = [line for line in lines[1:] if line.strip()]
            indent = min((len(line) - len(line.lstrip(" ")) for line in body), default=0)
            at = len(lines[0]) if lines else 0
            for line in lines[1:]:
                yield from range(at + min(indent, len(line) - 1), at + len(line))
                at += len(line)
        case _:
            yield from range(len(written))
