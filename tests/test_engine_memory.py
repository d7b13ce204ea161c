"""Memory stays flat: real lanes replayed, and events made to fill what the engine remembers.

In CI for seconds; RULEENGINE_NIGHTLY=1 replays for 20 minutes (RULEENGINE_MINUTES=60: for an hour).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import cycle, islice, product
from pathlib import Path

import pytest

from ruleengine.engine import Engine
from ruleengine.events.complaints import Complaints
from tests.conftest import ROOT
from tests.corpora import NIGHTLY, SHARED
from tests.engine_cases import (
    blocks,
    lanes,
    lines_of,
    sigmahq,
    way,  # noqa: F401  # a fixture: pytest finds it by its name
)
from tests.engine_forms import as_line

STATM = Path("/proc/self/statm")
SECONDS = 60 * float(os.environ.get("RULEENGINE_MINUTES", "20")) if NIGHTLY else 5.0
LANES = ("windows-attack/events.ndjson.zst", "network-zeek/events.ndjson.zst", "cloud/cloudtrail.ndjson.zst")
FIRST = 100_000 if NIGHTLY else 700
"""Events of each lane that are replayed."""

SETTLED = 5
"""Rounds after which everything is remembered that there is to remember."""

SPREAD_MB = 8
"""What Python's allocator gives and takes without anything being kept."""

COUNTS = {"names": 10_000, "sources": 24_000, "values": 5_000, "foreign": 17_000, "long names": 2_000, "wide": 600}
WITH_SIEVE = list(COUNTS) if NIGHTLY else ["names", "sources", "foreign"]
WITHOUT = list(COUNTS) if NIGHTLY else ["values"]
"""Events that have nothing in common; ten times as many nightly."""

HOSTILE_MB = 64
"""What events made to fill all memories may add."""

MEASURE = "import json, tests.test_engine_memory as t; print(json.dumps(list(t.{})))"


def resident_mb() -> float:
    """Return the memory of this process that is in use now, not its peak."""
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def measured(call: str) -> list[float]:
    """Return the figures of a call in a process of its own, where nobody else takes memory.

    Whether its engines have a sieve is said by the environment, which it has from us.
    """
    if not STATM.exists():
        pytest.skip("the memory of a process is read from /proc")
    if not SHARED.exists():
        pytest.skip("needs the shared data beside the repository")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE.format(call)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [float(figure) for figure in done.stdout.strip("[]\n").split(",")]


def ask(engine: Engine, lines: Iterable[bytes]) -> None:
    complaints = Complaints("lane", print)
    for block in blocks(lines):
        engine.block(block, 1, complaints)


def replayed(seconds: float) -> Iterator[float]:
    """Yield the memory after each round over the lanes, and go on for so long, at least for a few rounds."""
    engine = Engine.from_rules(sigmahq())
    held = [list(islice(lines_of(lane), FIRST)) for lane in lanes() if lane.events in LANES]
    end = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < end or rounds < 3 * SETTLED:
        for lines in held:
            ask(engine, lines)
        rounds += 1
        yield resident_mb()


@pytest.mark.usefixtures("way")
def test_real_lanes_replayed_hold_memory_flat() -> None:
    figures = measured(f"replayed({SECONDS})")
    assert len(figures) >= 3 * SETTLED
    late = figures[2 * SETTLED :]
    assert max(late) - max(figures[SETTLED : 2 * SETTLED]) <= SPREAD_MB, figures


def strangers(kind: str, count: int) -> Iterator[bytes]:
    """Yield lines unlike each other: in the names of their fields, in what states their log source, or in values."""
    for number in range(count):
        match kind:
            case "names":
                yield as_line({f"k{number}": 1, f"c{number}": {"d": 1}, "Image": "x", "CommandLine": "y", "EventID": 1})
            case "sources":
                named, id = number % 1_000, number // 1_000
                yield as_line({f"k{named}": 1, "Image": "x", "CommandLine": "y", "EventID": id, "_product": "windows"})
            case "long names":
                yield as_line({f"{'k' * 500}{number}": 1, f"{'c' * 5_000}{number}": 1, "Image": "x", "EventID": 1})
            case "wide":
                yield as_line({f"k{number * 7 % 15_000 + place}": 1 for place in range(250)})
            case "foreign":
                value = f"é{number}{'é' * 240}".encode()
                yield b'{"Image":"%b","CommandLine":"%b","EventID":%d}' % (value, value, number % 9)
            case _:
                text = f"{number} {'x' * 300} powershell.exe -enc \\cmd.exe"
                yield as_line(
                    {"Image": text, "CommandLine": text, "ParentImage": text, "User": text, "TargetObject": text}
                )


def filled(kind: str, count: int) -> Iterator[float]:
    """Yield the memory before and after so many strangers."""
    engine = Engine.from_rules(sigmahq())
    ask(engine, islice(cycle(strangers("values", 10)), 100))
    yield resident_mb()
    ask(engine, strangers(kind, count))
    yield resident_mb()


@pytest.mark.parametrize(
    ("way", "kind"), [*product(["sieve"], WITH_SIEVE), *product(["python"], WITHOUT)], indirect=["way"]
)
@pytest.mark.usefixtures("way")
def test_events_that_have_nothing_in_common_fill_no_more_than_a_bound(kind: str) -> None:
    before, after = measured(f"filled({kind!r}, {COUNTS[kind] * (10 if NIGHTLY else 1)})")
    assert after - before <= HOSTILE_MB, (before, after)
