"""Whether a regex of LogScale is found in a text: asked of both engines, as Python patterns that spell out both."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

from ruleengine_oracles.cql.problems import Undocumented
from ruleengine_oracles.cql.regex_read import Any, Char, Choice, Node, Place, Regex, Repeat, Sequence, Set, read_regex

KNOWN_PAIRS = ("kK\u212a", "\u00df\u1e9e")
"""What /i was seen to fold in V1 beyond plain pairs such as é and É [R 2.3]."""
KNOWN_APART = ("\u017f", "\u03c2", "\u0130")
"""ſ, ς and İ were seen not to fold [R 2.3]."""
LINE_ENDS = "\r\x85\u2028\u2029"
"""What some engines take for the end of a line beside \\n."""


@dataclass(frozen=True)
class Engine:
    """How one engine reads: `pairs` sees an astral character as two; `wide` folds every pair that Unicode has."""

    pairs: bool
    no_dot: str
    wide: bool


V1 = Engine(pairs=True, no_dot="\n\r\u2028", wide=False)  # [R 2.3]
V2 = Engine(pairs=False, no_dot="\n", wide=False)  # [D L14]: any character except newline
V2_WIDE = Engine(pairs=False, no_dot="\n", wide=True)  # [?] §6: how V2 folds beyond ASCII


def found(regex: Regex, text: str) -> bool:
    """Return whether a regex is found in a text; raise Undocumented where the engines differ or may."""
    doubt(regex, text)
    truths = {compiled(regex, engine).search(halves(text) if engine.pairs else text) is not None for engine in ENGINES}
    if len(truths) == 2:
        raise Undocumented(f"/{regex.source}/ on {text!r}: the engines V1 and V2 differ, or may")
    return truths.pop()


ENGINES = (V1, V2, V2_WIDE)


def doubt(regex: Regex, text: str) -> None:
    """Raise Undocumented if a regex uses something on which the engines' view of this very text is not known."""
    if "word" in regex.uses and any(wordish(char) for char in text):
        raise Undocumented("\\w and \\b: V1 has letters beyond ASCII, V2 has not")  # [R 2.3, D L14]
    if "space" in regex.uses and "\x0b" in text:
        raise Undocumented("\\s and the vertical tab")
    if "dot" in regex.uses and "d" not in regex.flags and set(text) & set("\x85\u2029"):
        raise Undocumented(". and rare ends of lines")
    if "m" in regex.flags and regex.uses & {"^", "$"}:
        if set(text) & set(LINE_ENDS):
            raise Undocumented("flag m and ends of lines other than \\n")
        if "^" in regex.uses and text.endswith("\n"):
            raise Undocumented("flag m and ^ after the last newline")


def wordish(char: str) -> bool:
    """Return whether a character beyond ASCII may count as a letter, digit or mark in some engine."""
    return not char.isascii() and (char.isalnum() or unicodedata.category(char) in ("Mn", "Mc", "Me", "Pc"))


def halves(text: str) -> str:
    """Return a text with each astral character as two surrogates, as V1 counts them [R 2.3]."""
    return "".join(chr(half) for char in text for half in split(ord(char)))


def split(code: int) -> tuple[int, ...]:
    """Return the surrogates of an astral code point, other code points as they are."""
    if code <= 0xFFFF:
        return (code,)
    return 0xD800 + ((code - 0x10000) >> 10), 0xDC00 + ((code - 0x10000) & 0x3FF)


# --- case ----------------------------------------------------------------------------------------------------------


@cache
def folds(wide: bool) -> dict[int, frozenset[int]]:
    """Return for each code point that has partners the set of them all, itself included."""
    groups: dict[int, set[int]] = {}
    for code in range(0x1E944):
        char = chr(code)
        for partner in (char.lower(), char.upper(), *([char.casefold()] if wide else ())):
            if len(partner) == 1 and partner != char and (wide or partner.swapcase() == char):
                join(groups, code, ord(partner))
    for text in KNOWN_PAIRS:
        for one, other in pairwise(text):
            join(groups, ord(one), ord(other))
    for char in KNOWN_APART:
        for group in {id(group): group for group in groups.values()}.values():
            group.discard(ord(char))
        groups.pop(ord(char), None)
    return {code: frozenset(group) for code, group in groups.items()}


def join(groups: dict[int, set[int]], one: int, other: int) -> None:
    """Make two code points partners, and all of their partners."""
    merged = groups.get(one, {one}) | groups.get(other, {other})
    for code in merged:
        groups[code] = merged


# --- Python patterns -----------------------------------------------------------------------------------------------


@lru_cache(4096)
def compiled(regex: Regex, engine: Engine) -> re.Pattern[str]:
    """Return what an engine makes of a regex."""
    return re.compile(spelled(regex.root, regex.flags, engine))


def spelled(node: Node, flags: frozenset[str], engine: Engine) -> str:
    """Return a node as a Python pattern that needs no flags."""
    match node:
        case Char(code):
            return character(code, "i" in flags, engine)
        case Any():
            return r"[\s\S]" if "d" in flags else "[^" + "".join(written(ord(char)) for char in engine.no_dot) + "]"
        case Set():
            return members(node, "i" in flags, engine)
        case Place(kind):
            return place(kind, "m" in flags)
        case Sequence(parts):
            return "".join(spelled(part, flags, engine) for part in parts)
        case Choice(branches):
            return "(?:" + "|".join(spelled(branch, flags, engine) for branch in branches) + ")"
        case Repeat(part, least, most):
            return f"(?:{spelled(part, flags, engine)}){{{least},{'' if most is None else most}}}"


def character(code: int, fold: bool, engine: Engine) -> str:
    """Return one character; folded, with its partners."""
    partners = (
        folds(engine.wide).get(code, frozenset({code})) if fold and not (engine.pairs and code > 0xFFFF) else {code}
    )
    texts = ["".join(map(written, split(one) if engine.pairs else (one,))) for one in sorted(partners)]
    return texts[0] if len(texts) == 1 and len(partners) == 1 and code <= 0xFFFF else "(?:" + "|".join(texts) + ")"


def members(node: Set, fold: bool, engine: Engine) -> str:
    """Return a class; folded, with the partners of its members."""
    ranges = [*node.spelled, *node.named]
    if fold:
        for code, partners in folds(engine.wide).items():
            if any(low <= code <= high for low, high in node.spelled):
                ranges.extend((partner, partner) for partner in partners)
    inside = "".join(f"{written(low)}-{written(high)}" for low, high in ranges)
    return f"[{'^' if node.negated else ''}{inside}]"


def written(code: int) -> str:
    """Return a code point as an escape that is the same inside and outside of a class."""
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def place(kind: str, lines: bool) -> str:
    """Return a place. Without m, $ is the very end and not before a last newline [R 2.3]."""
    word = "[A-Za-z0-9_]"
    edge = f"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"
    return {
        "^": r"(?:\A|(?<=\n))" if lines else r"\A",
        "$": r"(?=\n|\Z)" if lines else r"\Z",
        "A": r"\A",
        "z": r"\Z",
        "b": edge,
        "B": f"(?!{edge})",
    }[kind]


def from_wildcards(pattern: str, ignore_case: bool) -> Regex:
    """Return what `wildcard()` stands for: `/\\A…\\z/`, `*` as `.*`, without d: it stops at a newline [D L8]."""
    source = ".*".join(quoted(part) for part in pattern.split("*"))
    return read_regex(rf"\A{source}\z", "i" if ignore_case else "", 0)


def quoted(text: str) -> str:
    """Return a regex that is this text."""
    return "".join(f"\\x{ord(char):02x}" if char.isascii() and not char.isalnum() else char for char in text)
