"""Which texts are numbers. The manuals promise it of plain decimals only; other spellings are refused, not guessed."""

from __future__ import annotations

import re
from math import isfinite

from ruleengine_oracles.spl.problem import Undocumented

PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
ODD = re.compile(
    r"[+-]?(?:0x[0-9a-f]+(?:\.[0-9a-f]*)?(?:p[+-]?[0-9]+)?|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?"
    r"|inf(?:inity)?|nan(?:\([0-9a-z]*\))?|[0-9]+(?:[_,][0-9]+)+)",
    re.ASCII | re.IGNORECASE,
)
"""Hexadecimal, exponents, signs, bare points, grouped digits: some parser takes each, no manual says Splunk's does."""


def number(text: str) -> float | None:
    """Return the number a text spells, or None if it spells none; raise Undocumented for odd spellings.

    Numbers are double-precision floats (manual of `eval`, numeric calculations): integers above 2^53 are rounded here
    as they are there. A text with a leading or trailing space is no number (manual of `tonumber`).
    """
    if PLAIN.fullmatch(text):
        value = float(text)
        if not isfinite(value):
            raise Undocumented(f"{text[:20]}… is beyond double precision")
        return value
    if ODD.fullmatch(text):
        raise Undocumented(f"no manual says whether {text!r} is a number")
    return None


def compared(text: str) -> float | None:
    """Return the number a text spells for a comparison, where the manuals say nothing of spaces around it."""
    inner = text.strip()
    if inner != text and (PLAIN.fullmatch(inner) or ODD.fullmatch(inner)):
        raise Undocumented(f"no manual says whether {text!r} is compared as a number")
    return number(text)


def written(value: float) -> str:
    """Return the text of a computed number; how many digits a fraction gets is undocumented."""
    if value.is_integer() and abs(value) <= 2**53:
        return str(int(value))
    raise Undocumented(f"no manual says how the computed number {value!r} is written")
