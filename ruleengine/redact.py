"""Hides what schemas mark as sensitive before an event is shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ruleengine.ir import LogSource
from ruleengine.schema.event_schemas import sensitive_fields
from ruleengine.schema.logsources import EventSource
from ruleengine.values import Event

HIDDEN = "[redacted]"


def hidden_fields(logs: LogSource, source: EventSource) -> frozenset[str]:
    """Return the fields to hide: those of the rule's log source and of the one that the event states."""
    stated = LogSource(product=source.product, service=source.service)
    return sensitive_fields(logs) | sensitive_fields(stated)


def redacted(event: Event, fields: Iterable[str]) -> Event:
    """Return the event with every value of these fields hidden; a field is a literal key or a path, as in rules."""
    out = event
    for field in fields:
        if field in out:
            out = {**out, field: HIDDEN}
        else:
            out = _hide(out, field.split("."))
    return out


def _hide(value: Any, path: list[str]) -> Any:
    """Return a copy in which the end of a path is hidden; what is not on the path is shared."""
    if isinstance(value, list):
        return [_hide(member, path) for member in value]
    if not isinstance(value, dict) or path[0] not in value:
        return value
    below = value[path[0]]
    hidden = (HIDDEN if below is not None else None) if len(path) == 1 else _hide(below, path[1:])
    return {**value, path[0]: hidden}
