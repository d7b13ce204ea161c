"""The letters that a SIEM folds otherwise than the law does.

The law folds a character to its lower case if that is one character that rises back. PCRE and LogScale fold as Unicode
does (some of them, in some versions): the Kelvin sign is a `k`, the long s an `s`, final and medial sigma are one.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from ruleengine.values import same_fold

ASCII_WITH_TWINS = frozenset("kKsS")
CASED_TOP = 0x1E944
"""Above this code point no character has a case (Unicode 15)."""


@cache
def _unicode_orbits() -> dict[str, str]:
    """Return, for each character with a case, every character that Unicode may fold to the same."""
    orbits: dict[str, set[str]] = {}
    for code in range(CASED_TOP):
        character = chr(code)
        for target in {character.lower(), character.casefold()}:
            if len(target) == 1 and target != character:
                orbits.setdefault(target, {target}).add(character)
    merged: dict[str, set[str]] = {}
    for orbit in orbits.values():
        whole = set(orbit).union(*(merged.get(one, set()) for one in orbit))
        for one in whole:
            merged[one] = whole
    return {one: "".join(sorted(orbit)) for one, orbit in merged.items()}


@cache
def odd(character: str) -> str:
    """Return the characters that some SIEM takes for this one, ignoring case, and the law does not."""
    if character.isascii():
        return {"k": "\u212a", "s": "\u017f"}.get(character.lower(), "")
    ours = set(same_fold(character))
    return "".join(one for one in _unicode_orbits().get(character, "") if one not in ours)


@cache
def oddities() -> frozenset[str]:
    """Return the characters that equal only themselves by the law, and others in some SIEM, as `ſ`, `ς` and `ß`."""
    return frozenset(one for one in _unicode_orbits() if not one.isascii() and len(same_fold(one)) == 1)


def oddness(text: str) -> Literal["", "event", "rule"]:
    """Say whether ignoring the case of this text means something else in some SIEM, and what it hangs on.

    `event`: it is the same as long as the event holds none of the `oddities`. `rule`: the text itself holds one, so
    that a SIEM may find a plain letter which the law tells apart.
    """
    if text.isascii():  # nearly all are, and then only these have odd twins
        return "" if ASCII_WITH_TWINS.isdisjoint(text) else "event"
    if not oddities().isdisjoint(text):
        return "rule"
    return "event" if any(odd(character) for character in set(text)) else ""


def spelled(character: str) -> str:
    """Return the characters that equal this one, ignoring case, by the law: itself alone, or it and others."""
    return "".join(sorted(set(same_fold(character))))
