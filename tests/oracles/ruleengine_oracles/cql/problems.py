"""The two ways in which the oracle declines: the query is not of its language, or the vendor does not say."""

from __future__ import annotations


class Unknown(Exception):
    """The query has something that the oracle does not know; it refuses it and does not guess."""

    def __init__(self, message: str, position: int) -> None:
        """`position` counts characters of the query from 0."""
        super().__init__(f"{message} (at {position})")
        self.message = message
        self.position = position


class Undocumented(Exception):
    """The truth depends on something that the vendor does not document, or in which its two engines differ."""
