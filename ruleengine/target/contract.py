"""The ingest contract: how an event becomes the fields of a SIEM. What it promises is assumed by every query."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ruleengine.values import HINTS, Event, lookup

OURS = frozenset(HINTS)


class Line(str):  # noqa: SLOT000  # its type is what it adds
    """The field that holds the whole line, as a target calls it: a rule's own field of that name is another one."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Line) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash((Line, str(self)))


@dataclass(frozen=True, slots=True)
class Contract:
    """How events arrive in a target: the field that stands for the whole line, and the rest in words."""

    raw: str
    """The field that holds the line as it arrived: compact JSON."""
    says: tuple[str, ...]
    """The contract in sentences, for the documentation."""

    def fits(self, event: Event, fields: Iterable[str], arrays: frozenset[str]) -> bool:
        """Say whether an event keeps the contract, as far as these fields of a rule are concerned.

        A field is written in one way only, and it is an array of plain values exactly when the schema says so. Our own
        hints about the log source are not in it.
        """
        return OURS.isdisjoint(event) and all(_is_as_said(event, field, array=field in arrays) for field in fields)


def _is_as_said(event: Event, field: str, *, array: bool) -> bool:
    """Say whether a field stands in an event once at most, and is an array of plain values or plain, as is said.

    A key with dots inside an object is no path to the law, and would be one to a SIEM.
    """
    found = list(_standing(event, field))
    if len(found) > 1 or (
        any(each not in (None, {}, []) for each in found) and next(lookup(event, field), None) is None
    ):
        return False
    for value in found:
        if isinstance(value, list):
            if not array or any(isinstance(member, list | dict) for member in value):
                return False
        elif array and value is not None and value != {}:
            return False
    return True


def _standing(event: Event, name: str) -> Iterable[Any]:
    """Yield what stands at a dotted name, however its dots are spread over keys and nesting."""
    if name in event:
        yield event[name]
    for at in (index for index, character in enumerate(name) if character == "."):
        inner = event.get(name[:at])
        if isinstance(inner, dict):
            yield from _standing(inner, name[at + 1 :])
        elif isinstance(inner, list):  # members of an array have names of their own in a SIEM
            yield inner
