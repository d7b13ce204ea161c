"""The last words of a command that could not go on: wrong usage, output that cannot be written, or our own defect."""

from __future__ import annotations

import os
import shlex
import sys
import traceback
from collections.abc import Sequence
from errno import EBADF, EDQUOT, EFBIG, ENOSPC, EROFS
from pathlib import Path

import ruleengine
from ruleengine.cli.main import USAGE, drop_stdout
from ruleengine.cli.parser import UsageError
from ruleengine.draw import visible

WRITING = (EBADF, EDQUOT, EFBIG, ENOSPC, EROFS)


def explain(error: Exception, argv: Sequence[str]) -> int:
    """Say on stderr what stopped the command and return its exit code, which is always 2."""
    match error:
        case UsageError():
            say(f"{error.code} {error}", error.hint)
        case OSError(errno=number, filename=None) if number in WRITING:
            drop_stdout()
            say(f"RE702 the output cannot be written: {error.strerror}")
        case _:
            say(f"RE703 a defect in ruleengine stopped it at {where(error)}: {summary(error)}", advice(argv))
            if os.environ.get("RULEENGINE_DEBUG"):
                traceback.print_exception(error)
    return USAGE


def say(message: str, hint: str = "") -> None:
    """Print one sentence on stderr, and a hint under it."""
    sys.stderr.write(f"ruleengine: {visible(message)}\n" + (f"  {visible(hint)}\n" if hint else ""))


def summary(error: Exception) -> str:
    """Return the type and the first words of an error."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words[:200]}" if words else type(error).__name__


def where(error: Exception) -> str:
    """Return the deepest place of our own code in the traceback, as `module.py:line`."""
    home = Path(ruleengine.__file__).parent
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(home)]
    return f"{Path(ours[-1].filename).relative_to(home)}:{ours[-1].lineno}" if ours else "an unknown place"


def advice(argv: Sequence[str]) -> str:
    """Return what to do about a defect."""
    return (
        f"version {ruleengine.__version__}, command: ruleengine {shlex.join(argv)}; please report it: "
        "RULEENGINE_DEBUG=1 adds the traceback that the report needs"
    )
