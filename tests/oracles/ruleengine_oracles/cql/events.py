"""How an event is stored: flat fields with text values, as the ingest contract says."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ruleengine_oracles.cql.problems import Undocumented

OWN = frozenset({"@id", "@timestamp", "@ingesttimestamp", "@timestamp.nanos", "@timezone"})
"""Fields that LogScale gives each event: that they are missing here says nothing about the stored event."""

UNSEARCHED = ("@id", "@timestamp", "@ingesttimestamp")
"""Free text looks at every field but these and the tags [D L3]."""


def leaf(value: str | bool | float) -> str:
    """Return a scalar's text: digits of an integer, the shortest decimal of a float, `true` and `false`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Undocumented("JSON has no NaN and no infinity")
        return format(Decimal(repr(value)), "f")
    return str(value)


def leaves(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield (field, text): `a.b` below objects, `a[0]` below arrays; null, {} and [] give no field."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from leaves(below, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from leaves(below, f"{name}[{index}]")
    elif value is not None:
        yield name, leaf(value)


def ingest(event: dict[str, Any], timestamp_ms: float | None = None) -> dict[str, str]:
    """Return an event's fields; `@rawstring` is its compact JSON line, `@timestamp` whole milliseconds.

    The event's own time is `timestamp_ms`, or else the number in its member `@timestamp`; else it has none here.
    """
    fields: dict[str, str] = {}
    for name, value in leaves(event, ""):
        if fields.setdefault(name, value) != value:
            raise Undocumented(f"two members of the event give the field {name}")
    if "@rawstring" in fields:
        raise Undocumented("a member of the event is called @rawstring")
    fields["@rawstring"] = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    time = fields.pop("@timestamp", None)
    if timestamp_ms is not None:
        fields["@timestamp"] = str(math.floor(timestamp_ms))
    elif time is not None and re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", time):
        fields["@timestamp"] = str(math.floor(Decimal(time)))
    return fields


class Stored:
    """An event on its way through the pipeline."""

    def __init__(
        self, fields: dict[str, str], original: dict[str, str], doubtful: frozenset[str] | None = None
    ) -> None:
        """`original` is the event at the start; `doubtful` are fields of which nobody says whether they are set."""
        self.fields = fields
        self.original = original
        self.doubtful = set(doubtful or ())

    def get(self, name: str) -> str | None:
        """Return a field's value, None where it is missing."""
        if name in self.doubtful:
            raise Undocumented(f"whether {name} was set, in a branch of `case` that dropped the event or by match()")
        found = self.fields.get(name)
        if found is None and name in OWN:
            raise Undocumented(f"every stored event has {name}; this one was given none")
        return found

    def set(self, name: str, value: str) -> None:
        self.fields[name] = value
        self.doubtful.discard(name)

    def copy(self) -> Stored:
        return Stored(dict(self.fields), self.original, frozenset(self.doubtful))
