"""How the data files beside this module are read: rows of tab-separated cells under a heading and `#` lines."""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple


class Table(NamedTuple):
    """The rows of a file, and what the `# name: value` lines above them say about it."""

    about: dict[str, str]
    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def text(name: str) -> str:
    """Return the text of a data file of this package, such as `taxonomies/f3.tsv`."""
    return files("ruleengine.schema").joinpath(name).read_text("utf-8")


def names(folder: str) -> tuple[str, ...]:
    """Return the names of the files in a folder of this package, in order."""
    entries = files("ruleengine.schema").joinpath(folder).iterdir()
    return tuple(sorted(entry.name for entry in entries if entry.is_file()))


def table(name: str) -> Table:
    """Return a data file of this package as a table; a row that lacks cells is a bug in the file: ValueError."""
    lines = text(name).split("\n")
    head = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    said = (line[1:].partition(":") for line in lines[:head])
    about = {key.strip(): value.strip() for key, colon, value in said if colon and " " not in key.strip()}
    heading = tuple(lines[head].split("\t"))
    rows = tuple([tuple(line.split("\t")) for line in lines[head + 1 :] if line])
    if wrong := next((row for row in rows if len(row) != len(heading)), None):
        raise ValueError(f"{name}: this row has {len(wrong)} cells, not {len(heading)}: {wrong}")
    return Table(about, heading, rows)
