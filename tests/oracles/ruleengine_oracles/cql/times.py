"""The parts of a time in UTC, as the functions `time:…` give them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from ruleengine_oracles.cql.problems import Undocumented

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

PARTS: dict[str, Callable[[datetime], int]] = {
    "time:hour": lambda when: when.hour,
    "time:minute": lambda when: when.minute,
    "time:dayOfMonth": lambda when: when.day,
    "time:dayOfWeek": lambda when: when.isoweekday(),  # [D] 1 is Monday
    "time:weekOfYear": lambda when: when.isocalendar().week,  # [D] as ISO 8601 has it
    "time:month": lambda when: when.month,
    "time:year": lambda when: when.year,
}


def part(name: str, value: str) -> str:
    """Return a part of a time, which is in whole milliseconds since 1970 as LogScale keeps it."""
    if not re.fullmatch(r"-?[0-9]{1,15}", value):
        raise Undocumented(f"{name}() of {value!r}, which is no time in milliseconds")
    try:
        return str(PARTS[name](EPOCH + timedelta(milliseconds=int(value))))
    except OverflowError:
        raise Undocumented(f"{name}() of {value!r}, which is beyond the calendar") from None


def default_field(name: str) -> str:
    """Return where `time:hour` puts its result without `as`: `_hour`, and so on [D]."""
    return "_" + name.removeprefix("time:")
