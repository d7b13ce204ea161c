"""Emitted modules as `ruleengine verify` asks them: they are Python, so Python itself is their interpreter."""

from __future__ import annotations

from typing import Any

from ruleengine.values import Event


class Module:
    """Runs modules of one rule."""

    refusals = (SyntaxError,)

    @staticmethod
    def parse(query: str) -> dict[str, Any]:
        """Return the names of a module that was run."""
        names: dict[str, Any] = {"__name__": "emitted"}
        exec(compile(query, "emitted.py", "exec", dont_inherit=True), names)  # noqa: S102  # our compiler wrote it
        return names

    @staticmethod
    def matches(query: dict[str, Any], event: Event, us: int) -> bool:
        """Say whether a module's rule matches an event; one that says no time of its own is of this time."""
        if "time_ns" in query:  # the clock that lists expire by
            query["time_ns"] = lambda: us * 1000
        return bool(query["matches"](event))
