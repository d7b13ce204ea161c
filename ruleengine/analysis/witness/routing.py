"""What an event must carry so that rules of a log source are asked about it: a channel and an id, or plain hints."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from ruleengine.ir import LogSource
from ruleengine.schema.logsources import channels_of, conflict, event_source, service_name
from ruleengine.schema.tables import table
from ruleengine.values import Event

MOST = 12
"""How many ways to be routed are tried for one log source."""


@lru_cache(maxsize=1 << 10)
def routes(logs: LogSource) -> tuple[tuple[tuple[str, str | int], ...], ...]:
    """Return the fields that could be added to an event, each set of which is of this log source; the best first."""
    found = [route for route in _routes(logs) if conflict(logs, event_source(dict(route))) is None]
    return (*found[:MOST], ())


def _routes(logs: LogSource) -> Iterator[tuple[tuple[str, str | int], ...]]:
    category = (logs.category or "").lower()
    if category or logs.service:
        channels = channels_of(logs)
        for channel, _, service, number, categories in table("channels.tsv").rows:
            if channel in channels and (
                category in categories.split() if category else service == service_name(logs.service)
            ):
                if category and number != "*":
                    yield (("Channel", channel), ("EventID", int(number)))
                else:
                    yield (("Channel", channel),)
    stated = (("_product", logs.product), ("_service", logs.service), ("_category", logs.category))
    yield tuple((name, value) for name, value in stated if value)


def routed(event: Event, route: tuple[tuple[str, str | int], ...]) -> Event:
    """Return an event with the fields of a route in front; what the event has itself stays."""
    return {**dict(route), **event}


def refused(logs: LogSource, event: Event) -> str | None:
    """Return why a rule of this log source is not asked about an event; None when it is."""
    return conflict(logs, event_source(event))
