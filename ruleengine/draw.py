"""Draws a problem as text: the place, the sentence, the line it is about, and carets under the fault."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from ruleengine.codes import Severity
from ruleengine.problem import Problem
from ruleengine.span import Place

WIDTH = 110  # cells of one excerpt; a longer line is cut around the fault
BEFORE = 40  # cells kept in front of the fault when a line is cut
TAB = 4

COLOURS: dict[str, str] = {"error": "31", "warning": "33", "notice": "36", "path": "1", "dim": "2"}

_LETTERS_THAT_JOIN = "\u200c\u200d"  # needed in Persian, Hindi and emoji; they hide nothing


def visible(text: str) -> str:
    """Return text that is safe on a terminal: control, format and bidirectional characters become escapes.

    File names, rules and events come from others; raw escape sequences or direction marks in them could
    rewrite what the reader sees.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character in _LETTERS_THAT_JOIN or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character
    number = ord(character)
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    return named or (
        f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}" if number < 65536 else f"\\U{number:08x}"
    )


def cells(text: str) -> int:
    """Return how many terminal cells a text takes: two for a wide character, none for a combining one."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def paint(text: str, style: str, colour: bool) -> str:
    """Return the text in a style of COLOURS, or as it is when colour is off."""
    return f"\x1b[{COLOURS[style]}m{text}\x1b[0m" if colour else text


def draw(found: Problem, colour: bool = False) -> str:
    """Return the lines of one problem, each ending in a newline."""
    place = found.place
    where = paint(visible(str(place)), "path", colour)
    head = f"{where} {paint(found.code, found.severity, colour)} {visible(found.message)}\n"
    hint = visible(found.hint)
    if not place.line or not place.excerpt or (not place.excerpt.strip() and place.column <= 1):
        return head + (f"  = {hint}\n" if hint else "")
    line, indent, length = excerpt(place)
    gutter = " " * (len(str(place.line)) + 1)
    bar = paint("|", "dim", colour)
    marks = paint("^" * length, found.severity, colour)
    under = f"{' ' * indent}{marks} {hint}".rstrip()
    return f"{head}{gutter}{bar}\n{paint(str(place.line), 'dim', colour)} {bar} {line}\n{gutter}{bar} {under}\n"


def excerpt(place: Place) -> tuple[str, int, int]:
    """Return the line to show, how many cells stand before the carets, and how many carets (at least one)."""
    start, end = columns(place)
    # Only a neighbourhood is looked at: a line may be megabytes long.
    first = max(0, start - WIDTH)
    shown = [" " * TAB if c == "\t" else visible(c) for c in place.excerpt[first : start + WIDTH]]
    widths = [cells(text) for text in shown]
    start, end = start - first, end - first
    cut_left, cut_right = first > 0, len(place.excerpt) > first + len(shown)
    low, high = 0, len(shown)
    if cut_left or cut_right or sum(widths) > WIDTH:
        while low < start and sum(widths[low:start]) > BEFORE:
            low += 1
        high = start
        while high < len(shown) and sum(widths[low : high + 1]) <= WIDTH:
            high += 1
        cut_left, cut_right = cut_left or low > 0, cut_right or high < len(shown)
    line = ("…" if cut_left else "") + "".join(shown[low:high]) + ("…" if cut_right else "")
    return line.rstrip(), cut_left + sum(widths[low:start]), max(1, sum(widths[start : min(end, high)]))


def columns(place: Place) -> tuple[int, int]:
    """Return the stretch of the excerpt to underline, counted from 0; without a column it is the whole row."""
    text = place.excerpt
    if not place.column:
        return len(text) - len(text.lstrip()), len(text.rstrip())
    start = min(place.column - 1, len(text))
    one_row = place.end_line in (0, place.line)
    end = place.end_column - 1 if one_row and place.end_column else start + 1 if one_row else len(text.rstrip())
    return start, max(start, min(end, len(text)))


def counted(number: int, word: str) -> str:
    """Return a number with its word, as `1 event` or `2,500 matches`."""
    plural = word.removesuffix("y") + "ies" if word.endswith("ry") else word + ("es" if word.endswith("ch") else "s")
    plural = word if number == 1 else plural
    return f"{number:,} {plural}"


def summary(problems: Iterable[Problem], colour: bool = False) -> str:
    """Return one line that counts problems by severity, such as `2 errors, 1 warning`."""
    counts: dict[Severity, int] = {"error": 0, "warning": 0, "notice": 0}
    for found in problems:
        counts[found.severity] += 1
    parts = [paint(f"{n} {name}{'s' * (n != 1)}", name, colour) for name, n in counts.items() if n]
    return ", ".join(parts) or "no problems"
