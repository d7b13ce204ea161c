"""Each atom in LogScale's terms, with everything that keeps it from being exact."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from ruleengine.ir import (
    Atom,
    Call,
    Compare,
    Equals,
    Exists,
    InList,
    InNetwork,
    Like,
    Pattern,
    Regex,
    SameAs,
    TimePart,
    Wild,
)
from ruleengine.target import Limit
from ruleengine.target.regex_text import Written, of_pattern, of_regex
from ruleengine.times import TIME_FIELDS
from ruleengine.values import text as text_of
from ruleengine_logscale.arrays import said_of_array
from ruleengine_logscale.calls import inner, said_call
from ruleengine_logscale.keywords import said_keyword
from ruleengine_logscale.lists import said_list
from ruleengine_logscale.networks import said_networks
from ruleengine_logscale.said import NEW, Matched, Said, Ways, bounded, refused
from ruleengine_logscale.written import (
    DECIMAL_GUARD,
    DIALECT,
    digits,
    equal_number,
    is_exact_double,
    is_plain,
    is_safe_text,
    name,
    string,
    why_no_name,
)


def said(atom: Atom, is_array: bool = False) -> Said:
    """Return what an atom becomes."""
    fields = (atom.field, atom.other) if isinstance(atom, SameAs) else (atom.field,)
    return _said(atom, is_array, any(isinstance(field, Call) for field in fields))


@lru_cache(maxsize=1 << 17)
def _said(atom: Atom, is_array: bool, called: bool) -> Said:
    """Return what an atom becomes; a function of a field equals a field of that name, so it is told apart here."""
    if isinstance(atom, Like | Regex) and atom.field is None:
        return said_keyword(atom)
    fields = (atom.field, atom.other) if isinstance(atom, SameAs) else (atom.field,)
    for field in fields:
        if not (isinstance(atom, TimePart) and field in TIME_FIELDS) and (why := why_no_name(inner(field or ""))):
            return refused("field name", why)
    one = said_call(atom) if called else _one_field(atom)
    if not is_array:
        return one
    if one.matched is None:
        return refused("array, other than texts", "LogScale's functions over arrays ask for texts only")
    return said_of_array(one.matched, one.limits)


def _one_field(atom: Atom) -> Said:
    """Return what an atom over plain values becomes."""
    match atom:
        case Equals(field, value, cased):
            return _equals(field, value, cased=cased)
        case Like(str(field), pattern, cased):
            return _like(field, pattern, cased=cased)
        case Regex(str(field), source, flags):
            return _matched("regular expression", field, of_regex(source, flags, DIALECT))
        case Exists(field):
            limit = bounded("exists", "an object gives only its members names", "no_object", field)
            return Said(f"{name(field)}=*", Matched(field, r"\A", "any"), limits=(limit,))
        case Compare(field, operator, value):
            return _compare(field, operator, value)
        case InNetwork(field, network):
            return said_networks(field, (network,))
        case SameAs():
            return _same(atom)
        case TimePart():
            return _time_part(atom)
        case InList():
            return said_list(atom)
        case _:
            raise TypeError("keywords are said elsewhere")


# --- texts ---------------------------------------------------------------------------------------------------------


def _equals(field: str, value: str | int | Decimal | bool, *, cased: bool) -> Said:
    if isinstance(value, bool):
        value = text_of(value)
    if not isinstance(value, str):
        return Said(matched=Matched(field, equal_number(value), "any", begins=True, ends=True))
    made = _like(field, (value,) if value else (), cased=cased, construct="text")
    return replace(made, filter=f"{name(field)}={string(value)}") if cased and is_safe_text(value) else made


def _like(field: str, pattern: Pattern, *, cased: bool, construct: str = "pattern") -> Said:
    if not pattern:
        return Said(f'{name(field)}=""', Matched(field, r"\A\z", "any", begins=True, ends=True))
    if pattern == (Wild.MANY,):
        return Said(f"{name(field)}=*", Matched(field, r"\A", "any"))
    written = of_pattern(pattern, DIALECT, cased=cased)
    literal = "".join(part for part in pattern if isinstance(part, str))
    lettered = not literal.isascii() or any(letter.isalpha() for letter in literal)
    fold = None if lettered else "any"
    begins, ends = pattern[0] is not Wild.MANY, pattern[-1] is not Wild.MANY
    return _matched(construct, field, written, fold=fold, begins=begins, ends=ends)


def _matched(
    construct: str, field: str, written: Written, *, fold: str | None = None, begins: bool = False, ends: bool = False
) -> Said:
    fold = ("i" if written.ignore_case else "") if fold is None else fold
    limits = tuple(bounded(construct, reason, bound, field) for bound, reason in written.bounds)
    return Said(
        matched=Matched(field, written.text, fold, written.dotall, written.multiline, begins, ends), limits=limits
    )


# --- numbers and times ---------------------------------------------------------------------------------------------


def _compare(field: str, operator: str, value: int | Decimal) -> Said:
    if not is_exact_double(value):
        return refused(
            "comparison", f"LogScale compares doubles, which do not tell {digits(value)} from its neighbours"
        )
    guard = f"{name(field)}=/{DECIMAL_GUARD}/"
    limit = (bounded("comparison", "LogScale compares numbers as doubles", "small_numbers", field),)
    if value >= 0:  # a number in a filter has no sign
        return Said(filter=f"({guard} AND {name(field)} {operator} {digits(value)})", limits=limit)
    return Said(ways=((guard, *_test(field, f"{operator} {digits(value)}")),), limits=limit)


def _test(field: str, rest: str) -> tuple[str, ...]:
    read, taken = _expression(field, "f")
    return (*read, f"test({taken} {rest})")


def _expression(field: str, letter: str) -> tuple[tuple[str, ...], str]:
    """Return the steps that make a field readable in an expression, and what to write there."""
    if is_plain(field):
        return (), field
    helper = f"_{letter}{NEW}"
    return (f"{helper} := getField({string(field)})",), helper


TIME_FUNCTIONS = {
    "minute": "time:minute",
    "hour": "time:hour",
    "day": "time:dayOfMonth",
    "week": "time:weekOfYear",
    "month": "time:month",
    "year": "time:year",
}


def _time_part(atom: TimePart) -> Said:
    if atom.field not in TIME_FIELDS:
        return refused("time part", f"`{atom.field}` is not a field that the time of an event is taken from")
    taken = f"_t{NEW}"
    asked = f"{taken}={atom.value}" if atom.operator == "==" else f"{taken} {atom.operator} {atom.value}"
    if not atom.field.startswith("@"):
        asked = f"({name(atom.field)}=* AND {asked})"
    step = f'{TIME_FUNCTIONS[atom.part]}(@timestamp, timezone="UTC", as={taken})'
    limits = (bounded("time part", "LogScale asks for the time of the event itself", "event_time", atom.field),)
    return Said(asked, before=(step,), limits=limits)


# --- field to field ------------------------------------------------------------------------------------------------

TEXT_FUNCTIONS = {"startswith": "text:startsWith", "endswith": "text:endsWith", "contains": "text:contains"}


def _same(atom: SameAs) -> Said:
    """Return a comparison of two fields as texts: `==` would take texts that look like numbers for numbers."""
    left, right = name(atom.field), name(atom.other)
    read_left, taken_left = _expression(atom.field, "f")
    read_right, taken_right = _expression(atom.other, "g")
    if not atom.cased:
        taken_left, taken_right = f"lower({taken_left})", f"lower({taken_right})"
    # What the functions say of an empty text is not documented: it is asked about on its own.
    there = (f"{left}=/./d", f"{right}=/./d", *read_left, *read_right)
    if atom.how == "equals":
        empty: tuple[str, ...] = (f'{left}=""', f'{right}=""')
        asked: tuple[str, ...] = (
            f"text:startsWith(string={taken_left}, substring={taken_right})",
            f"text:startsWith(string={taken_right}, substring={taken_left})",
        )
    else:
        empty = (f"{left}=*", f'{right}=""')
        asked = (f"{TEXT_FUNCTIONS[atom.how]}(string={taken_left}, substring={taken_right})",)
    ways: Ways = ((*there, *asked), empty)
    reason = "`lower()` may fold letters beyond ASCII in its own way"
    limits: tuple[Limit, ...] = ()
    if not atom.cased:
        limits = tuple(bounded("field to field", reason, "ascii_text", field) for field in (atom.field, atom.other))
    return Said(ways=ways, limits=limits)
