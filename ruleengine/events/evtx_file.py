"""Reads binary Windows event logs (`.evtx`) through the `evtx` package, an extra of ruleengine."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Generator, Iterator
from io import SEEK_END
from pathlib import Path
from typing import IO, Any

from ruleengine.events.complaints import Complaints
from ruleengine.events.json_text import decode
from ruleengine.events.record import Record
from ruleengine.events.stream import OnBytes, Stream

MAGIC, CHUNK_MAGIC = b"ElfFile\0", b"ElfChnk\0"
# https://github.com/libyal/libevtx/blob/main/documentation/Windows%20XML%20Event%20Log%20(EVTX).asciidoc
HEADER, CHUNK, CHUNK_COUNT = 4096, 65536, 42
"""Bytes of the file's header and of each chunk behind it; where the header has the number of chunks (16 bits)."""

SPOOL_MEMORY, SPOOL_LIMIT = 16 << 20, 8 << 30
"""Bytes of a compressed or piped log that are kept in memory, and at most on disk, while it is read."""


def read_evtx(stream: Stream, complaints: Complaints, on_bytes: OnBytes | None) -> Iterator[Record]:
    """Yield every record with its number as the line; a record that is damaged is a problem and the rest goes on."""
    try:
        from evtx import PyEvtxParser
    except ImportError:
        complaints.say("RE610", "binary .evtx needs the package evtx", hint="pip install 'ruleengine[evtx]'")
        return
    # The parser needs a file that it can search; a pipe or compressed data are none.
    plain = not stream.compressed and Path(stream.path).is_file()
    with Path(stream.path).open("rb") if plain else tempfile.SpooledTemporaryFile(SPOOL_MEMORY) as source:
        if not plain and not _copied(stream, source, complaints):
            return
        try:
            parser = PyEvtxParser(source, number_of_threads=1)
        except (RuntimeError, OSError) as error:
            complaints.say("RE602", f"not an event log that can be read: {_reason(error)}")
            return
        count = yield from _records(parser, stream, complaints)
        size = source.seek(0, SEEK_END)
        if plain and on_bytes is not None:
            on_bytes(max(0, size - stream.taken))
        if not complaints.counts and not stream.failure:
            _audit(source, size, count, stream, complaints)


def _records(parser: Any, stream: Stream, complaints: Complaints) -> Generator[Record, None, int]:
    """Yield the records and return how many there were."""
    records, last, count = parser.records_json(), 0, 0
    while True:
        try:
            found = next(records)
        except StopIteration:
            return count
        except RuntimeError as error:
            # The parser goes on behind the damage when it is asked again.
            complaints.say("RE603", f"a record after number {last} is damaged: {_reason(error)}", last)
            continue
        except OSError as error:
            stream.failure = f"it could not be read further: {error.strerror or error}"
            return count
        count += 1
        last = found["event_record_id"]
        event = decode(found["data"].encode(), complaints, last)
        if event is not None:
            yield Record(event, stream.path, last)


def _audit(source: IO[bytes], size: int, count: int, stream: Stream, complaints: Complaints) -> None:
    """Say what the parser passed over without a word: half a chunk, a chunk or record whose first bytes are damaged."""
    source.seek(CHUNK_COUNT)
    if size < HEADER + CHUNK * int.from_bytes(source.read(2), "little") or (size - HEADER) % CHUNK:
        stream.failure = "the event log ends in the middle of a chunk of records: the file is cut off"
        return
    announced = 0
    for chunk, position in enumerate(range(HEADER, size, CHUNK), 1):
        source.seek(position)
        magic, first, last = struct.unpack("<8sQQ", source.read(24))
        if magic == CHUNK_MAGIC:
            announced += max(0, last - first + 1)
        elif any(source.read(CHUNK - 24)):  # a chunk that was never used is all zeros
            complaints.say("RE603", f"chunk {chunk} of the log is damaged and its records were passed over")
    if count < announced:
        complaints.say("RE603", f"the log announces {announced:,} records, but only {count:,} could be read")


def _copied(stream: Stream, target: IO[bytes], complaints: Complaints) -> bool:
    """Copy a stream to a file; False when it is too long, which was then said."""
    for piece in stream.pieces:
        target.write(piece)
        if target.tell() > SPOOL_LIMIT:
            complaints.say("RE605", f"the event log is larger than {SPOOL_LIMIT >> 30} GB once decompressed")
            return False
    target.seek(0)
    return True


def _reason(error: Exception) -> str:
    """Return the end of the parser's chain of causes, in one line."""
    return " ".join(str(error).split())[-200:]
