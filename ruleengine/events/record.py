"""One event with the place it was read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ANNOTATION = "@expect"
"""The key under which a line of a fixture says which rules it should match; it is no part of the event."""


@dataclass(slots=True)
class Record:
    """An event, its file, and its place there.

    `line` counts from 1: the line where the event begins; in a binary `.evtx` the number of the record.
    """

    event: dict[str, Any]
    path: str
    line: int
