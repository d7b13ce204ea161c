"""Instants: the forms of time that events carry, read to whole microseconds since 1970 in UTC."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from ruleengine.values import DECIMAL, Event, Scalar, scalars

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

ISO = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:[.,](?P<fraction>[0-9]+))?\s?(?P<zone>[Zz]|[+-][0-9]{2}:?[0-9]{2})?\Z"
)
COMMON_LOG = re.compile(
    r"\[?(?P<day>[0-9]{2})/(?P<month>[A-Z][a-z]{2})/(?P<year>[0-9]{4}):(?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r" (?P<zone>[+-][0-9]{4})\]?\Z"
)
SYSLOG = re.compile(r"(?P<month>[A-Z][a-z]{2}) +(?P<day>[0-9]{1,2}) (?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2})\Z")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

EPOCH_UNITS = ((10**11, 10**6), (10**14, 10**3), (10**17, 1))
"""Below each size an epoch number is in units of this many microseconds; above all, it is in nanoseconds."""


def instant_us(value: Scalar, year: int | None = None) -> int | None:
    """Return the instant a value says, in microseconds since 1970-01-01 UTC, cut off; None if it says none.

    Forms: RFC 3339, the same without a zone (UTC), common log format, epoch numbers, and, when the year is given,
    RFC 3164 (`Oct 11 22:14:15`).
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float) or DECIMAL.match(value):
        return _epoch_us(value)
    try:
        return _written_us(value, year)
    except (ValueError, OverflowError):
        return None


def _epoch_us(value: Scalar) -> int | None:
    if isinstance(value, str) and len(value) > 40:
        return None
    exact = Decimal(repr(value) if isinstance(value, float) else value)
    if not exact.is_finite() or abs(exact) >= 10**31:  # beyond all time, and beyond what decimals divide
        return None
    for limit, unit in EPOCH_UNITS:
        if abs(exact) < limit:
            return int(exact * unit // 1)
    return int(exact // 1000)


def _written_us(value: str, year: int | None) -> int | None:
    if found := ISO.match(value):
        date, fraction = found["date"], (found["fraction"] or "")[:6].ljust(6, "0")
        zone = found["zone"] or "Z"
    elif found := COMMON_LOG.match(value):
        date, fraction = f"{found['year']}-{_month(found['month'])}-{found['day']}", "000000"
        zone = found["zone"]
    elif year is not None and (found := SYSLOG.match(value)):
        date, fraction = f"{year:04}-{_month(found['month'])}-{int(found['day']):02}", "000000"
        zone = "Z"
    else:
        return None
    clock = found["clock"]
    leap = clock.endswith(":60")  # RFC 3339 allows a leap second; it is the second after :59
    moment = datetime.fromisoformat(f"{date}T{clock[:-2] + '59' if leap else clock}").replace(tzinfo=_zone(zone))
    return (moment - EPOCH) // MICROSECOND + int(fraction) + (1_000_000 if leap else 0)


def _month(name: str) -> str:
    return f"{MONTHS.index(name) + 1:02}"


def _zone(written: str) -> timezone:
    if written in "Zz":
        return UTC
    hours, minutes = int(written[1:3]), int(written[-2:])
    if minutes > 59:
        raise ValueError(written)
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if written[0] == "-" else offset)


TIME_FIELDS = (
    "@timestamp",
    "_time",
    "timestamp",
    "SystemTime",
    "UtcTime",
    "EventTime",
    "eventTime",
    "event_time",
    "ts",
    "time",
)
"""The fields that say when an event was, the first that can be read winning."""


def event_us(event: Event, fields: Sequence[str] = TIME_FIELDS) -> int | None:
    """Return when an event was, in microseconds since 1970 in UTC; None if no field of it says."""
    for field in fields:
        for value in scalars(event, field):
            us = instant_us(value)
            if us is not None:
                return us
    return None


def moment(us: int) -> datetime | None:
    """Return an instant in UTC as a datetime; None outside the years 1 to 9999."""
    try:
        return EPOCH + timedelta(microseconds=us)
    except OverflowError:
        return None
