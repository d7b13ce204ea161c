"""Reads events: NDJSON, JSON, CSV and Windows event logs, plain or compressed, from files, folders or a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ruleengine.events.complaints import Complaints
from ruleengine.events.csv_rows import read_csv
from ruleengine.events.documents import read_documents
from ruleengine.events.evtx_file import read_evtx
from ruleengine.events.find import find, total_bytes
from ruleengine.events.flatten import flatten
from ruleengine.events.json_text import decode
from ruleengine.events.lines import lines
from ruleengine.events.record import ANNOTATION, Record
from ruleengine.events.sniff import enough, sniff
from ruleengine.events.stream import OnBytes, Stream, as_utf8, open_stream
from ruleengine.problem import Report

__all__ = ["ANNOTATION", "FORMATS", "Record", "flatten", "read", "total_bytes"]

FORMATS = ("ndjson", "json", "csv", "evtx")


def read(
    paths: Sequence[str], report: Report, *, format: str | None = None, on_bytes: OnBytes | None = None
) -> Iterator[Record]:
    """Yield every event of the files, folders, patterns (or `-`, standard input) in `paths`, in their order.

    What cannot be read is reported and the rest goes on. `format` is one of `FORMATS`, or None: then name and content
    of each file decide. `on_bytes` is told how many bytes were taken from disk each time some were.
    A ValueError says that the format is unknown.
    """
    if format is not None and format not in FORMATS:
        raise ValueError(f"unknown format {format!r}; known are {', '.join(FORMATS)}")
    for path in find(paths, report):
        complaints = Complaints(path, report)
        for record in _file(path, complaints, format, on_bytes):
            if "Event" in record.event:
                record.event = flatten(record.event)
            yield record
        complaints.finish()


def _file(path: str, complaints: Complaints, format: str | None, on_bytes: OnBytes | None) -> Iterator[Record]:
    try:
        stream = open_stream(path, on_bytes)
    except OSError as error:
        complaints.say("RE602", f"the file cannot be opened: {error.strerror or error}")
        return
    try:
        yield from _stream(stream, complaints, format, on_bytes)
        if stream.failure:
            complaints.say("RE604", stream.failure, stream.rows)
    finally:
        stream.close()


def _stream(stream: Stream, complaints: Complaints, format: str | None, on_bytes: OnBytes | None) -> Iterator[Record]:
    """Yield the events of an opened file in its format."""
    as_utf8(stream)
    head = stream.peek(enough)
    match format or sniff(head, stream.path):
        case "ndjson":
            yield from _ndjson(stream, complaints)
        case "json":
            yield from read_documents(stream, complaints)
        case "csv":
            yield from read_csv(stream, complaints)
        case "evtx":
            yield from read_evtx(stream, complaints, on_bytes)
        case sentence:
            hint = "say which it is with --events-as" if "format" in sentence else ""
            complaints.say("RE609" if hint else "RE602", sentence, hint=hint)


def _ndjson(stream: Stream, complaints: Complaints) -> Iterator[Record]:
    """Yield the object of each line."""
    path = stream.path
    silent = Complaints(path, lambda _: None)
    for number, line in lines(stream, complaints):
        # The last line of a file that is cut off is half a line: the cut itself is the problem, and reported once.
        event = decode(line, silent if stream.failure else complaints, number)
        if event is not None:
            yield Record(event, path, number)
