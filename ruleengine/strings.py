"""Sigma's strings: wildcards, escapes and placeholders read into patterns, and patterns spelled out."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product

from ruleengine.ir import Pattern, Wild

DASHES = "-/–—―"
SPECIAL = re.compile(r"\\[\\*?]|[*?]")
SPECIAL_EXPAND = re.compile(r"\\[\\*?%]|[*?]|%(?P<name>[^%\s]+)%")


class Placeholder(str):
    """The name of a placeholder, between the literal parts of a pattern that still waits for its values."""

    __slots__ = ()


@lru_cache(maxsize=1 << 16)
def pattern(written: str) -> Pattern:
    """Return the pattern of a Sigma string: `*`, `?` are wildcards, `\\*`, `\\?`, `\\\\` escapes."""
    if "*" not in written and "?" not in written and "\\\\" not in written:
        return (written,) if written else ()
    return joined(_parts(written, SPECIAL))


def with_placeholders(written: str) -> Pattern:
    """Return the pattern of a string under `expand`: also `%name%` is a Placeholder, and `\\%` is a percent sign."""
    return joined(_parts(written, SPECIAL_EXPAND))


def _parts(written: str, special: re.Pattern[str]) -> Iterator[str | Wild]:
    position = 0
    for found in special.finditer(written):
        yield written[position : found.start()]
        position = found.end()
        token = found[0]
        if token in "*?":
            yield Wild(token)
        else:
            yield token[1:] if token[0] == "\\" else Placeholder(token[1:-1])
    yield written[position:]


def joined(parts: Iterator[str | Wild] | Sequence[str | Wild]) -> Pattern:
    """Return parts as a pattern: neighbouring literals made one, `**` made `*`, nothing empty."""
    out: list[str | Wild] = []
    for part in parts:
        if part == "" or (part is Wild.MANY and out and out[-1] is Wild.MANY):
            continue
        last = out[-1] if out else None
        if type(part) is str and type(last) is str:
            out[-1] = last + part
        else:
            out.append(part)
    return tuple(out)


def literal(parts: Pattern) -> str | None:
    """Return the text of a pattern without wildcards; None if it has some."""
    if not parts:
        return ""
    return parts[0] if len(parts) == 1 and isinstance(parts[0], str) else None


def placed(parts: Pattern, matchers: Sequence[str]) -> Pattern:
    """Return a pattern that may stand in the middle, at the start, or at the end of a longer text."""
    before = (Wild.MANY,) if "contains" in matchers or "endswith" in matchers else ()
    after = (Wild.MANY,) if "contains" in matchers or "startswith" in matchers else ()
    if len(parts) == 1 and isinstance(parts[0], str):
        return (*before, parts[0], *after)
    return joined((*before, *parts, *after)) if before or after else parts


def dash_places(parts: Pattern) -> list[tuple[int, int]]:
    """Return where (part, offset) a `-` or `/` begins a word: no word character before it, one after it."""
    return [
        (index, at)
        for index, part in enumerate(parts)
        if isinstance(part, str)
        for at, character in enumerate(part[:-1])
        if character in "-/" and _is_word(part[at + 1]) and not (at and _is_word(part[at - 1]))
    ]


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def dashed(parts: Pattern) -> Iterator[Pattern]:
    """Yield the pattern with every dash that begins a word written in each of the five ways."""
    places = dash_places(parts)
    for choice in product(DASHES, repeat=len(places)):
        changed = [list(part) if isinstance(part, str) else part for part in parts]
        for (index, at), dash in zip(places, choice, strict=True):
            characters = changed[index]
            if isinstance(characters, list):
                characters[at] = dash
        yield tuple("".join(part) if isinstance(part, list) else part for part in changed)


def base64_forms(data: bytes, *, offset: bool) -> Iterator[str]:
    """Yield the Base64 of some bytes; with `offset`, the part that is the same wherever they stand in a longer text."""
    if not offset:
        yield base64.b64encode(data).decode()
        return
    for shift, head in enumerate((0, 2, 3)):
        encoded = base64.b64encode(b"\0" * shift + data).decode()
        cut = (0, 3, 2)[(len(data) + shift) % 3]  # the end that the bytes after it would change
        yield encoded[head : len(encoded) - cut]
