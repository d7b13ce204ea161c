"""What is wrong, where, and what to do: a `Problem` is data; drawing it is another module's work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ruleengine.codes import Severity, code
from ruleengine.span import Place, Span


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: a stable code, a place, a sentence in the rule's own words, at most one hint."""

    code: str
    place: Place
    message: str
    hint: str = ""

    @property
    def severity(self) -> Severity:
        return code(self.code).severity

    @property
    def blocks(self) -> bool:
        """Say whether what it is about could not be read, so that the result is incomplete (exit 3)."""
        return code(self.code).blocks


Report = Callable[[Problem], None]
"""Where problems go as they are found; the usual one is `list.append`."""


def problem(code: str, where: Span | Place | str, message: str, hint: str = "") -> Problem:
    """Make a problem at a span, a place, or (a string) a whole file."""
    if isinstance(where, Span):
        where = where.place
    elif isinstance(where, str):
        where = Place(where)
    return Problem(code, where, message, hint)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems by path and place, each once."""
    return sorted(dict.fromkeys(problems), key=lambda found: (found.place, found.code, found.message))
