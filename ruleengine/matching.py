"""Rules over events: each event is asked by the rules that its log source concerns, and the matches come in order."""

from __future__ import annotations

from collections.abc import Sequence

from ruleengine.load import Loaded
from ruleengine.meaning import Seen, holds
from ruleengine.schema.logsources import DEFAULT, EventSource, HintFields, router, source_reader
from ruleengine.values import Event


class Matcher:
    """Rules about one event, ready to be asked; `events` and `hits` count what was seen."""

    def __init__(self, rules: Sequence[Loaded], hints: HintFields = DEFAULT) -> None:
        self.rules = tuple(loaded for loaded in rules if loaded.expr is not None)
        self.events = 0
        self.hits = 0
        self._source = source_reader(hints)
        self._asked = router([loaded.rule.logs for loaded in self.rules])

    def matches(self, event: Event) -> tuple[EventSource, list[Loaded]]:
        """Return what the event states about its log source, and the rules that match it, in their order."""
        source = self._source(event)
        seen = Seen(event)
        found = [
            loaded
            for loaded in (self.rules[index] for index in self._asked(source))
            if loaded.expr is not None and holds(loaded.expr, seen)
        ]
        self.events += 1
        self.hits += len(found)
        return source, found
