"""How an event, a JSON object, becomes the fields that a Splunk search sees (our ingest contract)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any

RAW = "_raw"
TIME = "_time"


def ingest(event: Mapping[str, Any], *, empty_survives: bool = True, time: float | None = None) -> dict[str, list[str]]:
    """Return the fields of an event, each a list of one or more texts; a missing field is absent.

    Automatic JSON extraction names nested members `a.b` and the members of arrays `a{}` and `a{}.b` [K]. The line
    itself is `_raw`, and `time` (epoch seconds) is `_time`; without a time there is no `_time`. An event that has such
    a member gets neither it nor Splunk's: reading it is Undocumented. Whether an empty string becomes a field depends
    on the installation [K]: `empty_survives` decides.
    """
    fields: dict[str, list[str]] = {}
    for key, member in event.items():
        for name, text in members(key, member):
            if name not in (RAW, TIME) and (text or empty_survives):
                fields.setdefault(name, []).append(text)
    if RAW not in event:
        fields[RAW] = [json.dumps(event, ensure_ascii=False, separators=(",", ":"))]
    if TIME not in event and time is not None:
        fields[TIME] = [written(time)]
    return fields


def members(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Return the names and texts that a value gives, in its order; null, {} and [] give none."""
    if isinstance(value, Mapping):
        for key, member in value.items():
            yield from members(f"{name}.{key}", member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from members(f"{name}{{}}", member)
    elif value is not None:
        yield name, written(value)


def written(value: Any) -> str:
    """Return the text of a JSON scalar: `true`, an integer's digits, the shortest decimal of a float."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and isfinite(value):
        text = format(Decimal(repr(value)), "f") if value else "0"
        return text.rstrip("0").rstrip(".") if "." in text else text
    raise ValueError(f"{value!r} is no JSON value")
