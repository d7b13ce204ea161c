"""Finds all literals in a block of lines at once, with Hyperscan."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

import hyperscan

from ruleengine.shelf import Store

KIND = "automata"

ESCAPED = 0
"""The number that is found where a line writes a character in a way that literals do not (`\\u0041`, `\\/`)."""

_ESCAPES = rb"[^\\](?:\\\\)*\\(?:u|/)"
_FLAGS = hyperscan.HS_FLAG_CASELESS

Found = list[tuple[int, int]]
"""Numbers of literals, from 1 on in their order, and where each ends in the block."""


class Automaton:
    """Looks for literals, case of ASCII letters aside; it may be used by several threads at once."""

    def __init__(self, database: hyperscan.Database) -> None:
        self._database = database
        self._own = threading.local()

    @classmethod
    def of(cls, literals: Sequence[str], store: Store | None = None) -> Automaton:
        """Return the automaton of some literals, a character for each byte; the store may have it already."""
        key = "\n".join(literals).encode("latin-1")
        kept = store.get(KIND, key) if store is not None else None
        if kept is not None:
            with suppress(hyperscan.error):
                return cls(hyperscan.loadb(kept, hyperscan.HS_MODE_BLOCK))
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        expressions = [_ESCAPES, *(re.escape(literal.encode("latin-1")) for literal in literals)]
        database.compile(
            expressions=expressions,
            ids=list(range(len(expressions))),
            elements=len(expressions),
            flags=[0, *[_FLAGS] * len(literals)],
        )
        if store is not None:
            store.put(KIND, key, hyperscan.dumpb(database))
        return cls(database)

    def scan(self, data: bytes) -> Found:
        """Return every literal that ends somewhere in the data, in the order of their ends."""
        found: Found = []

        def tell(number: int, _from: int, end: int, *_: object) -> None:
            found.append((number, end))

        self.tell(data, tell)
        return found

    def tell(self, data: bytes, told: Callable[..., None]) -> None:
        """Call with the number of every literal in the data, a zero, and where it ends, in the order of the ends."""
        self._database.scan(data, match_event_handler=told, scratch=self._scratch())

    def _scratch(self) -> hyperscan.Scratch:
        """Return the room to work in that belongs to this thread."""
        scratch = getattr(self._own, "scratch", None)
        if scratch is None:
            scratch = self._own.scratch = hyperscan.Scratch(self._database)
        return scratch
