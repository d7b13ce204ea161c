"""The value of one field: what satisfies every atom it must satisfy, and none that it must not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any, TypeVar

from ruleengine.analysis.witness.called import is_called, solved
from ruleengine.analysis.witness.contradictions import contradiction, said
from ruleengine.analysis.witness.effort import Effort
from ruleengine.analysis.witness.samples import sample
from ruleengine.analysis.witness.scalars import addresses, instants, numbers
from ruleengine.analysis.witness.texts import Wanted, texts
from ruleengine.ir import Atom, Compare, Equals, InList, InNetwork, Like, Regex, SameAs, TimePart
from ruleengine.meaning import Seen, atom_holds
from ruleengine.values import Scalar, is_network, text

Value = Scalar | list[Any] | dict[str, Any]
"""What may stand at a field of an event."""

PLAIN: tuple[Value, ...] = (
    "value",
    "other",
    1,
    "-",
    "",
    "0",
    "VALUE-2",
    "a b",
    "192.0.2.1",
    0.5,
    True,
    {"inner": "value"},
)
"""Values for a field that only has to be there, or that a regular expression refuses everything else of."""

TRIES = 120
"""How many texts are tried for one field."""

SAMPLES = 24
"""How many samples of one regular expression."""

AtomOfKind = TypeVar("AtomOfKind", Equals, Like, Regex, Compare, InList, InNetwork, TimePart)


def value_of(field: str, musts: Sequence[Atom], nots: Sequence[Atom], effort: Effort) -> Value | None:
    """Return a value for a field, of which all `musts` hold and no `nots`; None after telling `effort` why not.

    Keywords among the atoms (field None) are about this value like all others. One value is preferred; several, in an
    array, are tried if the effort allows.
    """
    if why := contradiction(field, musts, nots):
        effort.contradict(why)
        return None
    found = _single(field, musts, nots, effort)
    if found is None and effort.arrays and len(musts) > 1:
        found = _several(field, musts, nots, effort)
    if found is None:
        effort.give_up(f"no value for `{field}` was found of which {' and '.join(map(said, musts[:3]))}")
    return found


def fits(field: str, value: Value, musts: Sequence[Atom], nots: Sequence[Atom]) -> bool:
    """Say whether a value satisfies all of some atoms and none of others; links to other fields are passed over."""
    seen = Seen({field: value})
    return all(atom_holds(atom, seen) for atom in musts if not isinstance(atom, SameAs)) and not any(
        atom_holds(atom, seen) for atom in nots if not isinstance(atom, SameAs)
    )


def _single(field: str, musts: Sequence[Atom], nots: Sequence[Atom], effort: Effort) -> Value | None:
    tried: set[str] = set()
    asked = is_called(musts) or is_called(nots)
    given = solved(field, musts, nots, _candidates) if asked else _candidates(musts, nots)
    offered = _turned(given, effort.seed)
    for value in offered:
        if repr(value) in tried:
            continue
        tried.add(repr(value))
        if not effort.spend(1 + len(musts) + len(nots) // 4):
            return None
        if fits(field, value, musts, nots):
            return value
    return None


def _turned(values: Iterator[Value], seed: int) -> Iterator[Value]:
    """Begin elsewhere among the first candidates, for variety."""
    head = list(islice(values, 8)) if seed else []
    turn = seed % len(head) if head else 0
    return chain(head[turn:], head[:turn], values)


def _several(field: str, musts: Sequence[Atom], nots: Sequence[Atom], effort: Effort) -> Value | None:
    """Share the atoms out over as few values as come up when each is given to the first value that can take it."""
    groups: list[tuple[list[Atom], Value]] = []
    for must in musts:
        for index, (group, value) in enumerate(groups):
            joint = value if fits(field, value, [must], ()) else _single(field, [*group, must], nots, effort)
            if joint is not None:
                groups[index] = ([*group, must], joint)
                break
        else:
            alone = _single(field, [must], nots, effort)
            if alone is None:
                return None
            groups.append(([must], alone))
    values = [value for _, value in groups]
    return values if len(values) > 1 else values[0]


def _of(kind: type[AtomOfKind], atoms: Sequence[Atom]) -> list[AtomOfKind]:
    return [atom for atom in atoms if isinstance(atom, kind)]


def _candidates(musts: Sequence[Atom], nots: Sequence[Atom]) -> Iterator[Value]:
    """Yield what might do, the most natural first."""
    if same := _of(Equals, musts):
        for atom in same:
            yield from _equal(atom.value)
        yield from _texts(musts)
        return
    if bounds := _of(Compare, musts):
        yield from numbers(bounds, min(len(nots), 200))
    if blocks := _of(InNetwork, musts):
        yield from addresses(blocks, _of(InNetwork, nots))
    for each in _of(InList, musts):
        yield from _listed(each)
    if parts := _of(TimePart, musts):
        yield from instants(parts)
    if any(isinstance(atom, Like | Regex) for atom in musts):
        yield from _texts(musts)
    yield from PLAIN


def _listed(atom: InList) -> Iterator[Value]:
    """Yield entries of a list, those that never expire first; of a network, addresses in it."""
    for entry, _ in islice(sorted(atom.entries, key=lambda each: each[1] is not None), TRIES):
        if "/" in entry and is_network(entry):
            yield from addresses((InNetwork(atom.field, entry),), ())
        else:
            yield entry


def _equal(value: Any) -> Iterator[Scalar]:
    """Yield the values that equal one of a rule."""
    if isinstance(value, bool):
        yield from (value, text(value))
    elif isinstance(value, str):
        yield from dict.fromkeys((value, value.lower(), value.upper(), value.title(), value.swapcase()))
    elif isinstance(value, int):
        yield from (value, f"{value}.0", f"0{value}" if value >= 0 else f"-0{-value}", str(value))
    else:
        shown = format(value, "f")
        if str(float(value)) == shown:
            yield float(value)
        yield from (shown, f"{shown}0" if "." in shown else f"{shown}.0", f"0{shown}")


def _texts(musts: Sequence[Atom]) -> Iterator[str]:
    """Yield texts laid together from the patterns and from samples of the regular expressions."""
    fixed = [Wanted((str(atom.value),), atom.cased) for atom in _of(Equals, musts) if isinstance(atom.value, str)]
    fixed += [Wanted(atom.pattern, atom.cased) for atom in _of(Like, musts)]
    regexes = _of(Regex, musts)
    for number in range(SAMPLES if regexes else 1):
        drawn = [one for atom in regexes if (one := sample(atom.source, atom.flags, number))]
        if len(drawn) < len(regexes):
            return
        tries = TRIES if number < 3 else 4  # later samples differ by themselves
        yield from islice(texts([*(Wanted(one.pattern, True) for one in drawn), *fixed]), tries)
        if len(drawn) > 1:
            yield from (one.text for one in drawn)
