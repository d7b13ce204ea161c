"""Calls into pySigma and its plug-ins, which raise whatever they like: each call ends in a result or in a sentence."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

LONG = 400
"""So many characters of what was said are kept; some errors hold the whole rule."""


WHERE = re.compile(r" \(while [a-z ]+ rule None\)\Z")
"""What pySigma adds to the errors of others; the rule has no file of its own there."""


@dataclass(frozen=True, slots=True)
class Failed:
    """What pySigma or a plug-in said when it gave up, on one line."""

    said: str


def guarded(call: Callable[[], T]) -> T | Failed:
    """Return what a call returns, or what it said when it failed; its warnings are for programmers, and dropped."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call()
    except Exception as error:  # noqa: BLE001  # code of others: any of it may raise anything
        return Failed(_said(error))


def _said(error: Exception) -> str:
    """Return an error as a sentence; pySigma's own errors are sentences, others need the name of their kind."""
    from sigma.exceptions import SigmaError

    said = WHERE.sub("", " ".join(str(error).split()))
    if len(said) > LONG:
        said = said[:LONG] + "…"
    return said if said and isinstance(error, SigmaError) else f"{type(error).__name__}: {said}".rstrip(": ")


State = tuple[tuple[type, str, Any], ...]


def class_state(package: str) -> State:
    """Return the lists, sets and mappings that the classes of a package hold, as they are now."""
    modules = [module for name, module in sys.modules.items() if name == package or name.startswith(package + ".")]
    classes = {found for module in modules for found in vars(module).values() if isinstance(found, type)}
    return tuple(
        (owner, name, value.copy())
        for owner in classes
        if owner.__module__.startswith(package)
        for name, value in vars(owner).items()
        if isinstance(value, dict | list | set) and not name.startswith("__")
    )


def restore(state: State) -> None:
    """Put back what classes held: some backends count in their classes, and a rule that fails would change the next."""
    for owner, name, value in state:
        if not _same(vars(owner).get(name), value):
            setattr(owner, name, value.copy())


def _same(one: object, other: object) -> bool:
    try:
        return bool(one == other)
    except (NotImplementedError, TypeError, ValueError):  # what pySigma's values raise for another kind
        return False
