"""What an item says: its values, under its modifiers, spelled out into atoms."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from itertools import product
from typing import Any

from ruleengine import modifiers
from ruleengine.ir import (
    And,
    Compare,
    Equals,
    Exists,
    Expr,
    InNetwork,
    Item,
    Like,
    Not,
    Or,
    Pattern,
    Regex,
    SameAs,
    TimePart,
    Value,
)
from ruleengine.problem import Problem, Report, problem
from ruleengine.regex import NotPortable, regex_test
from ruleengine.scalar import inside
from ruleengine.span import Place, Span
from ruleengine.strings import (
    Placeholder,
    base64_forms,
    dash_places,
    dashed,
    joined,
    literal,
    pattern,
    placed,
    with_placeholders,
)
from ruleengine.suggest import meant
from ruleengine.values import network, text

Placeholders = Mapping[str, tuple[str, ...]]
"""The values that the configuration gives to `%name%`."""

VALUE_LIMIT = 4_096

USUAL = modifiers.MATCHERS | {"all"}
"""The modifiers of nearly all texts; they need no more than a place for the wildcards."""


# Raised per value, so that every value of a list is looked at.
class Fault(Exception):
    """What is wrong with one value: a code, a sentence, a hint, and which characters of the value it is about."""

    def __init__(self, code: str, message: str, hint: str = "", part: tuple[int, int] | None = None) -> None:
        self.code, self.message, self.hint, self.part = code, message, hint, part


def spell(item: Item, report: Report, placeholders: Placeholders | None = None, *, limit: int = 1 << 60) -> Expr:
    """Return what an item says, over atoms; values that cannot be said are reported and left out.

    Once there are more atoms than the limit, the rest is left out without a report: the caller counts and says so.
    """
    chain = item.modifiers
    atoms = _way(chain)
    tests: list[Expr] = []
    for index, value in enumerate(item.values):
        if limit < 0:
            break
        try:
            alternatives = atoms(item, value, placeholders or {})
        except Fault as fault:
            where = item.value_spans[index] if item.value_spans else item.span
            report(_at(fault, where))
            continue
        limit -= len(alternatives)
        tests.append(alternatives[0] if len(alternatives) == 1 else Or(tuple(alternatives)))
    if len(tests) == 1:
        test = tests[0]
    else:
        test = And(tuple(tests)) if "all" in chain else Or(tuple(tests))
    return Not(test) if "neq" in chain else test


def _at(fault: Fault, where: Span | None) -> Problem:
    if where is None:
        return problem(fault.code, Place(""), fault.message, fault.hint)
    if fault.part is not None:
        where = inside(where, *fault.part)
    return problem(fault.code, where, fault.message, fault.hint)


Way = Callable[[Item, Value, Placeholders], list[Expr]]


def _way(chain: tuple[str, ...]) -> Way:
    """Return the function that makes atoms of a value under these modifiers."""
    if "re" in chain:
        return _regex
    if "cidr" in chain:
        return _network
    if "exists" in chain:
        return _exists
    if "fieldref" in chain:
        return _same_as
    if modifiers.TIME_PARTS.keys() & set(chain):
        return _time_part
    if modifiers.COMPARISONS.keys() & set(chain):
        return _compare
    return _text if chain else _plain


def _field(item: Item) -> str:
    assert item.field is not None, "the chain was checked: this one needs a field"
    return item.field


def _wants(value: Value, kind: type | tuple[type, ...], sentence: str, hint: str = "") -> None:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise Fault("RE204", f"{sentence}, not {_kind(value)}", hint)


def _kind(value: Value) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return f"the boolean `{text(value)}`"
        case str():
            return "text"
        case _:
            return f"the number {value}"


def _plain(item: Item, value: Value, placeholders: Placeholders) -> list[Expr]:
    """The commonest case, a value without modifiers."""
    if isinstance(value, str) or item.field is None:
        return _text(item, value, placeholders)
    if value is None:
        return [_absent(item)]
    return [Equals(item.field, value)]


def _absent(item: Item) -> Expr:
    if item.field is None:
        raise Fault("RE204", "a keyword is a text or a number, not null")
    if len(item.values) > 1 or item.listed:
        in_language = item.span is not None and item.span.source.in_language
        apart = f"say `or {item.field} missing` beside it" if in_language else ""
        hint = apart or f"give `{item.field}: null` a selection of its own"
        raise Fault("RE205", "null cannot stand in a list", hint)
    return Not(Exists(item.field))


def _text(item: Item, value: Value, placeholders: Placeholders) -> list[Expr]:
    chain = item.modifiers
    if isinstance(value, str) and item.field is not None and USUAL.issuperset(chain):
        return [_atom(item.field, placed(pattern(value), chain), cased=False)]
    if value is None and set(chain) <= {"neq"}:
        return [_absent(item)]
    stringy = next(
        (
            name
            for name in chain
            if name in modifiers.UTF16 or name in modifiers.BASE64 or name in {"windash", "expand"}
        ),
        "",
    )
    if stringy:
        _wants(value, str, f"`{stringy}` takes text", "put quotes around it" if value is not None else "")
    if value is None or (isinstance(value, bool) and (item.field is None or modifiers.MATCHERS & set(chain))):
        what = f"`{chain[0]}`" if chain else "a keyword"
        raise Fault("RE204", f"{what} takes text or a number, not {_kind(value)}")
    if not isinstance(value, str):
        if item.field is not None and not modifiers.MATCHERS & set(chain):
            return [Equals(item.field, value, "cased" in chain)]
        value = text(value)
    matchers = ("contains",) if item.field is None else tuple(name for name in chain if name in modifiers.MATCHERS)
    cased = "cased" in chain or bool(modifiers.BASE64 & set(chain))
    return [_atom(item.field, placed(form, matchers), cased) for form in _forms(item, value, placeholders)]


def _atom(field: str | None, form: Pattern, cased: bool) -> Expr:
    whole = literal(form)
    return Like(field, form, cased) if whole is None or field is None else Equals(field, whole, cased)


def _forms(item: Item, value: str, placeholders: Placeholders) -> list[Pattern]:
    """Return the patterns one written text stands for, its transforming modifiers applied from left to right."""
    chain = item.modifiers
    if not chain:
        return [pattern(value)]
    forms = [pattern(value)] if "expand" not in chain else _expanded(value, placeholders)
    encoding = "utf-8"
    for name in chain:
        if name == "windash":
            forms = _dashed(forms)
        elif name in modifiers.UTF16:
            encoding = modifiers.UTF16[name]
        elif name in modifiers.BASE64:
            forms = [encoded for form in forms for encoded in _encoded(form, name, encoding)]
    return _bounded(forms)


def _bounded(forms: list[Pattern]) -> list[Pattern]:
    if len(forms) > VALUE_LIMIT:
        raise Fault("RE208", f"this value spells out into {len(forms):,} others; {VALUE_LIMIT:,} is the limit")
    return forms


def _dashed(forms: list[Pattern]) -> list[Pattern]:
    total = sum(5 ** min(len(dash_places(form)), 12) for form in forms)
    if total > VALUE_LIMIT:
        raise Fault(
            "RE208",
            f"`windash` spells this value out into {total:,} others; {VALUE_LIMIT:,} is the limit",
            "split the value where the order of the flags does not matter",
        )
    return [variant for form in forms for variant in dashed(form)]


def _expanded(value: str, placeholders: Placeholders) -> list[Pattern]:
    """Put the values of every placeholder into a text, in all combinations."""
    parts = with_placeholders(value)
    choices: list[list[Pattern]] = []
    total = 1
    for part in parts:
        if not isinstance(part, Placeholder):
            choices.append([(part,)])
            continue
        if str(part) not in placeholders:
            raise Fault(
                "RE212",
                f"the placeholder `%{part}%` has no values",
                meant(str(part), placeholders) or "give it some in the configuration",
            )
        choices.append([pattern(given) for given in placeholders[str(part)]])
        total *= len(choices[-1])
    if total > VALUE_LIMIT:
        raise Fault("RE208", f"this value spells out into {total:,} others; {VALUE_LIMIT:,} is the limit")
    return [joined([piece for pieces in combination for piece in pieces]) for combination in product(*choices)]


def _encoded(form: Pattern, name: str, encoding: str) -> Iterator[Pattern]:
    whole = literal(form)
    if whole is None:
        raise Fault(
            "RE206", f"a wildcard cannot be encoded by `{name}`", "escape it, as `\\*`, if the character is meant"
        )
    try:
        mark = b"\xff\xfe" if encoding == "utf-16" else b""
        data = mark + whole.encode("utf-16-le" if mark else encoding)
    except UnicodeEncodeError:
        raise Fault("RE206", "half of a surrogate pair cannot be encoded") from None
    forms = list(base64_forms(data, offset=name == "base64offset"))
    if not all(forms):
        raise Fault("RE206", f"this text is too short to be found in Base64 by `{name}`")
    for each in forms:
        yield (each,)


def _regex(item: Item, value: Value, _: Placeholders) -> list[Expr]:
    _wants(value, str, "`re` takes a regular expression", "put quotes around it")
    source = str(value)
    flags = "".join(flag for flag in "ims" if flag in item.modifiers)
    try:
        regex_test(source, flags)
    except NotPortable as error:
        raise Fault("RE207", error.message, error.hint, (error.start, error.end)) from None
    return [Regex(item.field, source, flags)]


def _network(item: Item, value: Value, placeholders: Placeholders) -> list[Expr]:
    _wants(value, str, "`cidr` takes a network", "write it as `'192.0.2.0/24'`")
    expanding = "expand" in item.modifiers
    forms = _expanded(str(value), placeholders) if expanding else [(str(value),)]
    out: list[Expr] = []
    for form in forms:
        written = literal(form)
        try:
            network(written or "")
        except ValueError as error:
            hint = ""
            if "host bits" in str(error):
                hint = f"did you mean `{ipaddress.ip_network(written or '', strict=False)}`?"
            raise Fault("RE209", f"`{written if written is not None else value}` is not a network", hint) from None
        out.append(InNetwork(_field(item), written or ""))
    return out


def _exists(item: Item, value: Value, _: Placeholders) -> list[Expr]:
    _wants(value, bool, "`exists` takes true or false")
    if len(item.values) > 1:
        raise Fault("RE204", "`exists` takes one value, true or false, not a list")
    present = Exists(_field(item))
    return [present if value else Not(present)]


def _same_as(item: Item, value: Value, _: Placeholders) -> list[Expr]:
    _wants(value, str, "`fieldref` takes the name of a field")
    if not value:
        raise Fault("RE204", "`fieldref` takes the name of a field, and this is empty")
    how: Any = next((name for name in item.modifiers if name in modifiers.MATCHERS), "equals")
    return [SameAs(_field(item), str(value), how, "cased" in item.modifiers)]


def _compare(item: Item, value: Value, _: Placeholders) -> list[Expr]:
    name = next(name for name in item.modifiers if name in modifiers.COMPARISONS)
    unquoted = isinstance(value, str) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value)
    _wants(value, (int, Decimal), f"`{name}` takes a number", f"write {value} without quotes" if unquoted else "")
    sign: Any = modifiers.COMPARISONS[name]
    assert isinstance(value, int | Decimal)
    return [Compare(_field(item), sign, value)]


def _time_part(item: Item, value: Value, _: Placeholders) -> list[Expr]:
    part: Any = next(name for name in item.modifiers if name in modifiers.TIME_PARTS)
    _wants(value, int, f"`{part}` takes a whole number")
    assert isinstance(value, int)
    low, high = modifiers.TIME_PARTS[part]
    if not low <= value <= high:
        raise Fault("RE210", f"`{part}` goes from {low} to {high}; {value} never comes")
    signs = [modifiers.COMPARISONS[name] for name in item.modifiers if name in modifiers.COMPARISONS]
    sign: Any = signs[0] if signs else "=="
    return [TimePart(_field(item), part, sign, value)]
