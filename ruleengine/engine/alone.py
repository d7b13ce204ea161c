"""Work that one process does alone, under the same names as when several share it (`workers.py`)."""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from ruleengine.events.turns import AtOnce

Head = TypeVar("Head")
Answer = TypeVar("Answer")
Work = Callable[[Head, bytes], Answer]
"""What is to be done with some data, the head of which says what they are."""


class LostWorkerError(Exception):
    """A process that shared the work ended before it answered."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"a process that shared the work ended before its time ({reason})")


class Alone(AtOnce, Generic[Head, Answer]):
    """Does everything at once, in this process; `idle` is called before standard input is waited for."""

    def __init__(self, work: Work[Head, Answer], idle: Callable[[], None]) -> None:
        self._work, self._idle = work, idle

    def __enter__(self) -> Alone[Head, Answer]:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing behind."""

    def submit(self, head: Head, data: bytes, then: Callable[[Answer], None]) -> None:
        """Do the work on some data and give the answer to `then`."""
        then(self._work(head, data))

    def waiting(self, source: Any) -> None:
        """Be idle when nothing has arrived at the source."""
        if not ready(source):
            self._idle()


def ready(source: Any) -> bool | None:
    """Say whether reading a source would not wait; None where the system cannot tell."""
    try:
        return bool(select.select([source], [], [], 0)[0])
    except (OSError, ValueError, TypeError):  # it is no descriptor, or this is Windows, where only sockets are asked
        return None
