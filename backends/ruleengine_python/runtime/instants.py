"""Instants: the forms of time that events carry, read to whole microseconds since 1970 in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from ruleengine_python.runtime.values import Scalar, number

TIME_FIELDS = (
    *("@timestamp", "_time", "timestamp", "SystemTime", "UtcTime", "EventTime", "eventTime", "event_time"),
    *("ts", "time"),
)
"""The fields that say when an event was, the first that can be read winning."""


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time_part(value: Scalar, part: str) -> int | None:
    """Return a part (minute … year; weeks as in ISO 8601) of the instant that a value says, in UTC."""
    us = instant_us(value)
    if us is None:
        return None
    try:
        when = EPOCH + timedelta(microseconds=us)
    except OverflowError:
        return None
    return when.isocalendar().week if part == "week" else int(getattr(when, part))


def instant_us(value: Scalar) -> int | None:
    """Return the instant a value says, in microseconds since 1970-01-01 UTC, cut off; None if it says none.

    Forms: RFC 3339, the same without a zone (UTC), common log format, and epoch numbers.
    """
    exact = number(value)
    if exact is None:
        return written_us(value) if isinstance(value, str) else None
    if isinstance(value, str) and len(value) > 40:
        return None
    return epoch_us(Decimal(exact))


def epoch_us(exact: Decimal) -> int | None:
    """Return the instant of an epoch number: its size says whether it counts seconds, ms, µs or ns."""
    if abs(exact) >= 10**31:
        return None
    for limit, unit in ((10**11, 10**6), (10**14, 10**3), (10**17, 1)):
        if abs(exact) < limit:
            return int(exact * unit // 1)
    return int(exact // 1000)


CLOCK = r"(?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2})"
ISO = re.compile(
    rf"(?P<date>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[Tt ]{CLOCK}"
    r"(?:[.,](?P<fraction>[0-9]+))?\s?(?P<zone>[Zz]|[+-][0-9]{2}:?[0-9]{2})?\Z"
)
COMMON_LOG = re.compile(
    rf"\[?(?P<day>[0-9]{{2}})/(?P<month>[A-Z][a-z]{{2}})/(?P<year>[0-9]{{4}}):{CLOCK} (?P<zone>[+-][0-9]{{4}})\]?\Z"
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def written_us(value: str) -> int | None:
    """Return the instant that a text writes as a date, a time of day and perhaps a zone; None if it writes none."""
    if found := ISO.match(value):
        date, fraction, zone = found["date"], found["fraction"] or "", found["zone"] or "Z"
    elif (found := COMMON_LOG.match(value)) and found["month"] in MONTHS:
        month = MONTHS.index(found["month"]) + 1
        date, fraction, zone = f"{found['year']}-{month:02}-{found['day']}", "", found["zone"]
    else:
        return None
    clock = found["clock"]
    leap = clock.endswith(":60")  # RFC 3339 allows a leap second; it is the second after :59
    try:
        when = datetime.fromisoformat(f"{date}T{clock[:-2]}59" if leap else f"{date}T{clock}")
        since = when.replace(tzinfo=zone_of(zone)) - EPOCH
    except (ValueError, OverflowError):
        return None
    return since // timedelta(microseconds=1) + int(fraction[:6].ljust(6, "0")) + (1_000_000 if leap else 0)


def zone_of(written: str) -> timezone:
    """Return the zone of `Z`, `+01:00` or `+0100`; ValueError if there can be none."""
    if written in "Zz":
        return UTC
    hours, minutes = int(written[1:3]), int(written[-2:])
    if minutes > 59:
        raise ValueError(written)
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if written[0] == "-" else offset)
