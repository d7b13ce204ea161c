"""What our own kinds of events look like: the fields of the platform's signups, logins, payments and the like.

The files lie in `platform/`, one a log source; their form is `event_schema.schema.json`. Names follow the Elastic
Common Schema (9.5) where it has one; everything else begins with `abuse.`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from ruleengine.ir import LogSource
from ruleengine.schema.tables import names, text

PRODUCT = "platform"
"""The product of every schema that is shipped."""

EventFieldType = Literal["string", "integer", "number", "boolean", "ip", "time"]


@dataclass(frozen=True, slots=True)
class EventField:
    """One field: its type, whether it holds several values, whether output hides it, what kind of thing it names."""

    name: str
    type: EventFieldType
    about: str
    example: Any
    array: bool = False
    sensitive: bool = False
    entity: str | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventSchema:
    """The fields of the events of one log source, and which of them are its time and its id."""

    product: str | None
    category: str | None
    service: str | None
    title: str
    time: str | None
    id: str | None
    fields: Mapping[str, EventField]


def schema_of(logs: LogSource) -> EventSchema | None:
    """Return the schema of exactly this log source, or None; the names compare without case."""
    if (logs.product or "").lower() != PRODUCT:
        return None
    return next((known for known in schemas() if _names(known) == _names(logs)), None)


def sensitive_fields(logs: LogSource) -> frozenset[str]:
    """Return the fields to hide in the output of rules of this log source.

    What the log source leaves open counts for every schema that it may mean, so that nothing is shown by mistake.
    """
    wanted = _names(logs)
    if wanted[0] not in (None, PRODUCT):
        return frozenset()
    return frozenset(
        field.name
        for known in schemas()
        if all(mine in (None, its) for mine, its in zip(wanted, _names(known), strict=True))
        for field in known.fields.values()
        if field.sensitive
    )


@cache
def schemas() -> tuple[EventSchema, ...]:
    """Return every schema that is shipped."""
    files = {name.removesuffix(".toml"): tomllib.loads(text(f"platform/{name}")) for name in names("platform")}
    return tuple(_schema(written, files) for written in files.values() if "product" in written)


def _schema(written: dict[str, Any], files: dict[str, dict[str, Any]]) -> EventSchema:
    fields: dict[str, EventField] = {}
    for source in (*(files[name] for name in written.get("include", ())), written):
        fields |= {name: _field(name, of) for name, of in source["fields"].items()}
    product, category, service = (written.get(key) for key in ("product", "category", "service"))
    time, id = written.get("time"), written.get("id")
    return EventSchema(product, category, service, written["title"], time, id, MappingProxyType(fields))


def _field(name: str, written: dict[str, Any]) -> EventField:
    return EventField(name=name, **{**written, "values": tuple(written.get("values", ()))})


def _names(of: LogSource | EventSchema) -> tuple[str | None, ...]:
    return tuple(part.lower() if part else None for part in (of.product, of.category, of.service))
