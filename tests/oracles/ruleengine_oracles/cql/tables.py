"""`match()`: rows of a lookup file whose column has the value of a field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ruleengine_oracles.cql.events import leaf
from ruleengine_oracles.cql.networks import in_subnets
from ruleengine_oracles.cql.patterns import folded, globbed
from ruleengine_oracles.cql.problems import Undocumented, Unknown

Row = dict[str, str]


def rows_of(files: Mapping[str, Sequence[Mapping[str, Any]]], name: str) -> list[Row]:
    """Return a file's rows as texts; a cell that is None is not there."""
    if name not in files:
        raise Unknown(f"no lookup file {name} was given", 0)
    return [{key: leaf(cell) for key, cell in row.items() if cell is not None} for row in files[name]]


def matching(rows: list[Row], column: str, value: str, mode: str, ignore_case: bool) -> list[Row]:
    """Return the rows whose cell in a column fits a value; string is the mode without a word about it [D]."""
    return [row for row in rows if column in row and fits(row[column], value, mode, ignore_case)]


def fits(key: str, value: str, mode: str, ignore_case: bool) -> bool:
    """Return whether a key of a table fits a value."""
    if mode == "cidr":
        return in_subnets(value, (key,))
    if mode == "string" and "*" in key and ignore_case:
        raise Undocumented(f"the key {key!r} with * without its case")
    if ignore_case:
        return folded(key, value)
    return globbed(key, value) if mode == "glob" else key == value


def included(rows: list[Row], column: str, names: tuple[str, ...] | None) -> Row:
    """Return the cells that go into the event; of several rows that differ nobody says which one does."""
    cells = [
        {key: cell for key, cell in row.items() if (names is None and key != column) or key in (names or ())}
        for row in rows
    ]
    if any(each != cells[0] for each in cells):
        raise Undocumented("several rows match, with different cells")
    return cells[0]
