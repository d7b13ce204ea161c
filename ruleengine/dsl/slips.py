"""Finds the row of a table of slips that fits the text around the place where the parser stopped.

In a pattern `¦` is that place; the text before and after it is masked (see mask.py). `§name`, `§text`, `§value`,
`§finds` and `§bare` stand for what their names say. The group `at` is what the carets go under, and every group can be
named in the sentence and the hint. The first row that fits is taken, so the special stand before the general.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import NamedTuple

SYNTAX, FOREIGN, OPEN, ODD, LATER = "RE805", "RE820", "RE821", "RE822", "RE826"

Groups = Mapping[str, str]
Text = str | Callable[[Groups], str]

WINDOW = 400
"""So many characters before and after the stop are looked at."""
SHOWN = 40
"""A longer piece of the rule is cut in a sentence."""

PARTS = {
    "§name": r"(?:(?<![\w.@-])[A-Za-z_@][\w@-]*(?:\.[\w@-]+)*|`[^`\n]*`)",
    "§text": r"(?:\"\"\"·*\"\"\"|'·*'|\"·*\")",
    "§value": r"(?:\"\"\"·*\"\"\"|'·*'|\"·*\"|-?\d+(?:\.\d+)?)",
    "§finds": r"(?:contains|startswith|endswith|like|matches)",
    "§bare": r"[^\s'\"`()\[\]{},=<>!|#]+",
}


class Row(NamedTuple):
    """One slip: where it is, what is wrong, and what to write instead when that is sure."""

    pattern: str
    message: Text
    hint: Text = ""
    code: str = SYNTAX


class Slip(NamedTuple):
    """A problem inside one statement, with offsets from its beginning."""

    start: int
    end: int
    message: str
    hint: str = ""
    code: str = SYNTAX


def fitting(rows: Iterable[Row], text: str, mask: str, stop: int) -> Slip | None:
    """Return the slip of the first row that fits around the stop, or None."""
    low = max(0, stop - WINDOW)
    around = f"{'…' if low else ''}{mask[low:stop]}¦{mask[stop : stop + WINDOW]}"
    offset = low - bool(low)
    mark = stop - offset
    for row in rows:
        found = _compiled(row.pattern).search(around)
        if found is None:
            continue

        def span(name: str, found: re.Match[str] = found) -> tuple[int, int]:
            ends = found.span(name)
            start, end = (end + offset - (end > mark) for end in ends)
            return start, end

        groups = {name: text[slice(*span(name))] if found[name] else "" for name in found.groupdict()}
        start, end = span("at")
        return Slip(start, max(end, start + 1), said(row.message, groups), said(row.hint, groups), row.code)
    return None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    for name, part in PARTS.items():
        pattern = pattern.replace(name, part)
    return re.compile(pattern)


def said(text: Text, groups: Groups) -> str:
    """Return a sentence with the pieces of the rule that it names."""
    if not isinstance(text, str):
        return text(groups)
    return text.format(**{name: shown(piece) for name, piece in groups.items()}) if "{" in text else text


def shown(piece: str) -> str:
    """Return a piece of a rule as a sentence names it: its first line, and not all of a long one."""
    line = piece.split("\n", 1)[0]
    return line if len(line) <= SHOWN and line == piece else line[: SHOWN - 1] + "…"
