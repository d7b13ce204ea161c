"""Reads events: NDJSON, JSON, CSV and Windows event logs, plain or compressed, from files, folders or a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ruleengine.events.blocks import SIZE, Block, cut
from ruleengine.events.complaints import Complaints
from ruleengine.events.csv_rows import read_csv
from ruleengine.events.documents import read_documents
from ruleengine.events.evtx_file import read_evtx
from ruleengine.events.find import find, total_bytes
from ruleengine.events.flatten import flatten
from ruleengine.events.json_text import decode
from ruleengine.events.record import ANNOTATION, Record
from ruleengine.events.sniff import enough, sniff
from ruleengine.events.stream import OnBytes, Stream, as_utf8, open_stream
from ruleengine.events.turns import AT_ONCE, Turns
from ruleengine.problem import Report

__all__ = [
    "ANNOTATION",
    "FORMATS",
    "Block",
    "Record",
    "Turns",
    "finished",
    "flatten",
    "read",
    "read_blocks",
    "records",
    "total_bytes",
]

FORMATS = ("ndjson", "json", "csv", "evtx")


def read(
    paths: Sequence[str], report: Report, *, format: str | None = None, on_bytes: OnBytes | None = None
) -> Iterator[Record]:
    """Yield every event of the files, folders, patterns (or `-`, standard input) in `paths`, in their order.

    What cannot be read is reported and the rest goes on. `format` is one of `FORMATS`, or None: then name and content
    of each file decide. `on_bytes` is told how many bytes were taken from disk each time some were.
    A ValueError says that the format is unknown.
    """
    for part in read_blocks(paths, report, format=format, on_bytes=on_bytes):
        if isinstance(part, Block):
            yield from records(part)
        else:
            yield part


def read_blocks(
    paths: Sequence[str],
    report: Report,
    *,
    format: str | None = None,
    on_bytes: OnBytes | None = None,
    size: int = SIZE,
    turns: Turns = AT_ONCE,
) -> Iterator[Block | Record]:
    """Yield what `read` does, NDJSON as blocks of about `size` bytes, for those who look at many lines at once.

    Who works on several blocks at a time gives `turns`, so that problems are still told in the order of the files.
    """
    if format is not None and format not in FORMATS:
        raise ValueError(f"unknown format {format!r}; known are {', '.join(FORMATS)}")
    for path in find(paths, report):
        complaints = Complaints(path, report, turns)
        yield from _file(path, complaints, format, on_bytes, size)
        turns.later(complaints.finish)


def records(block: Block) -> Iterator[Record]:
    """Yield the events of a block as `read` does; what is broken is said to the block's complaints."""
    for number, line in block.lines():
        event = decode(line, block.complaints, number)
        if event is not None:
            yield Record(finished(event), block.path, number)


def finished(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event that was decoded as rules see it: a nested Windows event made flat."""
    return flatten(event) if "Event" in event else event


def _file(
    path: str, complaints: Complaints, format: str | None, on_bytes: OnBytes | None, size: int
) -> Iterator[Block | Record]:
    try:
        stream = open_stream(path, on_bytes, complaints.turns.waiting)
    except OSError as error:
        complaints.say("RE602", f"the file cannot be opened: {error.strerror or error}")
        return
    try:
        as_utf8(stream)
        kind = format or sniff(stream.peek(enough), stream.path)
        if kind == "ndjson":
            yield from cut(stream, complaints, size)
        else:
            for record in _other(stream, kind, complaints, on_bytes):
                record.event = finished(record.event)
                yield record
        if stream.failure:
            complaints.say("RE604", stream.failure, stream.rows)
    finally:
        stream.close()


def _other(stream: Stream, kind: str, complaints: Complaints, on_bytes: OnBytes | None) -> Iterator[Record]:
    """Yield the events of an opened file that is no NDJSON; what is no kind is a sentence that says so."""
    match kind:
        case "json":
            yield from read_documents(stream, complaints)
        case "csv":
            yield from read_csv(stream, complaints)
        case "evtx":
            yield from read_evtx(stream, complaints, on_bytes)
        case sentence:
            hint = "say which it is with --events-as" if "format" in sentence else ""
            complaints.say("RE609" if hint else "RE602", sentence, hint=hint)
