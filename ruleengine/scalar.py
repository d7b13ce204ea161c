"""Where the characters of a value stand in the YAML scalar it was written as."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ruleengine.span import Span


def inside(span: Span, start: int, end: int) -> Span:
    """Return the span of characters start to end of the *value* of the scalar that stands at the span.

    Exact for plain, quoted and literal scalars; for what folds lines, the nearest that can be said.
    """
    offsets = list(_offsets(span.text))
    if not offsets:
        return span
    low = offsets[min(start, len(offsets) - 1)]
    high = offsets[end] if end < len(offsets) else len(span.text.rstrip()) - (span.text[:1] in "'\"")
    return Span(span.source, span.start + low, span.start + max(high, low + 1))


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
