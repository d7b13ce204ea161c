"""Lays out logic as SPL: always with parentheses, on one line where it fits, and else one part a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 110
"""Characters of a line, unless a single value is longer."""

STEP = "    "


@dataclass(frozen=True, slots=True)
class Text:
    """A condition that stands as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a search: a field, as written, and its value."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """A field that has one of some values."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """Conditions joined by AND or OR."""

    word: str
    parts: tuple[Doc, ...]


@dataclass(frozen=True, slots=True)
class Opposite:
    """The negation of a condition."""

    part: Doc


Doc = Text | Term | OneOf | Joined | Opposite

VALUES = 1_000
"""Values of one IN; more of them are parted."""


def joined(word: str, parts: Sequence[Doc]) -> Doc:
    """Return conditions joined by a word; those joined by the same word already are taken up."""
    flat: list[Doc] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Joined) and part.word == word else (part,))
    return flat[0] if len(flat) == 1 else Joined(word, tuple(flat))


def opposite(part: Doc) -> Doc:
    """Return the negation of a condition."""
    return part.part if isinstance(part, Opposite) else Opposite(part)


def any_of(parts: Sequence[Doc]) -> Doc:
    """Return search terms joined by OR, those of one field as a list of values."""
    values: dict[str, list[str]] = {}
    order: dict[str | Doc, None] = {}
    for part in _alternatives(parts):
        match part:
            case Term(field, value) if value != "*":
                values.setdefault(field, []).append(value)
                order[field] = None
            case OneOf(field, several):
                values.setdefault(field, []).extend(several)
                order[field] = None
            case _:
                order[part] = None
    made: list[Doc] = []
    for each in order:
        made.extend(_listed(each, list(dict.fromkeys(values[each]))) if isinstance(each, str) else (each,))
    return joined("OR", made)


def _alternatives(parts: Sequence[Doc]) -> list[Doc]:
    flat: list[Doc] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Joined) and part.word == "OR" else (part,))
    return flat


def _listed(field: str, values: list[str]) -> list[Doc]:
    if len(values) == 1:
        return [Term(field, values[0])]
    return [OneOf(field, tuple(values[at : at + VALUES])) for at in range(0, len(values), VALUES)]


def one_line(doc: Doc) -> str:
    """Return a condition on one line."""
    match doc:
        case Text(text):
            return text
        case Term(field, value):
            return f"{field}={value}"
        case OneOf(field, values):
            return f"{field} IN ({', '.join(values)})"
        case Joined(word, parts):
            return f"({f' {word} '.join(map(one_line, parts))})"
        case Opposite(part):
            inner = one_line(part)
            return f"NOT {inner}" if isinstance(part, Joined) else f"NOT ({inner})"


def laid_out(doc: Doc, indent: str = "", before: int = 0) -> str:
    """Return a condition over as many lines as it takes; `before` characters stand on the first one already."""
    flat = one_line(doc)
    if len(indent) + before + len(flat) <= WIDTH:
        return flat
    deeper = indent + STEP
    match doc:
        case OneOf(field, values):
            return f"{field} IN (\n{_filled(values, deeper)}\n{indent})"
        case Joined(word, parts):
            lines = [laid_out(part, deeper, 0 if at == 0 else len(word) + 1) for at, part in enumerate(parts)]
            return f"(\n{deeper}" + f"\n{deeper}{word} ".join(lines) + f"\n{indent})"
        case Opposite(part) if isinstance(part, Joined):
            return f"NOT {laid_out(part, indent, before + 4)}"
        case Opposite(part):
            return f"NOT ({laid_out(part, indent, before + 5)})"
        case _:
            return flat


def _filled(values: Sequence[str], indent: str) -> str:
    """Return values with commas, as many a line as fit."""
    lines: list[str] = []
    line = indent + values[0]
    for value in values[1:]:
        if len(line) + len(value) + 2 > WIDTH:
            lines.append(line + ",")
            line = indent + value
        else:
            line += ", " + value
    return "\n".join([*lines, line])


def stage(parts: Sequence[Doc]) -> str:
    """Return conditions that must all hold, as the text of one stage of a query."""
    flat = " AND ".join(map(one_line, parts))
    if len(flat) <= WIDTH:
        return flat
    first, *rest = parts
    return "\n".join([laid_out(first), *(f"{STEP}AND {laid_out(part, STEP, 4)}" for part in rest)])
