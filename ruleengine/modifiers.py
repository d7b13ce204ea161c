"""Sigma's value modifiers as a table, and what may stand together in one chain."""

from __future__ import annotations

from typing import NamedTuple

from ruleengine.suggest import nearest

MODIFIERS: dict[str, str] = {
    "contains": "the value stands somewhere in the field",
    "startswith": "the field begins with the value",
    "endswith": "the field ends with the value",
    "all": "every value of the list must be found, not just one",
    "cased": "upper and lower case count",
    "neq": "the field has none of these values",
    "exists": "the field has a value (true) or has none (false)",
    "re": "a portable regular expression, found anywhere in the field; case counts unless `i` follows",
    "i": "after `re`: case does not count",
    "m": "after `re`: `^` and `$` also stand at line ends",
    "s": "after `re`: `.` is also a line end",
    "cidr": "the field is an address in this IPv4 or IPv6 network",
    "fieldref": "the value is the name of another field to compare with",
    "expand": "`%name%` stands for the values that the configuration gives to it",
    "windash": "each `-` or `/` that begins a word may be any of - / – — ―",
    "base64": "the value, encoded in Base64",
    "base64offset": "the value inside Base64 text, at any of the three alignments",
    "utf16": "encoded as UTF-16 with a byte order mark (before base64)",
    "utf16le": "encoded as UTF-16, little endian (before base64)",
    "utf16be": "encoded as UTF-16, big endian (before base64)",
    "wide": "the same as `utf16le`",
    "lt": "the field is a number below the value",
    "lte": "the field is a number not above the value",
    "gt": "the field is a number above the value",
    "gte": "the field is a number not below the value",
    "minute": "the minute (0-59) of the time in the field, in UTC",
    "hour": "the hour (0-23) of the time in the field, in UTC",
    "day": "the day of the month of the time in the field, in UTC",
    "week": "the ISO 8601 week of the time in the field, in UTC",
    "month": "the month (1-12) of the time in the field, in UTC",
    "year": "the year of the time in the field, in UTC",
}

MATCHERS = frozenset({"contains", "startswith", "endswith"})
UTF16 = {"utf16": "utf-16", "utf16le": "utf-16-le", "utf16be": "utf-16-be", "wide": "utf-16-le"}
BASE64 = frozenset({"base64", "base64offset"})
COMPARISONS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
TIME_PARTS = {"minute": (0, 59), "hour": (0, 23), "day": (1, 31), "week": (1, 53), "month": (1, 12), "year": (1, 9999)}
REGEX_FLAGS = frozenset("ims")

TEXT = frozenset({*MATCHERS, "all", "cased", "neq", "expand", "windash", *UTF16, *BASE64})
TOGETHER: dict[str, frozenset[str]] = {
    "re": frozenset({*REGEX_FLAGS, "all", "neq"}),
    "cidr": frozenset({"all", "neq", "expand"}),
    "exists": frozenset(),
    "fieldref": frozenset({*MATCHERS, "all", "cased", "neq"}),
    **dict.fromkeys(COMPARISONS, frozenset({"all", *TIME_PARTS})),
    **dict.fromkeys(TIME_PARTS, frozenset({"all", "neq", *COMPARISONS})),
}
"""What may stand beside each modifier that changes what a value is; without one, the value is text."""

KEYWORD = frozenset({"all", "contains", "cased", "expand", "windash", "re", *REGEX_FLAGS, *UTF16, *BASE64})

ALIASES = {
    "ignorecase": "i",
    "multiline": "m",
    "dotall": "s",
    "equals": "",
    "regex": "re",
    "regexp": "re",
    "wildcard": "",
    "icontains": "contains",
    "not": "neq",
    "ne": "neq",
    "begins": "startswith",
    "beginswith": "startswith",
    "ge": "gte",
    "le": "lte",
    "in": "",
    "ip": "cidr",
    "subnet": "cidr",
    "sub": "contains",
    "any": "",
    "or": "",
}
"""What people write for a modifier that has another name; the empty string: it needs no modifier."""


class Fault(NamedTuple):
    """What is wrong with a chain: a code, the number of the modifier it is about, a sentence, a hint."""

    code: str
    at: int
    message: str
    hint: str = ""


def faults(field: str | None, chain: tuple[str, ...]) -> list[Fault]:
    """Return what is wrong with a chain of modifiers on a field (None: keywords); an empty list when nothing is."""
    unknown = [_unknown(field, chain, index) for index, name in enumerate(chain) if name not in MODIFIERS]
    if unknown or not chain:
        return unknown
    if field is None and (odd := next((name for name in chain if name not in KEYWORD), None)):
        return [Fault("RE203", chain.index(odd), f"`{odd}` needs a field, and keywords have none")]
    return [fault for fault in (_repeated(chain), _clash(chain), _order(chain)) if fault][:1]


def _unknown(field: str | None, chain: tuple[str, ...], index: int) -> Fault:
    name = chain[index]
    if name.lower() in ALIASES:
        instead = ALIASES[name.lower()]
        hint = f"write `{instead}`" if instead else "leave it out: a field already equals one of its values"
    else:
        choice = nearest(name, MODIFIERS)
        hint = f"did you mean `{choice}`?" if choice else ""
    where = f"on field `{field}`" if field else "on keywords"
    return Fault("RE201", index, f"unknown modifier `{name}` {where}" if name else f"an empty modifier {where}", hint)


def _repeated(chain: tuple[str, ...]) -> Fault | None:
    for index, name in enumerate(chain):
        if name in chain[:index]:
            return Fault("RE202", index, f"`{name}` is written twice")
    return None


def _clash(chain: tuple[str, ...]) -> Fault | None:
    """Find two modifiers that cannot both be true of one value."""
    for index, name in enumerate(chain):
        for earlier in chain[:index]:
            allowed = TOGETHER.get(earlier, TEXT) if earlier not in REGEX_FLAGS else TOGETHER["re"] | {"re"}
            both = {earlier, name}
            clash = (
                (name in TOGETHER and earlier not in TOGETHER[name])
                or (name not in TOGETHER and name not in allowed)
                or len(both & MATCHERS) == 2
                or len(both & BASE64) == 2
                or len(both & UTF16.keys()) == 2
                or len(both & COMPARISONS.keys()) == 2
                or len(both & TIME_PARTS.keys()) == 2
                or both == {"all", "neq"}
                or (name in BASE64 and earlier in MATCHERS)
            )
            if name in REGEX_FLAGS and "re" in chain[:index]:
                clash = False
            if clash:
                hint = "negate the selection in the condition instead" if both == {"all", "neq"} else ""
                if "re" in both and both & MATCHERS:
                    hint = "a regular expression is found anywhere; use `^` and `$` to hold it to an end"
                if name in BASE64:
                    hint = f"write `{name}|{earlier}`"
                return Fault("RE202", index, f"`{name}` cannot follow `{earlier}`", hint)
    return None


def _order(chain: tuple[str, ...]) -> Fault | None:
    """Find a modifier that is in the wrong place."""
    for index, name in enumerate(chain):
        after = chain[index + 1] if index + 1 < len(chain) else ""
        if name in REGEX_FLAGS and "re" not in chain[:index]:
            return Fault("RE202", index, f"`{name}` is a flag of `re` and must follow it")
        if name in UTF16 and after not in BASE64:
            hint = f"write `{name}|base64offset|contains`"
            return Fault("RE202", index, f"`{name}` must be followed by `base64` or `base64offset`", hint)
        if name in {"windash", "expand"} and (encoded := {*BASE64, *UTF16} & set(chain[:index])):
            return Fault("RE202", index, f"`{name}` must come before `{min(encoded)}`")
    return None
