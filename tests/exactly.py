"""Comparing values wholly, where equality leaves something out: types of numbers and texts, and the places of nodes."""

from __future__ import annotations

import dataclasses
from typing import Any

from ruleengine.ir import Single
from ruleengine.span import Span


def same(one: Any, other: Any) -> None:
    """Compare two values wholly: types too, and the spans that equality leaves out."""
    if isinstance(one, Span):
        assert isinstance(other, Span)
        assert (one.source.path, one.source.text, *one[1:]) == (other.source.path, other.source.text, *other[1:])
    elif isinstance(one, dict):
        assert isinstance(other, dict) and list(one) == list(other)
        same(tuple(one.values()), tuple(other.values()))
    elif isinstance(one, list):
        assert isinstance(other, list)
        same(tuple(one), tuple(other))
    elif isinstance(one, tuple):
        assert type(one) is type(other) and len(one) == len(other)
        for part, its_other in zip(one, other, strict=True):
            same(part, its_other)
    elif dataclasses.is_dataclass(one) and not isinstance(one, type):
        assert type(one) is type(other) or (isinstance(one, Single) and isinstance(other, Single))
        for field in dataclasses.fields(one):
            if field.name != "document":
                same(getattr(one, field.name), getattr(other, field.name))
    else:
        assert type(one) is type(other) and one == other
