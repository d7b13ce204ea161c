"""A row of the pipeline: what its fields hold, and what Splunk itself adds to every event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from ruleengine_oracles.spl import number
from ruleengine_oracles.spl.ingest import RAW, TIME
from ruleengine_oracles.spl.problem import Undecided, Undocumented

Scalar = float | str
Value = Scalar | list[str] | None
"""NULL is None; a list is a multivalue field with two values or more."""
Lookups = Mapping[str, list[dict[str, str]]]

ENVIRONMENT = frozenset({"index", "sourcetype", "source", "host", "eventtype", "tag"})
"""Where an event was found rather than what it says."""

DEFAULTS = frozenset(
    "linecount punct splunk_server splunk_server_group timestartpos timeendpos date_hour date_mday date_minute"
    " date_month date_second date_wday date_year date_zone".split()
)
"""Fields that Splunk adds to events (manual "Use default fields"): the oracle does not know their values."""


@dataclass(frozen=True)
class Row:
    """One event on its way through the pipeline."""

    values: dict[str, Value]
    environment: Mapping[str, list[str]] = field(default_factory=dict)
    lookups: Lookups = field(default_factory=dict)

    def read(self, name: str) -> Value:
        """Return what a field holds; raise Undocumented where Splunk's own fields stand in the way."""
        if name in self.environment:
            return packed(self.environment[name])
        if name in ENVIRONMENT or name in DEFAULTS:
            raise Undocumented(f"what {name} is depends on where the search runs: give it in `environment`")
        if name in (RAW, TIME) and name not in self.values:
            raise Undocumented(f"the row has no {name} of Splunk's own")
        return self.values.get(name)

    def put(self, name: str, value: Value) -> Row:
        """Return the row with a field set; NULL takes the field away [K]."""
        if name in self.environment:
            return replace(self, environment={**self.environment, name: texts(value)})
        rest = {known: held for known, held in self.values.items() if known != name}
        return replace(self, values=rest if value is None else rest | {name: value})


def packed(texts: list[str]) -> Value:
    """Return values as a field holds them: a single one is no multivalue field [K]."""
    return list(texts) if len(texts) > 1 else texts[0] if texts else None


def texts(value: Value) -> list[str]:
    """Return the values of a field as texts."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [text(value)]


def text(value: Scalar) -> str:
    return value if isinstance(value, str) else number.written(value)


def holds_for_all(conditions: Iterable[Callable[[], bool]]) -> bool:
    """Return whether all conditions hold. One that is Undecided does not matter where another is false.

    Every condition is looked at: what is Undocumented is so whatever the others say.
    """
    doubt: Undecided | None = None
    result = True
    for condition in conditions:
        try:
            result &= condition()
        except Undecided as problem:
            doubt = problem
    if result and doubt:
        raise doubt
    return result


def holds_for_any(conditions: Iterable[Callable[[], bool]]) -> bool:
    """Return whether some condition holds; the mirror image of `holds_for_all`."""
    return not holds_for_all(partial(fails, condition) for condition in conditions)


def fails(condition: Callable[[], bool]) -> bool:
    return not condition()


def one_text(value: Value) -> str | None:
    """Return the text of a field that has one value at most, where the manuals say nothing of several."""
    if isinstance(value, list):
        raise Undocumented("no manual says what this command does with a multivalue field")
    return None if value is None else text(value)
