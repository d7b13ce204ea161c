"""Which log source an event comes from, and whether a rule about some log source is asked about it.

The law is section 3 of meaning.md: an event states a product and a service as one name each and categories as a set,
by hints (`_product`, `_service`, `_category`) or by the table of channels; a rule is not asked about an event that
states something else. The table is `channels.tsv`, from the taxonomy of the Sigma specification 2.1.0. Names compare
without case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, NamedTuple

from ruleengine.ir import LogSource
from ruleengine.schema.tables import table

_MEMO = 4096
"""How many distinct events' answers are kept; a hostile stream of ever new ids only makes the memo start again."""

_ANSWERS = 512
"""The same for a router, whose answers are longer."""

_LONGEST = 200
"""A longer text is no name: it is not remembered, and cut where it is shown."""

_SAME_SERVICE = {"microsoft-servicebus-client": "servicebus-client", "ldap_debug": "ldap"}
"""Older names of services that rules still use (Sigma taxonomy, history of 2.0.0)."""

_INCLUDES = {f"registry_{kind}": "registry_event" for kind in ("add", "set", "delete", "rename")}
"""Categories that are part of a wider one."""


@dataclass(frozen=True, slots=True)
class EventSource:
    """What an event says about its log source; None is "not stated", and no categories at all is the empty set.

    `complete` says that a channel of the table decided: then no service means that the event belongs to none.
    """

    product: str | None
    service: str | None
    categories: frozenset[str] | None
    complete: bool
    why: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class HintFields:
    """The fields that state a log source in plain words: a key of the event, or a path with dots."""

    product: str = "_product"
    service: str = "_service"
    category: str = "_category"


DEFAULT = HintFields()

Reader = Callable[[Mapping[str, Any]], EventSource]
Router = Callable[[EventSource], tuple[int, ...]]


class _Channel(NamedTuple):
    product: str
    service: str | None
    categories: dict[str, frozenset[str]]


def event_source(event: Mapping[str, Any], hints: HintFields = DEFAULT) -> EventSource:
    """Return what an event states about its log source."""
    return _usual(event) if hints is DEFAULT else source_reader(hints)(event)


@cache
def source_reader(hints: HintFields = DEFAULT) -> Reader:
    """Return `event_source` for these hint fields; it remembers its answers by the few values that decide."""
    product, service, category = hints.product, hints.service, hints.category
    plain = "." not in product + service + category
    memo: dict[tuple[Any, ...], EventSource] = {}

    def read(event: Mapping[str, Any]) -> EventSource:
        get = event.get if plain else partial(_look, event)
        key = (get("Channel"), get("EventID"), get("Provider_Name"), get(product), get(service), get(category))
        try:
            known = memo.get(key)
        except TypeError:  # a list or an object among them
            return _source(key, hints)
        if known is None:
            known = _source(key, hints)
            if len(memo) >= _MEMO:
                memo.clear()
            if all(map(may_be_remembered, key)):
                memo[key] = known
        return known

    return read


def may_be_remembered(part: Any) -> bool:
    """Say whether a value that an event gives may be a key of what is remembered of log sources.

    A long text is no name; and many large numbers have one hash, so that somebody could make us look at all of them.
    """
    if isinstance(part, str):
        return len(part) <= _LONGEST
    return part is None or (isinstance(part, int | float) and abs(part) < 1 << 32)


def conflict(logs: LogSource, source: EventSource) -> str | None:
    """Return None when a rule of this log source is asked about the event, else a sentence that says why it is not."""
    product, category = _name(logs.product), _name(logs.category)
    service = service_name(logs.service)
    if product and source.product and product != source.product:
        return f"the rule is about product {product}, the event ({source.why}) is of product {source.product}"
    if service and service != source.service and (source.service or source.complete):
        stated = f"of service {source.service}" if source.service else "of no service that Sigma names"
        return f"the rule is about service {service}, the event ({source.why}) is {stated}"
    if category and source.categories is not None and category not in source.categories:
        one = "categories" if len(source.categories) > 1 else "category"
        stated = f"of {one} {', '.join(sorted(source.categories))}" if source.categories else "of no category"
        return f"the rule is about category {category}, the event ({source.why}) is {stated}"
    return None


def router(rules: Sequence[LogSource]) -> Router:
    """Return a function that gives, for an event's source, the indices of the rules to ask, in ascending order.

    Each answer is worked out once per distinct source and then remembered.
    """
    groups: dict[LogSource, list[int]] = {}
    for index, logs in enumerate(rules):
        key = LogSource(category=_name(logs.category), product=_name(logs.product), service=service_name(logs.service))
        groups.setdefault(key, []).append(index)
    memo: dict[EventSource, tuple[int, ...]] = {}

    def ask(source: EventSource) -> tuple[int, ...]:
        known = memo.get(source)
        if known is None:
            if len(memo) >= _ANSWERS:
                memo.clear()
            asked = (indices for logs, indices in groups.items() if conflict(logs, source) is None)
            known = memo[source] = tuple(sorted(index for indices in asked for index in indices))
        return known

    return ask


def channels_of(logs: LogSource) -> tuple[str, ...]:
    """Return the channels whose events a rule of this log source can be asked about, as Windows spells them."""
    return tuple(
        spelled for name, spelled in _spelled().items() if any(conflict(logs, source) is None for source in _rows(name))
    )


def _source(key: tuple[Any, ...], hints: HintFields) -> EventSource:
    channel, event_id, provider, *stated = key
    product, service = _name(stated[0]), service_name(stated[1])
    categories = _categories(stated[2])
    number, name = _number(event_id), _name(channel)
    row = _channels().get(name or "") or _by_provider(provider)
    shown = _shown(channel, number, provider)
    if name and (row or number is not None or provider or product == "windows"):
        row = row or _Channel("windows", None, {"*": frozenset()})
        if product in (None, row.product):  # else it only has a field that is called Channel
            return EventSource(row.product, row.service, _of(row, number), True, shown)
    said = [f"{field}={str(value)[:_LONGEST]}" for field, value in _stated(hints, stated) if value is not None]
    if not row or product not in (None, row.product):
        return EventSource(product, service, categories, False, ", ".join(said) or "nothing says what it is")
    categories = categories or _of(row, number) or None  # without a channel the table says what is, not what is not
    return EventSource(row.product, service or row.service, categories, False, ", ".join([*said, shown]))


def _stated(hints: HintFields, values: list[Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(zip((hints.product, hints.service, hints.category), values, strict=True))


def _of(row: _Channel, number: str | None) -> frozenset[str] | None:
    """Return the categories of an event of this channel: not stated if its id would decide and it has none."""
    every = row.categories.get("*")
    if every is not None:
        return every
    return None if number is None else row.categories.get(number, frozenset())


def _shown(channel: Any, number: str | None, provider: Any) -> str:
    parts = (("Channel", channel), ("EventID", number), ("Provider_Name", None if channel else provider))
    return ", ".join(f"{name} {str(value)[:_LONGEST]}" for name, value in parts if value is not None)


def _name(value: Any) -> str | None:
    """Return a name as it is compared; anything but a text that says something is no name."""
    return value.strip().lower() or None if isinstance(value, str) else None


def service_name(value: Any) -> str | None:
    """Return the name of a service as it is compared: an older name becomes the present one; None for no name."""
    name = _name(value)
    return _SAME_SERVICE.get(name, name) if name else None


def _categories(value: Any) -> frozenset[str] | None:
    stated = {name for item in (value if isinstance(value, list) else [value]) if (name := _name(item))}
    return frozenset(stated | {_INCLUDES[name] for name in stated if name in _INCLUDES}) or None


def _number(value: Any) -> str | None:
    """Return an event id as its digits: it may be a number or a text."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        return str(int(value)) if 0 <= value < 1 << 32 else None
    digits = value.strip() if isinstance(value, str) else ""
    return digits.lstrip("0") or "0" if digits.isdecimal() and digits.isascii() else None


def _look(event: Mapping[str, Any], name: str) -> Any:
    """Return the value of a hint field: a literal key first, else a path through objects."""
    if name in event:
        return event[name]
    value: Any = event
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _by_provider(provider: Any) -> _Channel | None:
    return _channels().get(_providers().get(_name(provider) or "", ""))


@cache
def _channels() -> dict[str, _Channel]:
    channels: dict[str, _Channel] = {}
    for name, product, service, event_id, categories in table("channels.tsv").rows:
        row = channels.setdefault(name.lower(), _Channel(product, None if service == "-" else service, {}))
        row.categories[event_id] = frozenset(() if categories == "-" else categories.split())
    return channels


@cache
def _spelled() -> dict[str, str]:
    return {row[0].lower(): row[0] for row in table("channels.tsv").rows}


def _rows(name: str) -> tuple[EventSource, ...]:
    row = _channels()[name]
    return tuple(EventSource(row.product, row.service, found, True, name) for found in row.categories.values())


@cache
def _providers() -> dict[str, str]:
    return {provider.lower(): channel.lower() for provider, channel in table("providers.tsv").rows}


_usual = source_reader(DEFAULT)
