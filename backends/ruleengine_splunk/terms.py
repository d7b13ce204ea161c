"""What a plain `search` can say of an atom: exactly (or within a bound), or so that it finds all and maybe more."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TypeGuard

from ruleengine.ir import Atom, Call, Equals, Exists, Like, Pattern, Regex, Wild
from ruleengine.target import Limit
from ruleengine.target.regex_text import needed_text
from ruleengine.values import text
from ruleengine_splunk.layout import Doc, Term
from ruleengine_splunk.reasons import EMPTY, LETTERS, NUMBERS, OBJECT, SPLUNKS, bounded
from ruleengine_splunk.spelling import GIVEN, search_field, search_value, wider_value

ANY: Pattern = (Wild.MANY,)


def pattern_of(atom: Atom) -> Pattern | None:
    """Return the pattern that the text of a field must be of, where an atom says just that, whatever the case."""
    match atom:
        case Equals(_, str() as value, _):
            return (value,) if value else ()
        case Equals(_, bool() as value, _):
            return (text(value),)
        case Like(str(), pattern, _):
            return pattern
        case Exists():
            return ANY
        case _:
            return None


def is_number(value: object) -> TypeGuard[int | Decimal]:
    """Say whether a value of a rule is a number; booleans are none."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def number_text(value: int | Decimal) -> str:
    """Return the usual way to write a number."""
    return text(value) if value else "0"


def name_in_search(field: str, arrays: frozenset[str]) -> str | None:
    """Return a field's name in a search; None if it is no name, or cannot stand there."""
    if isinstance(field, Call):
        return None
    return search_field(f"{field}{{}}" if field in arrays else field)


def own(field: str | None) -> tuple[Limit, ...]:
    """Return the limit of a field that Splunk itself gives every event."""
    return (bounded("field name", "own_field", SPLUNKS, field),) if field in GIVEN else ()


def term(atom: Atom, arrays: frozenset[str]) -> tuple[Doc, tuple[Limit, ...]] | None:
    """Return the search term that says what an atom says, with what bounds it; None if there is none."""
    name = name_in_search(atom.field, arrays) if atom.field is not None else None
    if name is None or getattr(atom, "cased", False):
        return None
    if isinstance(atom, Equals) and is_number(atom.value):
        limit = bounded("number", "usual_numbers", NUMBERS, atom.field)
        return Term(name, f'"{number_text(atom.value)}"'), (limit, *own(atom.field))
    pattern = pattern_of(atom)
    written = search_value(pattern) if pattern is not None else None
    if written is None:
        return None
    value, hangs_on_letters = written
    limits = list(own(atom.field))
    if isinstance(atom, Exists):
        limits.append(bounded("exists", "no_object", OBJECT, atom.field))
    if value == "*":
        limits.append(bounded("exists", "no_empty_text", EMPTY, atom.field))
    if hangs_on_letters:
        limits.append(bounded("text", "usual_letters", LETTERS, atom.field))
    return Term(name, value), tuple(limits)


def wider_term(atom: Atom, arrays: frozenset[str]) -> Doc | None:
    """Return a search term that holds wherever an atom does; None: there is none that says anything."""
    match atom:
        case Equals(str() as field, value) if is_number(value):
            digits = number_text(abs(Decimal(value)))
            return _wider(field, (Wild.MANY, digits, Wild.MANY), arrays)
        case Equals(str() as field) | Like(str() as field):
            pattern = pattern_of(atom)
            return _wider(field, pattern, arrays) if pattern else None
        case Regex(str() as field, source, flags):
            text = _needed_text(source, flags)
            return _wider(field, (Wild.MANY, text, Wild.MANY), arrays) if text else None
        case _:
            return None


@lru_cache(maxsize=1 << 12)
def _needed_text(source: str, flags: str) -> str:
    return needed_text(source, flags)


def _wider(field: str, pattern: Pattern, arrays: frozenset[str]) -> Doc | None:
    name = name_in_search(field, arrays)
    value = wider_value(pattern) if name is not None else None
    return Term(name, value) if name is not None and value is not None else None
