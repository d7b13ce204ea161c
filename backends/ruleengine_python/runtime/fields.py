"""The fields of an event, and what can be asked of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from time import time_ns

from ruleengine_python.runtime.instants import TIME_FIELDS, instant_us, time_part
from ruleengine_python.runtime.values import (
    SAME,
    Event,
    Field,
    Pattern,
    Scalar,
    addresses,
    fold,
    like_test,
    network,
    number,
    regex_test,
    standing,
    text,
    values_of,
)


class Fields:
    """The fields of one event, each looked up once, and what can be asked of them.

    A field has no value, one, or several (an array); a question is answered with yes when some value is so.
    """

    __slots__ = ("_texts", "_values", "event")

    def __init__(self, event: Event) -> None:
        self.event = event
        self._values: dict[Field, list[Scalar]] = {}
        self._texts: dict[tuple[Field, bool], list[str]] = {}

    def values(self, field: Field) -> list[Scalar]:
        """Return the values of a field; an object is no value."""
        found = self._values.get(field)
        if found is None:
            found = self._values[field] = values_of(self.event, field)
        return found

    def texts(self, field: Field, cased: bool = False) -> list[str]:
        """Return the texts of the values of a field, folded to lower case unless case counts."""
        found = self._texts.get((field, cased))
        if found is None:
            texts = (text(value) for value in self.values(field))
            found = self._texts[field, cased] = list(texts) if cased else [fold(each) for each in texts]
        return found

    def numbers(self, field: Field) -> list[int | Decimal]:
        """Return the values of a field that are numbers, or texts that are wholly a decimal number."""
        found = (number(value) for value in self.values(field))
        return [each for each in found if each is not None]

    def time_parts(self, field: Field, part: str) -> list[int]:
        """Return a part (minute … year, ISO weeks) of each instant that the field says, in UTC."""
        found = (time_part(value, part) for value in self.values(field))
        return [each for each in found if each is not None]

    def exists(self, field: Field) -> bool:
        """Say whether there is a value, or an object with something in it."""
        if isinstance(field, tuple):
            return bool(self.values(field))
        return bool(standing(self.event, str(field)))

    def has_value(self, field: Field) -> bool:
        return bool(self.values(field))

    def equals(self, field: Field, wanted: Collection[str], *, cased: bool = False) -> bool:
        return any(each in wanted for each in self.texts(field, cased))

    def is_number(self, field: Field, wanted: Collection[int | Decimal]) -> bool:
        return any(each in wanted for each in self.numbers(field))

    def starts_with(self, field: Field, wanted: tuple[str, ...], *, cased: bool = False) -> bool:
        return any(each.startswith(wanted) for each in self.texts(field, cased))

    def ends_with(self, field: Field, wanted: tuple[str, ...], *, cased: bool = False) -> bool:
        return any(each.endswith(wanted) for each in self.texts(field, cased))

    def contains(self, field: Field, wanted: Collection[str], *, cased: bool = False) -> bool:
        return any(word in each for each in self.texts(field, cased) for word in wanted)

    def contains_all(self, field: Field, wanted: Collection[str], *, cased: bool = False) -> bool:
        """Say whether each word is in some value."""
        texts = self.texts(field, cased)
        return all(any(word in each for each in texts) for word in wanted)

    def like(self, field: Field, wanted: Collection[Pattern], *, cased: bool = False) -> bool:
        """Say whether some value is wholly of some pattern: texts, `...` for any text, None for any one character."""
        return any(like_test(pattern)(each) for each in self.texts(field, cased) for pattern in wanted)

    def search(self, field: Field, wanted: Collection[str]) -> bool:
        """Say whether some value has a part that one of the regular expressions describes."""
        return any(regex_test(pattern)(each) for each in self.texts(field, cased=True) for pattern in wanted)

    def in_network(self, field: Field, wanted: Iterable[str]) -> bool:
        """Say whether some value is the text of an address in one of the networks."""
        found = [address for each in self.texts(field, cased=True) for address in addresses(each)]
        return bool(found) and any(address in network(written) for written in wanted for address in found)

    def same(self, field: Field, other: Field, how: str = "equals", *, cased: bool = False) -> bool:
        """Say whether some text of one field equals (starts with, ends with, contains) some text of another."""
        rights = self.texts(other, cased)
        return any(SAME[how](left, right) for left in self.texts(field, cased) for right in rights)

    def listed(self, field: Field, entries: Mapping[str, int]) -> bool:
        """Say whether some value equals an entry that has not expired at the event's time."""
        moment = self.moment_us()
        return any(entries.get(each, moment) > moment for each in self.texts(field))

    def live(self, entries: Mapping[str, int]) -> list[str]:
        """Return the entries that have not expired at the event's time."""
        moment = self.moment_us()
        return [entry for entry, expires_us in entries.items() if expires_us > moment]

    def moment_us(self) -> int:
        """Return the event's own time in microseconds since 1970, else now."""
        instants = (instant_us(value) for field in TIME_FIELDS for value in self.values(field))
        return next((us for us in instants if us is not None), time_ns() // 1000)
