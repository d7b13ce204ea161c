"""Which fields the events of a log source have, so that a misspelt one can be told from one we have not heard of.

The tables lie in `fields/`; each says where its names come from. A set is complete only where every name that such an
event can carry is listed; only then does a missing name mean anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal, cast

from ruleengine.ir import LogSource
from ruleengine.schema.event_schemas import schema_of
from ruleengine.schema.logsources import service_name
from ruleengine.schema.tables import names, table
from ruleengine.suggest import nearest

FieldType = Literal["string", "integer", "number", "boolean", "ip", "time", "list", "object"]
_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class FieldSet:
    """The fields of one log source with their types; `complete` says that there are no others."""

    types: Mapping[str, FieldType]
    complete: bool

    def knows(self, name: str) -> bool:
        """Say whether a field may be there: listed, or the list is open, or the name belongs to another scheme.

        Names that begin with `_` are ours; where no listed name has a dot, one with a dot is of another taxonomy.
        """
        if name in self.types or not self.complete or name.startswith("_"):
            return True
        return "." in name and not any("." in known for known in self.types)

    def suggest(self, name: str) -> str | None:
        """Return the field that a misspelt name is nearest to, or None."""
        return None if name in self.types else nearest(name, self.types)


def fields_of(logs: LogSource) -> FieldSet | None:
    """Return the fields of a log source, or None where nothing is known of it.

    A category says more than a service: a rule about `windows`/`process_creation` is about that, whatever its service.
    """
    product, category = (logs.product or "-").lower(), (logs.category or "-").lower()
    service = service_name(logs.service) or "-"
    asked = (product, category, service), (product, category, "-"), ("-", category, service), ("-", category, "-")
    if schema := schema_of(logs):
        return FieldSet(MappingProxyType({field.name: field.type for field in schema.fields.values()}), True)
    for key in asked if category != "-" else asked[:1]:
        if key in _written() and key != ("-", "-", "-"):
            return _gathered(key)
    return None


def log_sources() -> tuple[LogSource, ...]:
    """Return every log source whose fields are known, wholly or in part."""
    known = ((part if part != "-" else None for part in key) for key in _written() if not key[0].startswith("@"))
    return tuple(LogSource(product=product, category=category, service=service) for product, category, service in known)


@cache
def _gathered(key: _Key) -> FieldSet:
    return FieldSet(MappingProxyType(_types(key)), _written()[key][0] == "yes")


def _types(key: _Key) -> dict[str, FieldType]:
    _, include, own = _written()[key]
    found: dict[str, FieldType] = {}
    for shared in include.split(","):
        if shared != "-":
            found |= _types((f"@{shared}", "-", "-"))
    for written in own.split():
        name, _, kind = written.partition(":")
        if name != "-":
            found[name] = cast(FieldType, kind or "string")
    return found


@cache
def _written() -> dict[_Key, tuple[str, str, str]]:
    rows = (row for file in names("fields") for row in table(f"fields/{file}").rows)
    return {
        (product, category, service): (complete, include, own)
        for product, category, service, complete, include, own in rows
    }
