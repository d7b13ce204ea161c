"""The formatter of Sigma's YAML: keys in the specification's order, four blanks a level, every comment and quote kept.

It moves lines and their indentation, and touches no scalar; a document with YAML that it does not know stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ruleengine.problem import Problem
from ruleengine.sigma import yaml
from ruleengine.sigma.comments import comments
from ruleengine.sigma.export import ORDER
from ruleengine.sigma.yaml import Mapping
from ruleengine.sigma.yaml import Sequence as Entries
from ruleengine.span import Source

STEP = 4
HEADER = re.compile(r"[|>](?P<digit>[1-9])?[-+]?(?P<other>[1-9])?[ \t]*(?:#.*)?\Z")


WIDE = re.compile(r"[ \t]*:([ \t]{2,})(?=[^\s#])")


class _Unknown(Exception):
    """YAML that is not moved about."""


class _Lines:
    """The lines of a text and, for each, where its tokens go: old column to new one, or a shift of the whole line."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.rows = [row.rstrip("\r") for row in source.text.split("\n")]
        self.moves: dict[int, list[tuple[int, int]]] = {}
        self.kept: dict[int, tuple[int, int]] = {}
        """Lines inside scalars and brackets: how many leading blanks to take off (-1: all of them), how many to put."""
        self.blocks: set[int] = set()
        """Lines of block scalars, where blanks count."""
        self.squeezed: dict[int, tuple[int, int]] = {}
        """The blanks between a key's colon and a value on its line."""

    def place(self, offset: int) -> tuple[int, int]:
        """Return the line and column of an offset, both from 0."""
        row, column = self.source.row_column(offset)
        return row - 1, column - 1

    def move(self, offset: int, column: int) -> None:
        row, old = self.place(offset)
        self.moves.setdefault(row, []).append((old, column))


def formatted(source: Source) -> str:
    """Return the text of a Sigma file in the one style; the text must have been read without problems."""
    found: list[Problem] = []
    documents = yaml.read(source, found.append)
    lines = _Lines(source)
    try:
        for document in documents:
            if isinstance(document.root, Mapping) and source.text[document.root.start] != "{":
                _mapping(document.root, 0, lines)
            elif document.root is not None:
                return source.text
        rows = list(_moved(lines))
    except _Unknown:
        return source.text
    pieces = _documents(rows)
    out = [row for piece in pieces for row in _ordered(piece)]
    return "".join(row + "\n" for row in _squeezed(out))


def same(one: Source, other: Source) -> bool:
    """Say whether two texts hold the same data and the same comments, wherever they stand."""
    found: list[Problem] = []
    data = [[document.root for document in yaml.read(source, found.append)] for source in (one, other)]
    notes = [sorted(comment.text for comment in comments(source.text)) for source in (one, other)]
    return not found and data[0] == data[1] and notes[0] == notes[1]


# --- where tokens go -----------------------------------------------------------------------------------------------


def _mapping(given: Mapping, column: int, lines: _Lines) -> None:
    for key, edges in given.edges.items():
        if not given.start <= edges.key_start < max(given.end, given.start + 1):
            raise _Unknown  # taken in by a merge key
        lines.move(edges.key_start, column)
        _value(given[key], edges.start, edges.end, column, lines)
        row, old = lines.place(edges.key_end)
        line = lines.rows[row]
        if lines.place(edges.start)[0] == row and (blanks := WIDE.match(line, old)):
            lines.squeezed[row] = blanks.span(1)


def _sequence(given: Entries, column: int, lines: _Lines) -> None:
    for entry, (start, end) in zip(given, given.edges, strict=True):
        row, old = lines.place(start)
        before = re.search(r"-[ \t]+\Z", lines.rows[row][:old])
        if before is None:
            raise _Unknown  # a dash on a line of its own, or an entry that is empty
        lines.moves.setdefault(row, []).append((before.start(), column))
        if not (isinstance(entry, Mapping | Entries) and _is_block(start, lines)):
            lines.moves[row].append((old, column + 2))
        _value(entry, start, end, column, lines, inner=2)


def _is_block(start: int, lines: _Lines) -> bool:
    return lines.source.text[start] not in "[{*&!"


def _value(value: Any, start: int, end: int, column: int, lines: _Lines, inner: int = STEP) -> None:
    """Move a value that belongs to a key, or a dash, at a column."""
    text = lines.source.text
    if isinstance(value, Mapping | Entries) and text[start] in "&!":
        raise _Unknown
    if isinstance(value, Mapping) and _is_block(start, lines):
        _mapping(value, column + inner, lines)
    elif isinstance(value, Entries) and _is_block(start, lines):
        _sequence(value, column + inner, lines)
    else:
        _scalar(start, end, column, inner, lines)


def _scalar(start: int, end: int, column: int, inner: int, lines: _Lines) -> None:
    """Move the further lines of a scalar, or of a collection in brackets."""
    row, old = lines.place(start)
    last = lines.place(max(end - 1, start))[0]
    if last == row:
        return
    header = HEADER.match(lines.rows[row][old:])
    if lines.source.text[start] not in "|>":
        first = lines.rows[row]
        shift = column - (len(first) - len(first.lstrip(" ")))
        for index in range(row + 1, last + 1):
            old = len(lines.rows[index]) - len(lines.rows[index].lstrip(" "))
            lines.kept[index] = (-1, max(old + shift, column + inner))
        return
    if header is None:
        raise _Unknown
    digit = header["digit"] or header["other"]
    body = range(row + 1, last + 1)
    filled = [lines.rows[index] for index in body if lines.rows[index].strip()]
    indents = [len(line) - len(line.lstrip(" ")) for line in filled]
    if digit or not indents:
        raise _Unknown
    for index in body:
        lines.blocks.add(index)
        lines.kept[index] = (indents[0], column + inner)


# --- lines ---------------------------------------------------------------------------------------------------------


Row = tuple[str, bool]
"""A line, and whether it is part of a scalar, where blank lines count."""


def _moved(lines: _Lines) -> Iterator[Row]:
    for index, row in enumerate(lines.rows):
        if index in lines.kept:
            yield _kept(row, *lines.kept[index], block=index in lines.blocks), True
        elif index in lines.moves:
            yield _shifted(row, index, lines), False
        elif not row.strip():
            yield "", False
        elif row.lstrip().startswith("#"):
            yield " " * _comment_column(index, lines) + row.strip(), False
        elif re.match(r"---(\s|\Z)|\.\.\.(\s|\Z)|%", row):
            yield row.rstrip(), False
        else:
            raise _Unknown


def _kept(row: str, off: int, on: int, *, block: bool) -> str:
    if off < 0:
        return " " * on + row.strip() if row.strip() else ""
    rest = row[off:]
    return " " * on + rest if rest.strip() or (block and rest) else ""


def _shifted(row: str, index: int, lines: _Lines) -> str:
    if squeezed := lines.squeezed.get(index):
        row = row[: squeezed[0]] + " " + row[squeezed[1] :]
    moves = sorted(lines.moves[index])
    out = ""
    for number, (old, new) in enumerate(moves):
        end = moves[number + 1][0] if number + 1 < len(moves) else len(row)
        piece = row[old:end]
        out = out.ljust(new) + (piece.rstrip() if number + 1 < len(moves) else piece)
    return out.rstrip()


def _comment_column(index: int, lines: _Lines) -> int:
    """Return where a comment goes: with the line in whose column it stood, the next one's or an earlier one's."""
    row = lines.rows[index]
    column = len(row) - len(row.lstrip())
    after = next((at for at in range(index + 1, len(lines.rows)) if at in lines.moves), None)
    before = next((at for at in range(index - 1, -1, -1) if at in lines.moves), None)
    for at in (after, before):
        for old, new in sorted(lines.moves[at]) if at is not None else ():
            if old == column:
                return new
    while before is not None:
        old, new = min(lines.moves[before])
        if old <= column:
            deeper = after is not None and min(lines.moves[after])[0] > old
            return min(lines.moves[after])[1] if after is not None and deeper else new
        before = next((at for at in range(before - 1, -1, -1) if at in lines.moves), None)
    return min(lines.moves[after])[1] if after is not None else 0


# --- order ---------------------------------------------------------------------------------------------------------


def _documents(rows: Sequence[Row]) -> list[list[Row]]:
    pieces: list[list[Row]] = [[]]
    for row in rows:
        if re.match(r"---(\s|\Z)", row[0]) and not row[1]:
            pieces.append([])
        pieces[-1].append(row)
    return pieces


def _ordered(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield the lines of one document with its keys in the order of the specification; the head stays the head."""
    keys = [index for index, (row, inner) in enumerate(rows) if not inner and re.match(r"[^\s#%.-]|['\"]", row)]
    if not keys:
        yield from rows
        return
    starts = []
    for number, index in enumerate(keys):
        start = index
        while number and start > keys[number - 1] + 1 and _leads(rows[start - 1]):
            start -= 1
        starts.append(start)
    end = next((i for i in range(keys[-1], len(rows)) if re.match(r"\.\.\.", rows[i][0]) and not rows[i][1]), len(rows))
    yield from rows[: starts[0]]
    pieces = [list(rows[start:stop]) for start, stop in zip(starts, [*starts[1:], end], strict=True)]
    names = [re.split(r"\s*:", rows[index][0])[0].strip("'\"") for index in keys]
    rank = {key: index for index, key in enumerate(ORDER)}
    for _, piece in sorted(zip(names, pieces, strict=True), key=lambda pair: rank.get(pair[0], len(ORDER))):
        yield from piece
    yield from rows[end:]


def _leads(row: Row) -> bool:
    """Say whether a line before a key belongs to it: a comment at the margin, or a blank line."""
    return not row[1] and (not row[0] or row[0].startswith("#"))


def _squeezed(rows: Sequence[Row]) -> Iterator[str]:
    """Yield lines with at most one blank one in a row, and none at either end."""
    blank = False
    begun = False
    for row, inner in rows:
        if not row and not inner:
            blank = begun
            continue
        if blank:
            yield ""
        blank, begun = False, True
        yield row
