"""Cuts a stream of bytes into numbered lines, in constant memory even when a line never ends."""

from __future__ import annotations

from collections.abc import Iterator

from ruleengine.events.complaints import Complaints
from ruleengine.events.stream import Stream

LINE_LIMIT = 64 << 20
"""Bytes of the longest line that is read."""


def lines(stream: Stream, complaints: Complaints, limit: int = LINE_LIMIT) -> Iterator[tuple[int, bytes]]:
    """Yield each line with its 1-based number, without its end; a line over the limit is a problem and left out."""
    number, parts, size = 1, list[bytes](), 0
    for piece in stream.pieces:
        first, *others = piece.split(b"\n")
        size += len(first)
        if size <= limit:
            parts.append(first)
        else:
            parts.clear()
        if not others:
            continue
        last = others.pop()
        if size <= limit:
            yield number, b"".join(parts)
        else:
            _too_long(number, limit, complaints)
        yield from enumerate(others, number + 1)
        number += len(others) + 1
        parts, size = [last], len(last)
    stream.rows = number
    if size > limit:
        _too_long(number, limit, complaints)
    elif size:
        yield number, b"".join(parts)


def _too_long(number: int, limit: int, complaints: Complaints) -> None:
    complaints.say("RE605", f"the line is longer than {limit >> 20} MB and was skipped", number)
