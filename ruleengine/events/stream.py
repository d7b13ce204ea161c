"""Opens an event file and hands out its bytes piece by piece, decompressed and as UTF-8, in constant memory."""

from __future__ import annotations

import codecs
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO

import zstandard

PIECE = 1 << 20
STANDARD_INPUT = "<stdin>"
GZIP_MAGIC, ZSTANDARD_MAGIC = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
# A zstandard block of 4 bytes can stand for 128 KiB: so much input is never more than 8 MiB of output.
ZSTANDARD_STEP = 256
ZSTANDARD_WINDOW = 1 << 27
MARKS = (  # UTF-32 first: its little-endian mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

UNMARKED = {b"{\0.\0": "utf-16-le", b"\0{\0.": "utf-16-be"}
"""How JSON in UTF-16 without a mark begins, as `PATTERN` shows it: brackets, NUL bytes, and anything else."""
PATTERN = bytes({ord("{"): ord("{"), ord("["): ord("{"), 0: 0}.get(byte, ord(".")) for byte in range(256))

OnBytes = Callable[[int], None]
OnWait = Callable[[Any], None]
"""Told of standard input before it is read: that may take as long as the pipe is empty."""


@dataclass(slots=True)
class Stream:
    """The bytes of one file, `taken` of them so far as they lie on disk, and `rows` lines once the pieces have ended.

    `failure` says, once the pieces have ended, why they ended too early.
    """

    path: str
    pieces: Iterator[bytes] = field(default_factory=lambda: iter(()))
    file: BinaryIO | None = None
    compressed: bool = False
    taken: int = 0
    rows: int = 0
    failure: str = ""

    def peek(self, enough: Callable[[bytes], bool]) -> bytes:
        """Return the first bytes, as many as `enough` asks for; they stay in the stream."""
        head, rest = b"", self.pieces
        while not enough(head):
            piece = next(rest, None)
            if piece is None:
                break
            head += piece

        def again() -> Iterator[bytes]:
            if head:
                yield head
            yield from rest

        self.pieces = again()
        return head

    def close(self) -> None:
        """Close the file; standard input belongs to the process and stays open."""
        if self.file is not None:
            self.file.close()


def open_stream(path: str, on_bytes: OnBytes | None, on_wait: OnWait | None = None) -> Stream:
    """Open a file or standard input, decompressed when it begins as gzip or zstandard do; an OSError says why not."""
    if path == STANDARD_INPUT:
        if sys.stdin is None:  # a process may be started without one
            raise OSError("standard input is closed")
        stream = Stream(path)
        # read1 hands out what has arrived: a pipe that never ends is read as it flows.
        source = sys.stdin.buffer
        read = source.read1 if isinstance(source, io.BufferedIOBase) else source.read
        wait = partial(on_wait, source) if on_wait else None
    else:
        file = io.FileIO(path, "rb")
        stream = Stream(path, file=file)
        read, wait = file.read, None
    stream.pieces = _raw(read, stream, on_bytes, wait)
    magic = stream.peek(lambda head: len(head) >= 4)
    stream.compressed = magic.startswith((ZSTANDARD_MAGIC, GZIP_MAGIC))
    if magic.startswith(ZSTANDARD_MAGIC):
        stream.pieces = _zstandard(stream.pieces, stream)
    elif magic.startswith(GZIP_MAGIC):
        stream.pieces = _gzip(stream.pieces, stream)
    return stream


def as_utf8(stream: Stream) -> None:
    """Strip a byte order mark and turn UTF-16 and UTF-32 into UTF-8."""
    head = stream.peek(lambda head: len(head) >= 4)
    unmarked = (b"", UNMARKED.get(head[:4].translate(PATTERN), "utf-8"))
    mark, name = next((row for row in MARKS if head.startswith(row[0])), unmarked)
    if mark:
        stream.pieces = _without(stream.pieces, len(mark))
    if name != "utf-8":
        stream.pieces = _recoded(stream.pieces, name)


def _raw(
    read: Callable[[int], bytes], stream: Stream, on_bytes: OnBytes | None, wait: Callable[[], None] | None
) -> Iterator[bytes]:
    while True:
        if wait is not None:
            wait()
        try:
            piece = read(PIECE)
        except OSError as error:
            stream.failure = f"it could not be read further: {error.strerror or error}"
            return
        if not piece:
            return
        stream.taken += len(piece)
        if on_bytes is not None:
            on_bytes(len(piece))
        yield piece


def _gzip(pieces: Iterator[bytes], stream: Stream) -> Iterator[bytes]:
    """Decompress the members of a gzip file one after the other (RFC 1952, 2.2)."""
    member = zlib.decompressobj(31)
    begun = False
    for piece in pieces:
        rest = piece
        while rest:
            if member.eof:
                rest = rest.lstrip(b"\0")  # tapes and some tools pad with zeros
                if not rest:
                    break
                member, begun = zlib.decompressobj(31), False
            begun = True
            try:
                out = member.decompress(rest, PIECE)
            except zlib.error as error:
                stream.failure = f"the gzip data are damaged ({_reason(error)})"
                return
            if out:
                yield out
            rest = member.unused_data if member.eof else member.unconsumed_tail
    if stream.failure:
        return
    if out := member.flush():  # what the limit of the last piece held back: less than one window
        yield out
    if begun and not member.eof:
        stream.failure = "the gzip data end in the middle: the file is cut off"


def _zstandard(pieces: Iterator[bytes], stream: Stream) -> Iterator[bytes]:
    """Decompress the frames of a zstandard file one after the other (RFC 8878, 3)."""
    new = zstandard.ZstdDecompressor(max_window_size=ZSTANDARD_WINDOW).decompressobj
    frame, begun = new(), False
    for piece in pieces:
        ready = bytearray()
        for start in range(0, len(piece), ZSTANDARD_STEP):
            rest = piece[start : start + ZSTANDARD_STEP]
            while rest:
                if frame.eof:
                    frame = new()
                begun = True
                try:
                    ready += frame.decompress(rest)
                except zstandard.ZstdError as error:
                    stream.failure = f"the zstandard data are damaged ({_reason(error)})"
                    yield bytes(ready)
                    return
                rest = frame.unused_data if frame.eof else b""
            if len(ready) >= PIECE:
                yield bytes(ready)
                ready.clear()
        if ready:
            yield bytes(ready)
    if begun and not frame.eof and not stream.failure:
        stream.failure = "the zstandard data end in the middle: the file is cut off"


def _reason(error: Exception) -> str:
    return str(error).rpartition(": ")[2]


def _without(pieces: Iterator[bytes], count: int) -> Iterator[bytes]:
    for piece in pieces:
        yield piece[count:]
        break
    yield from pieces


def _recoded(pieces: Iterator[bytes], name: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(name)("replace")
    for piece in pieces:
        yield decoder.decode(piece).encode()
    yield decoder.decode(b"", final=True).encode()
