"""Turns the text of one event into a JSON object: fast where it is well-formed, patient where it is not."""

from __future__ import annotations

import json
import re
import sys
from typing import Any, NoReturn

import msgspec

from ruleengine.events.complaints import Complaints

DEPTH_LIMIT = 100
"""Objects and arrays inside each other in one event."""

# msgspec, not orjson: orjson turns integers outside 64 bits into floats without a word, and the gain is small
# (measured on 55,250 Windows events: 5.5 against 6.5 microseconds an event; the standard library takes 19).
_fast = msgspec.json.Decoder().decode

_SENTENCES = {
    "Expecting value": "here a value is missing or is no JSON value",
    "Expecting property name enclosed in double quotes": "here a field name in double quotes is missing",
    "Expecting ':' delimiter": "here a `:` is missing",
    "Expecting ',' delimiter": "here a `,` or the end of the object or array is missing",
    "Illegal trailing comma before end of object": "here a `,` is too much",
    "Illegal trailing comma before end of array": "here a `,` is too much",
    "Unterminated string starting at": "the string that begins here has no end",
    "Invalid \\escape": "here a string has an escape that JSON does not know",
    "Invalid \\uXXXX escape": "here a `\\u` is not followed by four hexadecimal digits",
    "Extra data": "the JSON value ends before this place, but the text goes on",
}
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_BLANK = " \t\r\n"


class _UnreadableError(Exception):
    """A value that JSON allows or people write, and that we cannot hold exactly."""


def decode(data: bytes, complaints: Complaints, line: int, indent: int = 0) -> dict[str, Any] | None:
    """Return the object that a text holds; None when it holds none, which was then said (nothing is said of a blank).

    `line` is the 1-based line where the text begins, `indent` the number of characters before it on that line.
    Integers are exact at any size, of duplicate names the last one counts.
    """
    try:
        value: Any = _fast(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _patiently(data, complaints, line, indent)
    if isinstance(value, dict) and data.count(b"{") + data.count(b"[") <= DEPTH_LIMIT:
        event: dict[str, Any] = value
        return event
    return _object(value, complaints, line, indent + 1)


def _patiently(data: bytes, complaints: Complaints, line: int, indent: int) -> dict[str, Any] | None:
    """Read what the fast decoder refuses: say what is wrong and where, or repair the text and say so."""
    whole, notes = _text(data)
    text = whole.lstrip(_BLANK + "\ufeff").rstrip(_BLANK)
    if not text:
        return None
    column = indent + 1 + len(whole) - len(whole.lstrip(_BLANK + "\ufeff"))
    try:
        value = _load(text, notes)
    except json.JSONDecodeError as error:
        _say_broken(error, text, complaints, line, column)
        return None
    except _UnreadableError as error:
        complaints.say("RE603", str(error), line, column)
        return None
    except RecursionError:
        _say_deep(complaints, line, column)
        return None
    event = _object(value, complaints, line, column)
    if event is None:
        return None
    repaired: dict[str, Any] = _repaired(event)
    if repaired != event:
        notes.append("an escape such as \\ud800 is half a character; it was read as U+FFFD")
    for note in notes:
        complaints.say("RE607", note, line, column)
    return repaired


def _text(data: bytes) -> tuple[str, list[str]]:
    """Return the text, and what had to be repaired to get it."""
    try:
        return data.decode(), []
    except UnicodeDecodeError:
        return data.decode(errors="replace"), ["the text is not UTF-8; each wrong byte was read as U+FFFD"]


def _say_broken(error: json.JSONDecodeError, text: str, complaints: Complaints, line: int, column: int) -> None:
    """Say what the standard library found; a text of several lines moves the place down."""
    before = text[: error.pos].rstrip(_BLANK)
    if before.endswith(",") and text[error.pos : error.pos + 1] in ("}", "]"):  # as Python 3.13 says it
        error = json.JSONDecodeError("Illegal trailing comma before end of object", text, len(before) - 1)
    sentence = _SENTENCES.get(error.msg.removesuffix(" at"), error.msg)
    if error.pos >= len(text) or (error.msg.startswith("Unterminated") and "\n" not in text[error.pos :]):
        sentence = "the JSON text ends in the middle"
    elif text[error.pos] == "\0":
        sentence = "here is a NUL byte"
    first = column - 1 if error.lineno == 1 else 0
    complaints.say("RE603", f"not a JSON object: {sentence}", line + error.lineno - 1, first + error.colno)


def _constant(name: str) -> NoReturn:
    raise _UnreadableError(f"{name} is not a JSON number")


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise _UnreadableError(f"the number {_short(digits)} is out of range")
    return value


def _integer(digits: str) -> int:
    limit = sys.get_int_max_str_digits()
    if limit and len(digits.lstrip("-")) > limit:
        raise _UnreadableError(f"the number {_short(digits)} has more than {limit:,} digits")
    return int(digits)


def _short(digits: str) -> str:
    return digits if len(digits) <= 24 else f"{digits[:20]}..."


_HOOKS: dict[str, Any] = {"parse_constant": _constant, "parse_float": _float, "parse_int": _integer}
_strictly = json.JSONDecoder(**_HOOKS).decode
_leniently = json.JSONDecoder(**_HOOKS, strict=False).decode


def _load(text: str, notes: list[str]) -> object:
    """Decode with the standard library; a control character in a string is kept, and noted."""
    try:
        return _strictly(text)
    except json.JSONDecodeError as error:
        if not error.msg.startswith("Invalid control character"):
            raise
    value = _leniently(text)
    notes.append("a string holds a control character that JSON wants escaped; it was kept")
    return value


def _object(value: object, complaints: Complaints, line: int, column: int) -> dict[str, Any] | None:
    """Return the value if it is an object of a depth that everybody can walk."""
    if not isinstance(value, dict):
        names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
        kind = names.get(type(value), "a number")
        complaints.say("RE603", f"an event is a JSON object, this is {kind}", line, column)
        return None
    level: list[Any] = [value]
    for _ in range(DEPTH_LIMIT):
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return value
    _say_deep(complaints, line, column)
    return None


def _say_deep(complaints: Complaints, line: int, column: int) -> None:
    complaints.say("RE605", f"objects and arrays are nested more than {DEPTH_LIMIT} levels deep", line, column)


def _repaired(value: Any) -> Any:
    """Return the value with U+FFFD for each half of a surrogate pair, which no text may hold."""
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_repaired(member) for member in value]
    if isinstance(value, dict):
        return {_repaired(name): _repaired(member) for name, member in value.items()}
    return value
