"""How a reader and those who work on its blocks keep order when several blocks are in work at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Turns(Protocol):
    """What the reader asks of whoever has its blocks in work."""

    def settle(self) -> None:
        """Finish all blocks that were handed out: something is to be said of what comes behind them."""

    def later(self, act: Callable[[], None]) -> None:
        """Do something when the blocks handed out so far are finished."""

    def waiting(self, source: Any) -> None:
        """Know that `source`, standard input, is about to be read, which may take as long as the pipe is empty."""


class AtOnce:
    """The turns of one who finishes each block before asking for the next."""

    def settle(self) -> None:
        """Do nothing: nothing is in work."""

    def later(self, act: Callable[[], None]) -> None:
        """Do it now."""
        act()

    def waiting(self, source: Any) -> None:
        """Do nothing."""


AT_ONCE = AtOnce()
