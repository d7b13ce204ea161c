"""What the oracle refuses: queries outside the subset it knows, and results that no manual promises."""

from __future__ import annotations


class Unknown(ValueError):
    """A query has something the oracle does not know: a command, a function, a form of either."""

    def __init__(self, message: str, position: int) -> None:
        """Say what is unknown and where: `position` counts characters from the start of the query."""
        super().__init__(f"{message} (at character {position})")
        self.message = message
        self.position = position


class Undocumented(ValueError):
    """The query is well formed, but the manuals do not say what it does with this event."""


class Undecided(Undocumented):
    """A condition is true or false, never NULL, and the manuals do not say which; another condition may settle it."""
