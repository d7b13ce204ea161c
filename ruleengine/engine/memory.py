"""What an engine remembers of values it has seen: tables that share one bound and are emptied together."""

from __future__ import annotations

from typing import Any

LIMIT = 48 << 20
"""Bytes that all tables of an engine may hold, by estimate."""

LONGEST = 512
"""Characters of the longest value that is remembered."""

ENTRY = 250
"""Bytes of an entry beside its value and its mask."""


class Memory:
    """The tables of an engine. They only save time: what is in them can be worked out again."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = self._left = limit
        self._tables: list[dict[Any, Any]] = []

    def table(self) -> dict[Any, Any]:
        """Return a new table."""
        made: dict[Any, Any] = {}
        self._tables.append(made)
        return made

    def take(self, size: int) -> None:
        """Make room for an entry of so many bytes, or empty all tables."""
        self._left -= size + ENTRY
        if self._left < 0:
            self._left = self._limit
            for table in self._tables:
                table.clear()
