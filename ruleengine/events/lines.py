"""Cuts a stream of bytes into numbered lines, in constant memory even when a line never ends."""

from __future__ import annotations

from collections.abc import Iterator

from ruleengine.events.blocks import LINE_LIMIT, cut
from ruleengine.events.complaints import Complaints
from ruleengine.events.stream import Stream


def lines(stream: Stream, complaints: Complaints, limit: int = LINE_LIMIT) -> Iterator[tuple[int, bytes]]:
    """Yield each line with its 1-based number, without its end; a line over the limit is a problem and left out."""
    for block in cut(stream, complaints, limit=limit):
        yield from block.lines()
