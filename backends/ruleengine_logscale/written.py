"""The small pieces of a query: names, texts, numbers and regular expressions as LogScale reads them.

Facts are from the grammar and the pages on fields, strings and regular expressions of the LogScale manual.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from ruleengine.target import Line
from ruleengine.target.regex_text import Dialect

PLAIN_NAME = re.compile(r"[A-Za-z_#][A-Za-z0-9_.]*\Z")
"""Fewer names than may stand without quotes: those that no part of the language reads as something else."""
RESERVED = frozenset(
    "and or not in like as by case match test if else then true false null where groupby now regex select".split()
)
UNWRITABLE = re.compile(r"[\x00-\x1f\x7f*\[\]\ud800-\udfff]")
"""A name with `*` is a pattern of names, one with brackets a member of an array; what is no character has no escape."""
SAFE_TEXT = re.compile(r"[A-Za-z_#][A-Za-z0-9_ .:/@#-]*\Z")
NUMBER_WORDS = frozenset(("nan", "inf", "infinity", "true", "false", "null"))


def _code(code: int) -> str:
    """Return an unprintable character; both engines read `\\xhh` and `\\uhhhh`, and no more digits than these."""
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else chr(code)


DIALECT = Dialect(
    code=_code,
    nothing=r"[^\s\S]",
    special="\\.^$*+?{}[]|()/",
    counts_astral_as_two=True,
    unicode_words=True,
)


RAW = "@rawstring"
"""The field that holds the line as it arrived."""


# --- names and texts -----------------------------------------------------------------------------------------------


def why_no_name(field: str) -> str:
    """Return why a field of a rule cannot be named in a query; the empty text if it can."""
    if not field:
        return "a field without a name cannot be asked for"
    if field.startswith("@") and not isinstance(field, Line):
        return "fields whose names begin with `@` are LogScale's own"
    if UNWRITABLE.search(field):
        return "a field's name with `*`, brackets or control characters cannot be written"
    return ""


@lru_cache(maxsize=1 << 12)
def name(field: str) -> str:
    """Return a field's name in a filter, and where a function takes a field: quoted if it must be."""
    return field if PLAIN_NAME.match(field) and field.lower() not in RESERVED else string(field)


def is_plain(field: str) -> bool:
    """Say whether a name may stand in an expression as it is; any other one is read with `getField()`."""
    return name(field) == field and "#" not in field


def string(text: str) -> str:
    """Return a text in quotes; `\\"`, `\\\\` and `\\n` are the only escapes there are."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def is_safe_text(text: str) -> bool:
    """Say whether `field="text"` compares just these texts: it is no pattern and nothing that a number can be."""
    return SAFE_TEXT.match(text) is not None and text.lower() not in NUMBER_WORDS


# --- numbers -------------------------------------------------------------------------------------------------------

DECIMAL_GUARD = r"\A-?[0-9]+(?:\.[0-9]+)?\z"
"""What the law takes for a number in a text."""
LARGEST = 2**53
SIGNIFICANT_DIGITS = 15


def digits(value: int | Decimal) -> str:
    """Return a number without exponent and without zeros that say nothing."""
    written = format(Decimal(value), "f")
    written = written.rstrip("0").rstrip(".") if "." in written else written
    return "0" if written == "-0" else written


def is_exact_double(value: int | Decimal) -> bool:
    """Say whether a double keeps this number apart from every other number of so few digits."""
    exact = Decimal(value)
    whole = exact == exact.to_integral_value()
    return abs(exact) <= LARGEST and (whole or len(exact.normalize().as_tuple().digits) <= SIGNIFICANT_DIGITS)


def equal_number(value: int | Decimal) -> str:
    """Return the regular expression of every decimal text of this value, as `5`, `05` and `5.0`."""
    written = digits(value)
    if written == "0":
        return r"\A-?0+(?:\.0+)?\z"
    sign, plain = ("-", written[1:]) if written.startswith("-") else ("", written)
    whole, _, fraction = plain.partition(".")
    head = f"{sign}0*{whole}" if whole != "0" else f"{sign}0+"
    return rf"\A{head}\.{fraction}0*\z" if fraction else rf"\A{head}(?:\.0+)?\z"


# --- regular expressions -------------------------------------------------------------------------------------------


def regex_filter(field: str, text: str, flags: str) -> str:
    """Return the filter "this field has a part of this regular expression"; `//` would begin a comment."""
    left = field if field == RAW else name(field)
    return f"{left}=/{text}/{flags}" if text else f"{left}=*"


def flags_of(*, dotall: bool, ignore_case: bool, multiline: bool) -> str:
    """Return flags as LogScale calls them; there is no `s`, and inline flags reach too far."""
    return "d" * dotall + "m" * multiline + "i" * ignore_case
