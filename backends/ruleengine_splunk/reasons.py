"""What keeps each construct from being exact in Splunk: the limits that the writers give, as a table."""

from __future__ import annotations

from functools import lru_cache

from ruleengine.target import Limit

LETTERS = "Splunk may fold letters beyond ASCII otherwise than the rule does"
NUMBERS = "a search compares the text of a number: `4688` is found, `04688` and `4688.0` are not"
EMPTY = "Splunk may drop an empty value when it reads the event"
OBJECT = "an object has no field of its own in Splunk, only its members have"
DOUBLE = "Splunk compares numbers as floating point"
SEVERAL = "what Splunk makes of a field with several values is not documented here"
TYPED = "Splunk does not tell a number from its text"
ASCII = "what Splunk makes of letters beyond ASCII is not documented here"
V6 = "Splunk may read unusual ways to write an IPv6 address otherwise"
MAPPED = "other ways to write an IPv4 address within IPv6 are not looked for"
LINE = "keys and escapes are in the raw line, too"
LISTED = "a list may have changed since"
SPLUNKS = "Splunk gives events a field of that name, whatever the event calls so; a pipeline may rename the event's"
TIME = "only the time that Splunk gave the event can be asked in UTC"


@lru_cache(maxsize=1 << 12)
def bounded(construct: str, bound: str, reason: str, field: str | None) -> Limit:
    """Return the limit of what is exact as long as a bound holds."""
    return Limit("bounded", construct, reason, bound, field)


def unsupported(construct: str, reason: str, field: str | None = None) -> Limit:
    """Return the limit of what cannot be said."""
    return Limit("unsupported", construct, reason, "", field)
