"""What no value can do: satisfy one atom and not another that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from ruleengine.checks.implies import atom_implies
from ruleengine.ir import Atom, Call, Compare, Equals, Exists, InList, InNetwork, Like, Regex, SameAs, TimePart, Wild
from ruleengine.meaning import Seen, atom_holds
from ruleengine.values import like_text


def contradiction(field: str, musts: Sequence[Atom], nots: Sequence[Atom]) -> str:
    """Return why no values of a field can satisfy all `musts` and none of `nots`; empty if that is not proved.

    A field may have several values, so two different musts never contradict each other.
    """
    forbidden = set(nots)
    if twice := next((must for must in musts if must in forbidden), None):
        return f"{said(twice)} would have to be both true and false"
    avoided = [(each, _on(each, field)) for each in nots if not isinstance(each, SameAs)]
    for must in musts:
        if isinstance(must, SameAs):
            continue
        wanted = _on(must, field)
        if other := next(
            (each for each, its in avoided if _about_both(field, its, wanted) and follows(its, wanted)), None
        ):
            return f"whenever {said(must)}, also {said(other)}"
    return ""


def _about_both(field: str, other: Atom, must: Atom) -> bool:
    """Say whether one atom may follow from another: of what a function makes of a field, only that the field exists."""
    return other.field == must.field or (isinstance(other, Exists) and other.field == field)


def follows(other: Atom, must: Atom) -> bool:
    """Say whether every value that satisfies `must` satisfies `other` on the same field; False if that is not known."""
    if isinstance(other, Exists) or isinstance(must, Exists):
        return isinstance(other, Exists)
    if isinstance(other, Like) and other.pattern == (Wild.MANY,):
        return True
    match must:
        case Equals(field, str(value), cased):
            return (cased or _folds(other)) and atom_holds(other, Seen({field: value}))
        case Compare(_, operator, bound):
            return isinstance(other, Compare) and _beyond(operator, bound, other)
        case _:
            return atom_implies(must, other)


def _beyond(operator: str, bound: int | Decimal, other: Compare) -> bool:
    """Say whether all numbers on one side of a bound are on the other atom's side of its bound."""
    if operator[0] != other.operator[0]:
        return False
    if bound == other.value:
        return operator == other.operator or len(other.operator) == 2
    return bound > other.value if operator[0] == ">" else bound < other.value


def _folds(atom: Atom) -> bool:
    """Say whether an atom sees the same in two texts that fold alike."""
    match atom:
        case Equals(_, str(), cased) | Like(_, _, cased):
            return not cased
        case Equals() | Compare() | InNetwork():
            return True
        case _:
            return False


def _on(atom: Atom, field: str) -> Atom:
    """Return an atom as one about a field; what a function makes of it is a field of its own."""
    if isinstance(atom.field, Call):
        return replace(atom, field=str(atom.field))
    return atom if atom.field == field else replace(atom, field=field)


def said(atom: Atom) -> str:
    """Return an atom in words."""
    where = f"`{atom.field}`" if atom.field is not None else "some value"
    match atom:
        case Equals(_, value):
            return f"{where} is {value!r}"
        case Like(_, pattern):
            return f"{where} is like '{like_text(pattern)}'"
        case Regex(_, source):
            return f"{where} is of the regular expression '{source}'"
        case Compare(_, operator, value):
            return f"{where} is {operator} {value}"
        case InNetwork(_, network):
            return f"{where} is in {network}"
        case Exists():
            return f"{where} is there"
        case SameAs(_, other, how):
            return f"{where} {how} `{other}`"
        case TimePart(_, part, operator, value):
            return f"the {part} of {where} is {operator} {value}"
        case InList(_, name):
            return f"{where} is in the list `{name}`"
