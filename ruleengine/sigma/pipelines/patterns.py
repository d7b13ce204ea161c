"""The regular expressions of pipelines, run by RE2: in linear time, and as pySigma 2 reads them by default."""

from __future__ import annotations

from functools import lru_cache
from typing import Any


class NotAPattern(Exception):
    """RE2 does not understand a pattern; it holds what RE2 says."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@lru_cache(maxsize=1 << 10)
def compiled(pattern: str) -> Any:
    """Return a pattern of RE2, which has the methods of Python's; NotAPattern if there is none."""
    import re2

    options = re2.Options()
    options.log_errors, options.max_mem = False, 16 << 20
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        raise NotAPattern(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from None


def replaced(pattern: str, replacement: str, text: str) -> str:
    """Return a text with every match replaced, as `re.sub` does; NotAPattern for a replacement that has no sense."""
    try:
        return str(compiled(pattern).sub(replacement, text))
    except (IndexError, ValueError, KeyError, UnicodeEncodeError) as error:
        raise NotAPattern(str(error)) from None
