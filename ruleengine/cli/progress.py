"""A progress bar on stderr while files are read, on a terminal only."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ruleengine.events import total_bytes


@contextmanager
def progress(paths: Sequence[str]) -> Iterator[Callable[[int], None] | None]:
    """Give a function to call with the bytes taken from disk; None where no bar is shown."""
    if not sys.stderr.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total_bytes(paths) or None)
        yield lambda taken: bar.advance(task, taken)
