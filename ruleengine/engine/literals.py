"""Rare literals: which part of what a rule looks for is worth looking for in the raw text of a line of events.

A literal is some text that must stand in the line of any event for which a leaf is true. It is written as JSON writes
it, a character for each byte: `\\` and `"` behind a `\\`, and a `"` before or behind what begins or ends a value. JSON
may write a character in other ways, too (`\\u0041`, `\\/`); the automaton reports such lines, and they are written anew
before they are looked through. Numbers, booleans and NaN have texts that need not be what the line says, so no literal
may be a part of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files

from ruleengine.ir import Pattern, Wild
from ruleengine.regex_parse import Alternatives, Anchor, Chars, Concat, Repeat, Tree
from ruleengine.values import fold, same_fold

SHORTEST = 3
"""Bytes of the shortest literal; signs that are no letters are rare enough to be one fewer."""

LONGEST = 200
"""Bytes of the longest literal: more would say nothing more."""

ASCII = re.compile(r"[ -~]+")
TYPED = re.compile(r"[\x00-\x7f]+")
PLAIN = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]+")
NUMERIC = re.compile(r"[-+.0-9e]*\Z")
WORDS = ("true", "false", "nan", "-inf")
"""Texts of values that are no strings, beside numbers."""

NOISY = 8.0
"""A set of literals that is expected to stand in a line more often than so is not looked for."""

EXPECTED = {3: 1.5, 4: 0.6, 5: 0.05, 6: 0.02, 7: 0.01, 8: 0.005, 9: 0.002, 10: 0.001}
"""How often a literal of this length is expected in a line; a guess, which costs time and not truth if it is wrong."""

LONG = 0.0005

Literals = frozenset[str]
"""Literals of which one must be there: folded, as JSON writes them, and as bytes."""

OPENING = 3
"""Bytes by which a character outside ASCII is looked for: many that are alike begin with the same."""


def escaped(text: str) -> str:
    """Return a text as JSON writes it inside a string, but for control characters."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def spelled(text: str, *, first: bool = False, last: bool = False) -> list[Literals]:
    """Return what may be looked for where a text must be part of a value: for each piece the ways it may be written.

    `first` says that the value begins with the text, `last` that it ends with it.
    """
    folded = fold(text)
    # Dashes have many forms, and the text around them but one.
    for pieces in (ASCII, PLAIN):
        out = _pieces(folded, pieces, first, last)
        if folded.isascii() or any(noise_of(one) < 1 for one in out):
            break
    return out


def _pieces(folded: str, pieces: re.Pattern[str], first: bool, last: bool) -> list[Literals]:
    out = []
    for found in pieces.finditer(folded):
        piece = found[0]
        if NUMERIC.match(piece) or any(piece in word for word in WORDS):
            continue
        if piece.isascii():
            before = '"' if first and found.start() == 0 else ""
            behind = '"' if last and found.end() == len(folded) else ""
            written = f"{before}{escaped(piece)}{behind}"
            signs = " " not in written and not any(map(str.isalnum, written))
            if len(written) >= SHORTEST - signs:
                out.append(frozenset((written[:LONGEST],)))
        else:
            out += [_opening(character) for character in piece if not character.isascii()]
    return out


@cache
def _opening(character: str) -> Literals:
    """Return how the forms of a character outside ASCII begin in UTF-8."""
    return frozenset(form.encode()[:OPENING].decode("latin-1") for form in same_fold(character))


@cache
def noise(literal: str) -> float:
    """Return how often a literal is expected in one line of ordinary events."""
    core = literal[literal.startswith('"') : len(literal) - literal.endswith('"')]
    ordinary = _ordinary()
    times, place = 0, ordinary.find(core)
    while place >= 0:
        end = place + len(core)
        times += not (
            (literal.startswith('"') and _in_word(ordinary[place - 1 : place]))
            or (literal.endswith('"') and _in_word(ordinary[end : end + 1]))
        )
        place = ordinary.find(core, end)
    rare = LONG if not core.isascii() else EXPECTED.get(len(literal), LONG)
    return 0.5 * times + rare


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def noise_of(literals: Literals) -> float:
    """Return how often some literal of a set is expected in one line."""
    return sum(map(noise, literals))


@cache
def _ordinary() -> str:
    return escaped(fold((files("ruleengine") / "data" / "ordinary.txt").read_text("utf-8")))


def quietest(sets: list[Literals]) -> Literals | None:
    """Return that of some sets, each of which must be satisfied, which is expected least; None if all are noisy."""
    best = min(sets, key=lambda one: (noise_of(one), sorted(one)), default=None)
    return best if best is not None and noise_of(best) <= NOISY else None


def either(sets: list[Literals | None]) -> Literals | None:
    """Return the set of which one must be there when one of these is; None if that is too noisy."""
    if not all(sets):
        return None
    union = frozenset[str]().union(*(one for one in sets if one))
    return union if noise_of(union) <= NOISY else None


def of_value(text: str) -> Literals | None:
    """Return a set of literals of which one stands where a value has this text; None if none is worth it."""
    return quietest(spelled(text, first=True, last=True))


def of_pattern(pattern: Pattern) -> Literals | None:
    """Return a set of literals of which one stands in any text of this pattern; None if none is worth it."""
    final = len(pattern) - 1
    return quietest(
        [
            one
            for place, part in enumerate(pattern)
            if not isinstance(part, Wild)
            for one in spelled(part, first=place == 0, last=place == final)
        ]
    )


def of_regex(tree: Tree) -> Literals | None:
    """Return a set of literals of which one stands in any text that a regular expression finds something in."""
    return quietest(_of_tree(tree, spelled, _quiet_either))


def inside_regex(tree: Tree) -> list[Literals]:
    """Return sets of folded ASCII texts: of each one is part of any folded text that an expression finds something in.

    Other characters may be read from halves of surrogate pairs.
    """
    return sorted(_of_tree(tree, lambda run: [frozenset((found,)) for found in TYPED.findall(run)], _either), key=len)


Spell = Callable[[str], list[Literals]]
Join = Callable[[list[list[Literals]]], list[Literals]]


def _of_tree(tree: Tree, spell: Spell, join: Join) -> list[Literals]:
    """Return sets each of which must be satisfied: from runs of single characters, and from what stands between."""
    runs, sets = [""], list[Literals]()
    for part in tree.parts if isinstance(tree, Concat) else (tree,):
        character = _one_character(part)
        if character is not None:
            runs[-1] += character
        elif not isinstance(part, Anchor):
            runs.append("")
            match part:
                case Concat():
                    sets += _of_tree(part, spell, join)
                case Repeat(inner, least, _) if least >= 1:
                    sets += _of_tree(inner, spell, join)
                case Alternatives(branches):
                    sets += join([_of_tree(branch, spell, join) for branch in branches])
    return sets + [one for run in runs for one in spell(run)]


def _quiet_either(branches: list[list[Literals]]) -> list[Literals]:
    union = either([quietest(sets) for sets in branches])
    return [union] if union else []


def _either(branches: list[list[Literals]]) -> list[Literals]:
    """Return the set of the longest texts of some branches; none when a branch has none."""
    if not all(branches):
        return []
    return [frozenset[str]().union(*(max(sets, key=lambda one: min(map(len, one))) for sets in branches))]


def _one_character(tree: Tree) -> str | None:
    """Return the folded character that a part of an expression stands for, if it is one, case aside."""
    match tree:
        case Chars(((low, high),)) if low == high:
            return fold(chr(low))
        case Chars(ranges) if sum(high - low + 1 for low, high in ranges) <= 4:
            folded = {fold(chr(code)) for low, high in ranges for code in range(low, high + 1)}
            return folded.pop() if len(folded) == 1 else None
        case _:
            return None
