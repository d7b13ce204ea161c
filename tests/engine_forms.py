"""Other ways to write an event as a line of JSON, and small changes to it, that an engine must not fall over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from ruleengine.values import Event

Form = Callable[[Event, Random], bytes]
"""Writes an event, or one much like it, as a line; what it means is what `ruleengine.events` reads."""


@dataclass(frozen=True, slots=True)
class Hand:
    """How JSON is written: which share of the characters, places and names is written in an unusual way."""

    chance: Random
    escapes: float = 0.0
    blanks: float = 0.0
    doubled: float = 0.0
    moved: bool = False
    others: tuple[Any, ...] = ()
    """Values that a name has before the one that counts, when it is written twice."""

    def value(self, given: Any) -> str:
        match given:
            case str():
                return self.string(given)
            case dict():
                return f"{{{self.blank()}{','.join(self._pairs(given))}{self.blank()}}}"
            case list():
                return f"[{','.join(self.blank() + self.value(member) + self.blank() for member in given)}]"
            case _:
                return json.dumps(given, allow_nan=False)

    def _pairs(self, given: dict[str, Any]) -> Iterator[str]:
        names = list(given)
        if self.moved:
            self.chance.shuffle(names)
        for name in names:
            if self.chance.random() < self.doubled:
                yield self._pair(name, self.chance.choice(self.others or ("other",)))
            yield self._pair(name, given[name])

    def _pair(self, name: str, value: Any) -> str:
        return f"{self.blank()}{self.string(name)}{self.blank()}:{self.blank()}{self.value(value)}{self.blank()}"

    def blank(self) -> str:
        return self.chance.choice((" ", "  ", "\t", " \r ")) if self.chance.random() < self.blanks else ""

    def string(self, given: str) -> str:
        return '"' + "".join(map(self._character, given)) + '"'

    def _character(self, given: str) -> str:
        if self.escapes and self.chance.random() < self.escapes:
            if given == "/" and self.chance.random() < 0.7:
                return r"\/"
            units = given.encode("utf-16-be", "surrogatepass")
            digits = (units[at : at + 2].hex() for at in range(0, len(units), 2))
            return "".join(rf"\u{code.upper() if self.chance.random() < 0.5 else code}" for code in digits)
        return json.dumps(given, ensure_ascii="\ud800" <= given <= "\udfff" or self.chance.random() < 0.3)[1:-1]


# --- the same event, written otherwise -----------------------------------------------------------------------------


def escaped(event: Event, chance: Random) -> bytes:
    """Some characters as escapes: in the mean one, one in thirty, or one in three; `/` also as `\\/`."""
    size = len(as_line(event)) or 1
    return Hand(chance, escapes=chance.choice((1 / size, 0.03, 0.3))).value(event).encode()


def one_escape(event: Event, chance: Random) -> bytes:
    """One slash or letter of one value as an escape, so that all other literals stand as they are."""
    plain = as_line(event).decode()
    places = [at for at, sign in enumerate(plain) if (sign.isalnum() or sign == "/") and _in_string(plain, at)]
    if not places:
        return plain.encode()
    at = chance.choice(places)
    sign = r"\/" if plain[at] == "/" else rf"\u{ord(plain[at]):04x}"
    return (plain[:at] + sign + plain[at + 1 :]).encode()


def _in_string(text: str, at: int) -> bool:
    """Say whether a place is in a string of JSON, and not in an escape; a character alone beside `\\` is left out."""
    before = text[:at].replace(r"\\", "").replace(r"\"", "")
    return before.count('"') % 2 == 1 and "\\" not in text[max(at - 6, 0) : at] and ord(text[at]) < 128


def spaced(event: Event, chance: Random) -> bytes:
    return Hand(chance, blanks=0.5).value(event).encode()


def moved(event: Event, chance: Random) -> bytes:
    return Hand(chance, moved=True).value(event).encode()


def doubled(event: Event, chance: Random) -> bytes:
    """Names that stand twice: the literals of the first value are in the line, and do not count."""
    values = [value for value in event.values() if isinstance(value, str)]
    return Hand(chance, doubled=0.6, others=(*values, 5, None, {}, "powershell -enc mimikatz")).value(event).encode()


def nested(event: Event, chance: Random) -> bytes:
    """A Windows event as EVTX parsers write it, in one of several manners; the id and hints stay at the top."""
    top = {name: value for name, value in event.items() if name.startswith("_")}
    rest = {name: value for name, value in event.items() if name not in top}
    system: dict[str, Any] = {name: rest.pop(name) for name in ("Channel", "Computer") if name in rest}
    if "EventID" in rest:
        id = rest.pop("EventID")
        system["EventID"] = chance.choice((id, str(id), {"#text": id}, {"#text": str(id), "#attributes": {"a": 1}}))
    if "Provider_Name" in rest:
        attributes = {"Name": rest.pop("Provider_Name")}
        key, value = chance.choice((("Provider_attributes", attributes), ("Provider", {"#attributes": attributes})))
        system[key] = value
    section = chance.choice(("EventData", "UserData"))
    data: Any = rest if chance.random() < 0.7 else {"Inner": {"#attributes": {"xmlns": "x"}, **rest}}
    inner = {"#attributes": {"xmlns": "http://schemas.microsoft.com/win"}, "System": system, section: data}
    return as_line({**top, "Event": inner})


# --- a changed event -----------------------------------------------------------------------------------------------


def _changed(event: Event, chance: Random, change: Callable[[Any], Any], share: float = 0.7) -> bytes:
    kept = ("_id", "_product", "_service", "_category", "Channel")
    return as_line(
        {
            name: change(value) if name not in kept and chance.random() < share else value
            for name, value in event.items()
        }
    )


def swapped(event: Event, chance: Random) -> bytes:
    """Values in the other case."""
    return _changed(event, chance, lambda value: value.swapcase() if isinstance(value, str) else value, 1.0)


def wrapped(event: Event, chance: Random) -> bytes:
    """Values in arrays, alone, with others, or deeper."""
    kinds: tuple[Callable[[Any], Any], ...] = (
        lambda value: [value],
        lambda value: [None, "other", value],
        lambda value: [value, {"a": value}, 7],
        lambda value: [[["other", value], 7], []],
        lambda value: [],
    )
    return _changed(event, chance, lambda value: chance.choice(kinds)(value))  # noqa: PLW0108  # a choice for each value


def looks_alike(event: Event, chance: Random) -> bytes:
    """Letters that look or fold nearly alike: Kelvin, the long s, dotless i, letters with accents."""
    table = (
        str.maketrans("ksiae", "\u212a\u017f\u0131äé") if chance.random() < 0.5 else str.maketrans("kK", "\u212a" * 2)
    )
    return _changed(event, chance, lambda value: value.translate(table) if isinstance(value, str) else value)


def retyped(event: Event, chance: Random) -> bytes:
    """Numbers as texts and as other numbers, texts as numbers."""

    def change(value: Any) -> Any:
        if isinstance(value, bool):
            return chance.choice((str(value), str(value).lower(), int(value)))
        if isinstance(value, int) and abs(value) < 2**53:
            return chance.choice(
                (str(value), float(value), f"{value}.0", f" {value}", f"0{value}", value + 0.5, -value)
            )
        if isinstance(value, str) and value.isdigit() and len(value) < 16:
            return chance.choice((int(value), float(value), f"{value}.00", f"+{value}", [int(value)]))
        return value

    return _changed(event, chance, change, 1.0)


def cut(event: Event, chance: Random) -> bytes:
    """Values with a character less, or a few more."""

    def change(value: Any) -> Any:
        if not isinstance(value, str) or not value:
            return value
        at = chance.randrange(len(value))
        return chance.choice(
            (value[:at] + value[at + 1 :], value + "x", "x" + value, value[:at], value[at:], value + "\n")
        )

    return _changed(event, chance, change, 0.3)


def exchanged(event: Event, chance: Random) -> bytes:
    """Two fields with each other's values: the same literals in the line, at other names."""
    names = [name for name in event if not name.startswith("_")]
    if len(names) < 2:
        return as_line(event)
    one, other = chance.sample(names, 2)
    return as_line({**event, one: event[other], other: event[one]})


def renamed(event: Event, chance: Random) -> bytes:
    """Names with dots as paths and paths as names with dots; and values that stand where names do."""
    out: Event = {}
    for name, value in event.items():
        outer, dot, inner = name.partition(".")
        if dot and outer not in event and chance.random() < 0.7:
            out[outer] = {inner: value}
        elif isinstance(value, dict) and value and not name.startswith("_"):
            out.update({f"{name}.{key}": below for key, below in value.items()})
        elif isinstance(value, str) and chance.random() < 0.1:
            out[value] = name
        else:
            out[name] = value
    return as_line(out)


def as_line(event: Event) -> bytes:
    """Return the usual line of an event."""
    return json.dumps(event, ensure_ascii=True, separators=(",", ":")).encode()


FORMS: dict[str, Form] = {
    form.__name__: form
    for form in (
        escaped, one_escape, spaced, moved, doubled, nested,
        swapped, wrapped, looks_alike, retyped, cut, exchanged, renamed,
    )
}  # fmt: skip


def rewritten(event: Event, chance: Random) -> bytes:
    """Return an event that was changed in one way or two and then written in any."""
    changes = (swapped, wrapped, looks_alike, retyped, cut, exchanged, renamed)
    for change in chance.sample(changes, chance.randint(1, 2)):
        event = json.loads(change(event, chance))
    hand = Hand(chance, chance.choice((0, 0.01, 0.2)), chance.choice((0, 0.2)), chance.choice((0, 0.2)), moved=True)
    return hand.value(event).encode()
