"""Broken rules and broken events, a few thousand of each: never a traceback, a lost second, or a silent pass."""

from __future__ import annotations

import os

import pytest

from tests.fuzzing import fuzz_events, fuzz_rules

COUNT = int(os.environ.get("RULEENGINE_FUZZ", "2000"))
"""Inputs of each kind; `make fuzz` runs the same loops a hundred times as long."""

HALVES = ("one", "two")
"""Two seeds, so that two processes share the work."""


@pytest.mark.parametrize("seed", HALVES)
def test_broken_rules(seed: str) -> None:
    assert fuzz_rules(COUNT // 2, seed) == []


@pytest.mark.parametrize("seed", HALVES)
def test_broken_events(seed: str) -> None:
    assert fuzz_events(COUNT // 2, seed) == []
