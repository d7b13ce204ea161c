"""Decodes some lines of JSON and finds the plan of each event: all at once when nothing is out of the ordinary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec

from ruleengine.engine.plans import UNFINISHED, Plan, Planner
from ruleengine.events import ANNOTATION, flatten
from ruleengine.events.complaints import Complaints
from ruleengine.events.json_text import DEPTH_LIMIT, decode
from ruleengine.values import Event

BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the decoder raises for a line that it cannot read."""

_decode = msgspec.json.Decoder().decode


@dataclass(slots=True)
class Step:
    """Some events, each with its number of line, its plan, and the line; None where the line isn't what is in it."""

    numbers: Sequence[int]
    events: list[Event]
    plans: list[Plan]
    lines: Sequence[bytes | None]


def step(data: bytes, first: int, planner: Planner, complaints: Complaints) -> tuple[int, Step]:
    """Return how many lines there are, and their events; what is broken is told and left out."""
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return len(lines), _all_at_once(data, lines, first, planner) or _one_by_one(lines, first, planner, complaints)


def _all_at_once(data: bytes, lines: list[bytes], first: int, planner: Planner) -> Step | None:
    """Return the events of lines of which none is broken or nested; None if some line has to be looked at by itself.

    As long as all is as before, no line is looked at in Python: that would cost as much again as decoding it.
    """
    if _brackets(data) > len(lines) - 1 + DEPTH_LIMIT and any(_brackets(line) > DEPTH_LIMIT for line in lines):
        return None
    try:
        events = list(map(_decode, lines))
    except BROKEN:
        return None
    if set(map(type, events)) != {dict}:
        return None
    try:
        shapes = list(map(planner.shapes.__getitem__, map(tuple, events)))
        plans = [shape.plans[shape.key(event)] for shape, event in zip(shapes, events, strict=True)]
    except (KeyError, TypeError):  # a new shape, a new log source, or a list where its name should be
        if not UNFINISHED.isdisjoint(chain.from_iterable(events)):
            return None
        plans = list(map(planner.plan, events))
    return Step(range(first, first + len(lines)), events, plans, lines)


def _one_by_one(lines: list[bytes], first: int, planner: Planner, complaints: Complaints) -> Step:
    """Return the events of lines of which some may be broken, repaired, blank, or unlike any before."""
    found = Step([], [], [], [])
    numbers, texts = list[int](), list[bytes | None]()
    for number, line in enumerate(lines, first):
        text: bytes | None = line
        event = _sound(line)
        if event is None:
            event, text = decode(line, complaints, number), None
            if event is None:
                continue
        if "Event" in event:
            event, text = flatten(event), None
        event.pop(ANNOTATION, None)
        numbers.append(number)
        texts.append(text)
        found.events.append(event)
        found.plans.append(planner.plan(event))
    found.numbers, found.lines = numbers, texts
    return found


def _sound(line: bytes) -> Event | None:
    """Return the event of a line that is one, and not nested too deeply."""
    try:
        event: Any = _decode(line)
    except BROKEN:
        return None
    return event if type(event) is dict and _brackets(line) <= DEPTH_LIMIT else None


def _brackets(data: bytes) -> int:
    """Return how many objects and arrays may begin in some data; `count` takes many times as long in Python 3.11."""
    return 2 * len(data) - len(data.replace(b"{", b"")) - len(data.replace(b"[", b""))
