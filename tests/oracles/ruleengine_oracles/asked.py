"""The oracles as `ruleengine verify` asks them: a query is read once, and each event comes with its time."""

from __future__ import annotations

from typing import Any

from ruleengine_oracles import cql, spl


class Splunk:
    """The interpreter of SPL."""

    refusals = (spl.Unknown, spl.Undocumented)

    @staticmethod
    def parse(query: str) -> Any:
        """Return the query ready to be asked."""
        return spl.parse(query)

    @staticmethod
    def matches(query: Any, event: dict[str, Any], us: int) -> bool:
        """Say whether an event of this time (microseconds since 1970) comes out of a query."""
        return spl.matches(query, event, time=us / 1_000_000)


class LogScale:
    """The interpreter of CQL."""

    refusals = (cql.Unknown, cql.Undocumented)

    @staticmethod
    def parse(query: str) -> Any:
        """Return the query ready to be asked."""
        return cql.parse(query)

    @staticmethod
    def matches(query: Any, event: dict[str, Any], us: int) -> bool:
        """Say whether an event of this time (microseconds since 1970) comes out of a query."""
        return cql.matches(query, event, timestamp_ms=us // 1000)
