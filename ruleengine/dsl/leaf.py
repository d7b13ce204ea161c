"""One leaf of the language: from its tree to an item of the IR, and from an item to text.

Both directions go by the same table of chains, so that what is written comes back as it was. A chain of modifiers that
has no form of its own is written after `with`, exactly as in Sigma.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ruleengine.dsl import text
from ruleengine.ir import Call, Item, ParamRef, Value
from ruleengine.modifiers import BASE64, COMPARISONS, MATCHERS, TIME_PARTS, UTF16

SIGNS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
ENCODINGS = (*UTF16, *sorted(BASE64))
LATER = ("windash", "expand")


class Written(NamedTuple):
    """An item apart: what the language has own words for."""

    negated: bool = False
    cased: bool = False
    word: str = ""
    """contains, startswith, endswith; re, cidr, exists, fieldref, a comparison, or nothing for equality."""
    functions: tuple[str, ...] = ()
    """Applied to each value, the first one first."""
    every: bool = False


def chain(written: Written) -> tuple[str, ...]:
    """Return the chain of modifiers that a form of the language stands for."""
    early = tuple(name for name in written.functions if name not in LATER)
    late = tuple(name for name in written.functions if name in LATER)
    word = (written.word,) if written.word else ()
    flags = (("cased",) if written.cased else ()) + (("all",) if written.every else ())
    return (*early, *word, *late, *flags, *(("neq",) if written.negated else ()))


def apart(modifiers: Sequence[str]) -> Written | None:
    """Return the form that stands for a chain of modifiers, or None when the language has none for it."""
    names = set(modifiers)
    word = next((name for name in modifiers if name in MATCHERS), "")
    functions = tuple(name for name in modifiers if name in ENCODINGS or name in LATER)
    written = Written("neq" in names, "cased" in names, word, functions, "all" in names)
    return written if chain(written) == tuple(modifiers) else None


# --- an item as text -----------------------------------------------------------------------------------------------


def show(item: Item) -> str:
    """Return an item as the language writes it, in one line."""
    field = (
        "anywhere"
        if item.field is None
        else str(item.field)
        if isinstance(item.field, Call)
        else text.quoted_name(item.field)
    )
    return _special(item, field) or _usual(item, field) or _chained(item, field)


def _chained(item: Item, field: str) -> str:
    values = [verbatim(value) for value in item.values]
    given = f"[{', '.join(values)}]" if item.listed or len(values) != 1 else values[0]
    return f"{field} with {'|'.join(item.modifiers) or 'plain'} {given}"


def verbatim(value: Value) -> str:
    """Return a value after `with`: a text is Sigma's own, wildcards and escapes as they are."""
    return text.quoted(value) if isinstance(value, str) else text.value(value)


def _special(item: Item, field: str) -> str:
    """Return an item whose modifiers change what a value is; nothing if it is not one of these."""
    one = None if item.listed or len(item.values) != 1 else item.values[0]
    match item.modifiers:
        case () if one is None and not item.listed and item.values == (None,) and item.field is not None:
            return f"{field} missing"
        case ("list",) | ("list", "neq") if isinstance(one, str):
            return f"{field} {'not ' if 'neq' in item.modifiers else ''}in list({text.quoted(one)})"
        case ("exists",) if isinstance(one, bool):
            return f"{field} exists" if one else f"{field} not exists"
        case ("re", *_):
            return _regex(item, field)
        case ("cidr",) | ("cidr", "neq") if all(isinstance(value, str) for value in item.values):
            values = [text.quoted(str(value)) for value in item.values]
            given = f"[{', '.join(values)}]" if item.listed else values[0]
            return (
                f"{field} {'not ' if 'neq' in item.modifiers else ''}in cidr({given})"
                if item.listed or len(values) == 1
                else ""
            )
        case (sign,) if sign in COMPARISONS and _is_number(one):
            return f"{field} {COMPARISONS[sign]} {one}"
        case (part, *rest) if (
            part in TIME_PARTS and _is_number(one) and (not rest or (len(rest) == 1 and rest[0] in COMPARISONS))
        ):
            return f"{part}({field}) {COMPARISONS[rest[0]] if rest else '=='} {one}"
        case ("fieldref",) | ("fieldref", "neq") if isinstance(one, str) and text.is_name(one):
            return f"{field} {'!=' if 'neq' in item.modifiers else '=='} field({text.quoted_name(one)})"
        case ("fieldref", word) if word in MATCHERS and isinstance(one, str) and text.is_name(one):
            return f"{field} {word} field({text.quoted_name(one)})"
    return ""


def _is_number(value: Value) -> bool:
    return isinstance(value, ParamRef) or (not isinstance(value, bool | str) and value is not None)


def _regex(item: Item, field: str) -> str:
    every, flags = "all" in item.modifiers, _flags(item)
    again = ("re", *flags, *(("all",) if every else ()), *(("neq",) if "neq" in item.modifiers else ()))
    if again != item.modifiers or not item.values or (every and not item.listed):
        return ""
    if not all(isinstance(value, str) and (not flags or _between_slashes(value)) for value in item.values):
        return ""
    values = [regex(str(value), flags) for value in item.values]
    given = f"{'all' if every else 'any'} [{', '.join(values)}]" if item.listed else values[0]
    return f"{field} {'not ' if 'neq' in item.modifiers else ''}matches {given}"


def _flags(item: Item) -> str:
    return "".join(flag for flag in "ims" if flag in item.modifiers)


def _between_slashes(source: str) -> bool:
    """Say whether a regular expression can stand between slashes and come back as it was."""
    return not (not source or "\n" in source or "\\/" in source or source[-1] == "\\" or source != source.strip())


def regex(source: str, flags: str = "") -> str:
    """Return a regular expression as a literal between slashes, or as a text when that would change it."""
    if not _between_slashes(source):
        return text.quoted(source)
    return "/" + source.replace("/", "\\/") + f"/{flags}"


def _usual(item: Item, field: str) -> str:
    """Return equality, membership, and the matchers with their functions."""
    written = apart(item.modifiers)
    if written is None or written.word in {"re", "cidr"} or not item.values:
        return ""
    if None in item.values or (item.field is None and written.word):
        return ""
    if item.field is None:
        written = written._replace(word="contains")
    negation = "not " if written.negated else ""
    cased = "cased " if written.cased else ""
    if not written.word and not written.functions:
        return _equality(item, field, negation, cased) if not written.every else ""
    values = [text.value(value) for value in item.values]
    if not written.word and (written.every or (len(values) != 1 and not item.listed)):
        return ""
    if any("glob(" in value for value in values) and written.functions:
        return ""
    given = f"[{', '.join(values)}]" if item.listed else values[0]
    for name in written.functions:
        given = f"{name}({given})"
    if not written.word:
        sign = f"{negation}{cased}in" if item.listed else f"{cased}{'!=' if written.negated else '=='}"
        return f"{field} {sign} {given}"
    if item.listed:
        given = f"{'all' if written.every else 'any'} {given}"
    elif written.every or len(values) != 1:
        return ""
    return f"{field} {negation}{cased}{written.word} {given}"


def _equality(item: Item, field: str, negation: str, cased: str) -> str:
    values = [text.value(value) for value in item.values]
    if item.listed:
        return f"{field} {negation}{cased}in [{', '.join(values)}]"
    if len(values) != 1:
        return ""
    if values[0].startswith("glob("):
        return f"{field} {negation}{cased}like {values[0][5:-1]}"
    if negation:
        return f"{field} {cased}!= {values[0]}"
    return f"{field} {cased}== {values[0]}"


def shown_values(item: Item, inside: str) -> list[str]:
    """Return the values of an item one by one, as they stand `inside` the brackets that `show` wrote."""
    ways: tuple[Callable[[Value], str], ...] = (text.value, verbatim, lambda value: regex(str(value), _flags(item)))
    rows = ([way(value) for value in item.values] for way in ways)
    return next(row for row in rows if ", ".join(row) == inside)
