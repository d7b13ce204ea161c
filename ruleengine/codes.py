"""The table of problem codes: each has a name, a severity, and an explanation that `help CODE` prints."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

Severity = Literal["error", "warning", "notice"]


@dataclass(frozen=True, slots=True)
class Code:
    """One row of `data/codes.toml`.

    `blocks` says that a rule, test or event with this problem could not be read: exit code 3.
    """

    id: str
    name: str
    severity: Severity
    title: str
    explanation: str
    blocks: bool = False


@cache
def codes() -> dict[str, Code]:
    """Return every code by its id, in the order of the file."""
    table = tomllib.loads((files("ruleengine") / "data" / "codes.toml").read_text("utf-8"))
    return {id: Code(id=id, **row) for id, row in table.items()}


def code(id: str) -> Code:
    """Return the row of a code; an unknown one is a bug in ruleengine and raises KeyError."""
    return codes()[id]
