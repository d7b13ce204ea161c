"""Reads JSON that does not go line by line: an array of events, one event over many lines, or several in a row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ruleengine.events.complaints import Complaints
from ruleengine.events.json_text import decode
from ruleengine.events.record import Record
from ruleengine.events.stream import Stream

DOCUMENT_LIMIT = 256 << 20
"""Bytes of the longest document that is read (after decompression)."""

HOPELESS = 1_000
"""Levels of brackets at which the end of an event is no longer looked for."""

COLUMN_LIMIT = 10_000
"""Bytes of a line within which a column is told; a file that is one long line has none."""

# Everything up to the next bracket outside strings, then the bracket. A string ends at the end of its line, as JSON
# demands: one lost quote spoils one event and not the rest of the file.
_BRACKET = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?+[^"{}\[\]]*+)*+([{}\[\]])')
_BLANK = re.compile(rb"[ \t\r\n]*+")
_INDENT = re.compile(rb"[ \t]*+")
_IN_ARRAY = re.compile(rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|[^,\]\n]++')
_OUTSIDE = re.compile(rb"[^\n]++")


def read_documents(stream: Stream, complaints: Complaints) -> Iterator[Record]:
    """Yield the objects of a text that holds arrays of objects or objects, each with the line where it begins."""
    parts, size = list[bytes](), 0
    for piece in stream.pieces:
        parts.append(piece)
        size += len(piece)
        if size > DOCUMENT_LIMIT:
            message = f"the JSON document is larger than {DOCUMENT_LIMIT >> 20} MB and was not read"
            complaints.say("RE605", message, hint="write one event a line (NDJSON): that has no limit")
            return
    data = b"".join(parts)
    stream.rows = data.count(b"\n") + 1
    for start, end, line, column in _Cutter(data, complaints, bool(stream.failure)).elements():
        event = decode(data[start:end], complaints, line, max(column - 1, 0))
        if event is not None:
            yield Record(event, stream.path, line)


@dataclass(slots=True)
class _Cutter:
    """Finds where each event begins and ends, and goes on behind one that is broken."""

    data: bytes
    complaints: Complaints
    cut_off: bool
    budget: int = 0  # brackets that may still be looked at in vain for the end of a broken event: no quadratic time
    # The place asked for last: its line, where that line begins, and its position.
    line: int = 1
    begin: int = 0
    counted: int = 0

    def elements(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield start, end, line and column of each element; say what is wrong between them."""
        self.budget = len(self.data) // 16 + 250_000
        # What the array wants next: `comma` behind an element, `value` behind a comma.
        position, in_array, comma, value = 0, False, False, False
        while (position := _BLANK.match(self.data, position).end()) < len(self.data):  # type: ignore[union-attr]  # matches always
            sign = self.data[position : position + 1]
            if sign == b"[" and not in_array:
                position, in_array, comma, value = position + 1, True, False, False
            elif sign == b"]" and in_array:
                if value:
                    self._say(position, "here a value is missing")
                position, in_array = position + 1, False
            elif sign == b"," and in_array:
                if not comma:
                    self._say(position, "here a value is missing")
                position, comma, value = position + 1, False, True
            else:
                if in_array and comma:
                    self._say(position, "here a `,` or the end of the array is missing")
                line, column = self._place(position)
                end = self._end(position, in_array)
                comma, value = end > 0, False
                if end > 0:
                    yield position, end, line, column
                position = abs(end)
        if in_array and not self.cut_off:
            self._say(len(self.data.rstrip()), "the array has no end")

    def _end(self, start: int, in_array: bool) -> int:
        """Return where the element ends; negative when it has no end: then where to go on."""
        if self.data[start] not in b"{[":
            match = (_IN_ARRAY if in_array else _OUTSIDE).match(self.data, start)
            return match.end() if match else start + 1
        depth, closing = 0, b"}" if self.data[start] == ord("{") else b"]"
        seen = 0
        position = start
        # `match`, not `finditer`: where no bracket is left, a search would try again from every character.
        while bracket := _BRACKET.match(self.data, position):
            position = bracket.end()
            seen += 1
            depth += 1 if bracket[1] in b"{[" else -1
            if depth == 0:
                if bracket[1] != closing:
                    break
                return bracket.end()
            if depth > HOPELESS:
                break
        self.budget -= seen
        return -self._next(start)

    def _next(self, start: int) -> int:
        """Say that an event has no end and return where the next one begins, as far as the layout tells."""
        line, column = self._place(start)
        indent = _INDENT.match(self.data, self.begin)[0]  # type: ignore[index]  # matches always
        following = self.data.find(b"\n" + indent + b"{", start)
        if following >= 0 and self.budget > 0:
            self.complaints.say("RE603", "the JSON object that begins here has no end", line, column)
            return following + 1
        if following >= 0:
            message = "the JSON object that begins here has no end, like many before it: the rest was not read"
            self.complaints.say("RE603", message, line, column)
        elif not self.cut_off:
            self.complaints.say("RE603", "the JSON text that begins here ends in the middle", line, column)
        self.cut_off = True
        return len(self.data)

    def _say(self, position: int, message: str) -> None:
        line, column = self._place(position)
        self.complaints.say("RE603", f"not JSON: {message}", line, column)

    def _place(self, position: int) -> tuple[int, int]:
        """Return the 1-based line and column of a position that is not before the last one asked for."""
        last = self.data.rfind(b"\n", self.counted, position)
        if last >= 0:
            self.line += self.data.count(b"\n", self.counted, position)
            self.begin = last + 1
        self.counted = position
        if position - self.begin > COLUMN_LIMIT:
            return self.line, 0
        return self.line, len(self.data[self.begin : position].decode(errors="replace")) + 1
