"""Places in source text: a `Span` is a stretch of one `Source`, a `Place` is what people are shown."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(slots=True, eq=False)
class Source:
    """One text with the path it is shown under; rows are found when somebody asks."""

    path: str
    text: str
    _starts: list[int] = field(default_factory=list, repr=False)

    @property
    def in_language(self) -> bool:
        """Say whether the text is of the rule language, not YAML: hints and literals differ."""
        return self.path.endswith(".rule")

    def row_column(self, offset: int) -> tuple[int, int]:
        """Return the 1-based row and column (in code points) of an offset."""
        if not self._starts:
            self._starts = [0]
            position = self.text.find("\n")
            while position >= 0:
                self._starts.append(position + 1)
                position = self.text.find("\n", position + 1)
        row = bisect_right(self._starts, offset)
        return row, offset - self._starts[row - 1] + 1

    def row_text(self, row: int) -> str:
        """Return the text of a 1-based row without its line end."""
        self.row_column(0)
        start = self._starts[row - 1]
        end = self.text.find("\n", start)
        return self.text[start : None if end < 0 else end].rstrip("\r")


class Span(NamedTuple):
    """A half-open stretch of a source, in code points. It never takes part in the equality of nodes."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def place(self) -> Place:
        """Return the place as people count it: rows and columns from 1, the end exclusive."""
        row, column = self.source.row_column(self.start)
        end_row, end_column = self.source.row_column(max(self.start, self.end))
        return Place(self.source.path, row, column, end_row, end_column, self.source.row_text(row))


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a file: rows and columns from 1; row 0 is the whole file, column 0 the whole row."""

    path: str
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0
    excerpt: str = field(default="", compare=False)

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.path, self.line, self.column) if part)
