"""Texts that satisfy several patterns at once: what they want at the ends, and in between, laid side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ruleengine.ir import Pattern, Wild
from ruleengine.values import fold

OVERLAP = 200
"""How many characters of two texts may be laid over each other."""


class Wanted(NamedTuple):
    """A pattern that a text must be of."""

    pattern: Pattern
    cased: bool


class Style(NamedTuple):
    """What stands where a pattern leaves it open: `?`, `*` inside, before all, after all, between patterns."""

    one: str = "x"
    inside: str = ""
    before: str = ""
    after: str = ""
    between: str = ""
    overlap: bool = True
    backwards: bool = False


STYLES = (
    Style(inside="x", between=" "),
    Style(),
    Style(inside="x", between=" ", before="C:"),
    Style(inside="x", between=" ", before="x", after="x"),
    Style(one="1", inside="1", between="1", before="1", after="1"),
    Style(overlap=False),
    Style(overlap=False, backwards=True),
    Style(backwards=True, between=" "),
    Style(one="a", inside="ab", between="ab"),
    Style(one=" ", inside=" ", before=" ", after=" ", between=" ", overlap=False),
    Style(one="-", inside="-", before="-", after="-", between="-", overlap=False),
    Style(one="Q", inside="\\", before="D:\\Data\\", between="\\"),
    Style(one="9", inside="/", before="/srv/", after="/z", between="/"),
    Style(one="z", inside="zz9", before="zz9", after="zz9", between="zz9", overlap=False, backwards=True),
    Style(one=".", inside=".", before=".", after=".", between=".", overlap=False),
    Style(one="\n", inside="\n", before="\n", after="\n", between="\n", overlap=False),
    Style(one="é", inside="é" * 40, before="é" * 40, after="é" * 40, between="é" * 40, overlap=False),
)


@dataclass(frozen=True, slots=True)
class _Cut:
    """A pattern at its `*`: literal pieces, and whether the first and the last are held to the ends."""

    pieces: tuple[str, ...]
    starts: bool
    ends: bool
    cased: bool


def texts(wanted: Sequence[Wanted]) -> Iterator[str]:
    """Yield texts, plausible ones first, that may be of all the patterns; whoever uses one must check it."""
    for style in STYLES:
        yield _laid([_cut(one, style.one) for one in wanted], style)


def _cut(wanted: Wanted, one: str) -> _Cut:
    pieces = [""]
    for part in wanted.pattern:
        match part:
            case Wild.MANY:
                pieces.append("")
            case Wild.ONE:
                pieces[-1] += one
            case _:
                pieces[-1] += part
    starts, ends = pieces[0] != "" or len(pieces) == 1, pieces[-1] != "" or len(pieces) == 1
    return _Cut(tuple(piece for piece in pieces if piece), starts, ends, wanted.cased)


def _laid(cuts: list[_Cut], style: Style) -> str:
    """Lay the pieces of all patterns into one text, in their order, each over what is there already where it can be."""
    whole = next((cut for cut in cuts if cut.starts and cut.ends and len(cut.pieces) < 2), None)
    if whole:
        return "".join(whole.pieces)
    cuts = _needed(cuts)
    if style.backwards:
        cuts.reverse()
    cuts.sort(key=lambda cut: not cut.starts)  # whatever is held to the start comes first
    head = max((cut.pieces[0] for cut in cuts if cut.starts), key=len, default="")
    body = head
    filled = 0  # where the last piece that must precede the tail ends
    for cut in cuts:
        body, position = _with_middle(body, cut, style)
        filled = max(filled, position if cut.ends else 0)
    last = max((cut for cut in cuts if cut.ends), key=lambda cut: len(cut.pieces[-1]), default=None)
    if last:
        body = _joined(body, last.pieces[-1], filled, style.inside if filled else style.between, last.cased, style)
    else:
        body += style.after
    if head:
        return body
    drive = "C:" if style is STYLES[0] and body.startswith("\\") and not body.startswith("\\\\") else ""
    return (style.before or drive) + body


def _with_middle(body: str, cut: _Cut, style: Style) -> tuple[str, int]:
    """Return a text with the pieces of a pattern that are held to neither end, and where the last of them ends."""
    position = len(cut.pieces[0]) if cut.starts else 0
    for index, piece in enumerate(cut.pieces[cut.starts : len(cut.pieces) - cut.ends]):
        found = _find(body, piece, position, cut.cased)
        if found < 0:
            gap = style.inside if index or cut.starts else style.between
            body = _joined(body, piece, position, gap, cut.cased, style)
            found = len(body) - len(piece)
        position = found + len(piece)
    return body, position


def _needed(cuts: list[_Cut]) -> list[_Cut]:
    """Leave out each pattern that only wants a text which another one wants as part of a longer text."""
    kept: list[_Cut] = []
    for index, cut in enumerate(cuts):
        small = fold(cut.pieces[0]) if len(cut.pieces) == 1 and not (cut.starts or cut.ends or cut.cased) else ""
        others = (piece for other in (*kept, *cuts[index + 1 :]) for piece in other.pieces)
        if cut.pieces and not (small and any(small in fold(piece) for piece in others)):
            kept.append(cut)
    return kept


def _find(body: str, piece: str, position: int, cased: bool) -> int:
    return body.find(piece, position) if cased else fold(body).find(fold(piece), position)


def _joined(body: str, piece: str, position: int, gap: str, cased: bool, style: Style) -> str:
    """Add a piece to a text, over its end where they agree, but never before the position."""
    if style.overlap:
        for size in range(min(len(body) - position, len(piece), OVERLAP), 0, -1):
            end, start = body[-size:], piece[:size]
            if end == start or (not cased and fold(end) == fold(start)):
                return body + piece[size:]
    if not body:
        return piece
    if gap == " " and (body[-1:].isspace() or piece[:1].isspace() or body[-1:] in "\\/" or piece[:1] in "\\/"):
        gap = ""
    return body + gap + piece
