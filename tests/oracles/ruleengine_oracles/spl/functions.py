"""The functions of `where` and `eval` that take values and give one (manual "Evaluation functions", siem-semantics S3).

NULL in gives NULL out [K] unless a function says otherwise. A multivalue field where one value belongs is
Undocumented. The functions that look at their arguments one after the other are in evaluate.py.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network

from ruleengine_oracles.spl import number
from ruleengine_oracles.spl.network import lies_in
from ruleengine_oracles.spl.pcre import compiled
from ruleengine_oracles.spl.problem import Undecided, Undocumented
from ruleengine_oracles.spl.row import Scalar, Value, packed, text, texts

Result = Value | bool


@dataclass(frozen=True)
class Signature:
    """How a function is called."""

    first: str
    """The kinds of the arguments, one letter each: b condition, v value, e either, f field, r regex, n network, l
    pattern of `like`, g replacement; `?` makes the one before optional, `*` takes it any number of times."""
    condition: bool = False
    """Whether the result is true or false."""

    def kinds(self, count: int) -> str | None:
        """Return the kinds of so many arguments, or None if there cannot be so many."""
        if self.first.endswith("*"):
            start, again = self.first[:-2], self.first[-2]
            return start + again * (count - len(start)) if count > len(start) else None
        if self.first == "case":
            return "be" * (count // 2) if count and count % 2 == 0 else None
        every = self.first.replace("?", "")
        return every[:count] if len(every) - self.first.count("?") <= count <= len(every) else None


SIGNATURES = {
    "if": Signature("bee"),
    "case": Signature("case"),
    "coalesce": Signature("v*"),
    "isnull": Signature("v", condition=True),
    "isnotnull": Signature("v", condition=True),
    "match": Signature("vr", condition=True),
    "like": Signature("vl", condition=True),
    "in": Signature("vv*", condition=True),
    "cidrmatch": Signature("nv", condition=True),
    "true": Signature("", condition=True),
    "false": Signature("", condition=True),
    "null": Signature(""),
    "tonumber": Signature("v"),
    "tostring": Signature("v"),
    "lower": Signature("v"),
    "upper": Signature("v"),
    "len": Signature("v"),
    "substr": Signature("vvv?"),
    "replace": Signature("vrg"),
    "trim": Signature("v"),
    "floor": Signature("v"),
    "ceiling": Signature("v"),
    "ceil": Signature("v"),
    "mvfind": Signature("vr"),
    "mvcount": Signature("v"),
    "mvindex": Signature("vvv?"),
    "mvmap": Signature("fv"),
    "mvfilter": Signature("b"),
}

ZONE = "depends on the user's time zone"
REFUSED = {
    "strftime": f"strftime() {ZONE}",
    "strptime": f"strptime() {ZONE}",
    "relative_time": f"relative_time() {ZONE}",
    "searchmatch": "searchmatch() is a search within an expression",
}
"""Functions that exist and are refused for a reason."""


def one(value: Value) -> Scalar | None:
    """Return the only value of an argument, or None for NULL."""
    if isinstance(value, list):
        raise Undocumented("no manual says what this function or operator does with a multivalue field")
    return value


def numeric(value: Scalar) -> float:
    """Return the number of an argument that has to be one."""
    found = number.number(value) if isinstance(value, str) else value
    if found is None:
        raise Undocumented(f"no manual says what arithmetic does with {value!r}")
    return found


def whole(value: Scalar) -> int:
    """Return the integer of an argument that has to be one."""
    found = numeric(value)
    if not found.is_integer():
        raise Undocumented(f"{found} where an integer belongs")
    return int(found)


def regex_matches(subject: Scalar, pattern: Scalar) -> bool:
    """Some part of the text matches [D S3]; case counts [D S4/S8]."""
    return bool(compiled(text(pattern)).search(text(subject)))


def like(subject: Scalar, pattern: Scalar) -> bool:
    """`%` stands for any text, `_` for one character, case counts [K]; whether across lines is undocumented."""
    spelled = "".join({"%": ".*", "_": "."}.get(char, re.escape(char)) for char in text(pattern))
    within, across = (bool(re.fullmatch(spelled, text(subject), flags)) for flags in (re.NOFLAG, re.DOTALL))
    if within is not across:
        raise Undecided("no manual says whether like() goes across lines")
    return across


def cidrmatch(wanted: Scalar, subject: Scalar) -> bool:
    return lies_in(text(subject), ip_network(text(wanted)))


def tonumber(value: Scalar) -> float | None:
    """A text that spells no number gives NULL [manual of `tonumber`]."""
    return number.number(value) if isinstance(value, str) else value


def in_case(value: Scalar, changed: Callable[[str], str]) -> str:
    """Change the case of ASCII letters; no manual says what happens to others."""
    result = changed(text(value))
    if any(not char.isascii() and changed(char) != char for char in text(value)):
        raise Undocumented("no manual says whether letters beyond ASCII change case")
    return result


def substr(subject: Scalar, start: Scalar, length: Scalar | None = None) -> str:
    """Characters count from 1, or from the end if negative [D]; starts outside the text are undocumented."""
    string, at = text(subject), whole(start)
    at = at + len(string) if at < 0 else at - 1
    count = len(string) if length is None else whole(length)
    if not 0 <= at < len(string) or count < 1:
        raise Undocumented("no manual says what substr() gives outside the text, or for no length")
    return string[at : at + count]


def is_replacement(replacement: str) -> bool:
    """Return whether every backslash of a replacement names a group."""
    return "\\" not in re.sub(r"\\[1-9](?![0-9])", "", replacement)


def replaced(subject: Scalar, pattern: Scalar, replacement: Scalar) -> str:
    """Every match is replaced, `\\1` stands for the first group [D S3]; matches of nothing are undocumented."""
    regex = compiled(text(pattern))
    groups = {int(digit) for digit in re.findall(r"\\([1-9])", text(replacement))}
    if max(groups, default=0) > regex.groups:
        raise Undocumented("the replacement names a group that the pattern has not")

    def spelled(found: re.Match[str]) -> str:
        if not found[0] or any(found[group] is None for group in groups):
            raise Undocumented("no manual says how an empty match or an unset group is replaced")
        return re.sub(r"\\([1-9])", lambda digit: found[int(digit[1])], text(replacement))

    return regex.sub(spelled, text(subject))


SIMPLE: dict[str, Callable[..., Result]] = {
    "match": regex_matches,
    "like": like,
    "cidrmatch": cidrmatch,
    "tonumber": tonumber,
    "tostring": text,
    "lower": lambda value: in_case(value, str.lower),
    "upper": lambda value: in_case(value, str.upper),
    "len": lambda value: float(len(text(value))),
    "substr": substr,
    "replace": replaced,
    "trim": lambda value: text(value).strip(" \t"),
    "floor": lambda value: float(math.floor(numeric(value))),
    "ceiling": lambda value: float(math.ceil(numeric(value))),
    "ceil": lambda value: float(math.ceil(numeric(value))),
    "true": lambda: True,
    "false": lambda: False,
    "null": lambda: None,
}
"""Functions of single values; each gives NULL if an argument is NULL."""


def simple(name: str, arguments: list[Value]) -> Result:
    """Return the result of a function of single values."""
    given = [one(argument) for argument in arguments]
    if any(argument is None for argument in given):
        if name == "tostring":
            raise Undocumented("no manual of SPL says what tostring() makes of NULL")
        return None
    return SIMPLE[name](*given)


# --- multivalue functions ---------------------------------------------------------------------------------------------


def mvfind(value: Value, pattern: Value) -> float | None:
    """The index of the first value of which some part matches, or NULL [D manual of `mvfind`]."""
    regex = compiled(text(one(pattern) or ""))
    return next((float(index) for index, item in enumerate(texts(value)) if regex.search(item)), None)


def mvcount(value: Value) -> float | None:
    """How many values there are: 1 for a single one, NULL for none [D manual of `mvcount`]."""
    return float(len(texts(value))) or None


def from_start(index: int, count: int) -> int:
    """Return an index counted from the start: -1 is the last."""
    return index + count if index < 0 else index


def mvindex(value: Value, start: Value, end: Value = None) -> Value:
    """The values from one index to another, counted from 0 or from the end; NULL outside [D manual of `mvindex`]."""
    held, first, last = texts(value), one(start), one(end)
    if first is None:
        raise Undocumented("no manual says what mvindex() gives without an index")
    if not held:
        return None
    low = from_start(whole(first), len(held))
    if last is None:
        return held[low] if 0 <= low < len(held) else None
    high = from_start(whole(last), len(held))
    if not 0 <= low <= high < len(held):
        raise Undocumented("no manual says what mvindex() gives for indexes partly outside")
    return packed(held[low : high + 1])


MULTIVALUE: dict[str, Callable[..., Result]] = {
    "mvfind": mvfind,
    "mvcount": mvcount,
    "mvindex": mvindex,
    "isnull": lambda value: value is None,
    "isnotnull": lambda value: value is not None,
}
"""Functions that take fields of any number of values; an empty text is not NULL [K]."""
