"""Reads CSV with a header: each row is an event whose values are strings."""

from __future__ import annotations

import csv
import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import compress

from ruleengine.events.complaints import Complaints
from ruleengine.events.lines import lines
from ruleengine.events.record import Record
from ruleengine.events.stream import Stream

ROW_LIMIT = 1 << 20
"""Characters of the longest field, and of the longest row that spans lines."""

_QUOTED = re.compile(r'"(?:[^"]|"")*"')


@dataclass(slots=True)
class _Texts:
    """The lines as the csv module wants them, with a way back to the start of a row that turned out to be broken."""

    numbered: Iterator[tuple[int, bytes]]
    complaints: Complaints
    waiting: deque[tuple[int, str]] = field(default_factory=deque)
    row: list[tuple[int, str]] = field(default_factory=list)
    size: int = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.waiting:
            number, text = self.waiting.popleft()
        else:
            number, data = next(self.numbered)
            try:
                text = data.decode() + "\n"
            except UnicodeDecodeError:
                text = data.decode(errors="replace") + "\n"
                self.complaints.say("RE607", "the text is not UTF-8; each wrong byte was read as U+FFFD", number)
        if self.row and self.size > ROW_LIMIT:
            self.waiting.appendleft((number, text))
            raise csv.Error("a quoted value that begins in this row has no end")
        self.row.append((number, text))
        self.size += len(text)
        return text

    def begin(self) -> None:
        """Forget the lines of the row that was read."""
        self.row.clear()
        self.size = 0

    def back(self) -> None:
        """Go back to the second line of the row that was read."""
        self.waiting.extendleft(reversed(self.row[1:]))


def read_csv(stream: Stream, complaints: Complaints) -> Iterator[Record]:
    """Yield each row under the header's names, with the line where the row begins."""
    # The limit belongs to the whole process; it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), ROW_LIMIT))
    texts = _Texts(lines(stream, complaints), complaints)
    rows = _rows(stream, texts, complaints)
    header = next(rows, None)
    if header is None:
        return
    line, names = header
    names = [name.strip() for name in names]
    clear = _clear(names, complaints, line)
    keys = tuple(compress(names, clear))
    for line, row in rows:
        if len(row) == len(names):
            yield Record(dict(zip(keys, compress(row, clear), strict=True)), stream.path, line)
        elif not _is_cut(stream, line):
            complaints.say("RE603", f"the header names {len(names)} columns, but this row has {len(row)}", line)


def _is_cut(stream: Stream, line: int) -> bool:
    """Say whether a line is the half line before a file is cut off: that is reported once, as such."""
    return bool(stream.failure) and line == stream.rows


def _clear(names: list[str], complaints: Complaints, line: int) -> tuple[bool, ...]:
    """Say for each column whether it has a name of its own; the others are left out, and that is reported."""
    counts = Counter(names)
    for name, count in counts.items():
        if not name:
            complaints.say("RE606", f"columns without a name are left out: {count}", line)
        elif count > 1:
            complaints.say("RE606", f"{count} columns are named `{name}` and are left out", line)
    return tuple(name != "" and counts[name] == 1 for name in names)


def _rows(stream: Stream, texts: _Texts, complaints: Complaints) -> Iterator[tuple[int, list[str]]]:
    """Yield every row that is well-formed and not blank, with its first line."""
    first = next(texts, None)
    if first is None:
        return
    texts.back()
    texts.waiting.appendleft(texts.row[0])
    reader = csv.reader(texts, delimiter=_delimiter(first), strict=True)
    while True:
        texts.begin()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if not _is_cut(stream, texts.row[0][0]):
                complaints.say("RE603", _sentence(error), texts.row[0][0])
            texts.back()
            continue
        if row:
            yield texts.row[0][0], row


def _sentence(error: csv.Error) -> str:
    text = str(error)
    if text.startswith("field larger"):
        return f"a value in this row is longer than {ROW_LIMIT >> 20} MB, or its quote has no end"
    if text == "unexpected end of data":
        return "a quoted value that begins in this row has no end"
    if "expected after" in text:
        return "text follows the closing quote of a value in this row"
    return "a carriage return stands in the middle of this row" if "new-line" in text else text


def _delimiter(header: str) -> str:
    """Return the delimiter: a comma, unless the header has none and exactly one of semicolon and tab."""
    bare = _QUOTED.sub("", header)
    others = [sign for sign in ";\t" if sign in bare]
    return others[0] if "," not in bare and len(others) == 1 else ","
