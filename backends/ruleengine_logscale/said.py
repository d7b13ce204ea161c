"""What an atom becomes: a filter, which may stand anywhere, or steps of functions, which may not stand under OR or NOT.

The published grammar has no functions inside a Boolean. What needs one is therefore said in ways, each a pipeline that
an event passes if that way holds; `query` puts them in the pipeline, or in front of it as a `case`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ruleengine.target import Kind, Limit

NEW = chr(0)
"""Stands in the name of a helper for a number that makes it new."""

Ways = tuple[tuple[str, ...], ...]
"""Pipelines, of which one must let an event pass."""

ALWAYS, NEVER = "*", "(@rawstring=* AND (NOT @rawstring=*))"
"""Filters that every event passes, and none: each has a line."""


@dataclass(frozen=True, slots=True)
class Matched:
    """A regular expression that a field is searched for, kept apart so that alternatives can become one."""

    field: str
    text: str
    fold: str
    """`i`: case is ignored; empty: it counts; `any`: the text has no letters."""
    dotall: bool = False
    multiline: bool = False
    begins: bool = False
    """Whether the text is `\\A` and then something."""
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What an atom becomes: a filter, a regular expression, or ways; none of them where it cannot be said."""

    filter: str = ""
    """Stands for the regular expression where there is one, too: it is plainer."""
    matched: Matched | None = None
    ways: Ways = ()
    before: tuple[str, ...] = ()
    """Steps that every event passes, which set what the filter asks for."""
    limits: tuple[Limit, ...] = ()


def refused(construct: str, reason: str) -> Said:
    """Return what becomes of an atom that cannot be said."""
    return Said(limits=(Limit("unsupported", construct, reason),))


def bounded(construct: str, reason: str, bound: str, field: str | None) -> Limit:
    """Return a limit that a bound takes away."""
    return limited("bounded", construct, reason, bound, field)


def limited(kind: Kind, construct: str, reason: str, bound: str = "", field: str | None = None) -> Limit:
    """Return a limit."""
    return Limit(kind, construct, reason, bound, field)
