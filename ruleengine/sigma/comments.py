"""The comments of a YAML text, which YAML's parsers throw away: what they say and where they stand."""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml

MARK = re.compile(r"(?:(?<=\s)|\A|(?<=\ufeff))#[^\n\r]*")


class Comment(NamedTuple):
    """A comment: the offset of its `#`, its text with the `#`, and whether its line holds nothing else."""

    start: int
    text: str
    alone: bool


def comments(text: str) -> list[Comment]:
    """Return the comments of a YAML text that can be read, in their order."""
    found: list[Comment] = []
    at = 0
    for start, end in [*scalars(text), (len(text), len(text))]:
        for mark in MARK.finditer(text, at, max(at, start)):
            line = text.rfind("\n", 0, mark.start()) + 1
            found.append(Comment(mark.start(), mark[0].rstrip(), not text[line : mark.start()].strip()))
        at = max(at, end)
    return found


def scalars(text: str) -> list[tuple[int, int]]:
    """Return where the scalars of a YAML text stand, for in them a `#` is text; the header of a block is none of it."""
    out = []
    for token in yaml.scan(text, Loader=yaml.CSafeLoader):
        if isinstance(token, yaml.ScalarToken):
            start, end = token.start_mark.index, token.end_mark.index
            if token.style in ("|", ">"):
                start = text.find("\n", start, end) + 1 or end
            out.append((start, end))
    return out
