"""The performance gate: the engine finds what it found, and takes no multiple of the time that it took.

What is found is compared exactly, rule by rule, with `tests/cases/performance` (`pytest --update` writes it). How long
it takes is compared only with a loop of the same run over the same lines, which parses them and walks through their
values: the limits are some three times what was measured. For figures there is `make bench` (docs/performance.md).

Each is asked of engines with the sieve and of engines without it.
"""

from __future__ import annotations

import gc
import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
import zstandard

from bench.streaming.counts import reasons
from bench.streaming.page import TABLES
from ruleengine.engine import Engine
from ruleengine.engine.native import SWITCH
from ruleengine.load import load
from ruleengine.schema.logsources import HintFields
from tests.conftest import CASES, ROOT
from tests.corpora import shared
from tests.engine_cases import way  # noqa: F401  # a fixture: pytest finds it by its name

CASE = CASES / "performance"
LANES = {
    "bench-lanes/structured_windows.ndjson.zst": (500, 1),
    "bench-lanes/match_heavy.ndjson.zst": (500, 1),
    "bench-lanes/sysmon_file_event.ndjson.zst": (500, 1),
    "bench-lanes/raw_windows.ndjson.zst": (500, 1),
    "bench-lanes/cisco_syslog.ndjson.zst": (500, 1),
    "bench-lanes/mixed_schema.ndjson.zst": (500, 1),
    "bench-lanes/no_match.ndjson.zst": (100, 1),
    "windows-attack/events.ndjson.zst": (1_500, 36),
}
"""How many events are counted, and of how many each is one."""

TIMED_LANE = "bench-lanes/structured_windows.ndjson.zst"
TIMED = 4_000
HINTS = HintFields("product", "service", "category")
ROUTING = {"product", "service", "category", "_product", "_service", "_category", "Channel", "Provider_Name"}
RUNS = 5


class Times(NamedTuple):
    """How many times the calibration loop a pass takes: over events not seen before, and over the same again."""

    first: float
    later: float


# With the sieve, and without it.
STARTER_LIMITS = Times(first=21.0, later=18.0), Times(first=40.0, later=30.0)
SIGMAHQ_LIMITS = Times(first=16.0, later=12.0), Times(first=45.0, later=30.0)


class Measured(NamedTuple):
    """An engine, and how long its first passes took."""

    engine: Engine
    times: Times


def starter() -> Measured:
    """Return our own rules, timed over our own events again and again."""
    return _starter(os.environ.get(SWITCH))


@cache
def _starter(_switch: str | None) -> Measured:
    own = fixtures()
    engine = Engine.from_rules(load([str(ROOT / "rules")], lambda _: None).events)
    return Measured(engine, timed(engine, (own * (TIMED // len(own) + 1))[:TIMED]))


def sigmahq() -> Measured:
    """Return SigmaHQ's rules, timed over a lane; the engines of this module that take seconds to make."""
    return _sigmahq(os.environ.get(SWITCH))


@cache
def _sigmahq(_switch: str | None) -> Measured:
    engine = Engine.from_rules(load([str(shared("sigmahq/rules"))], lambda _: None).events, HINTS)
    return Measured(engine, timed(engine, lane(TIMED_LANE, TIMED)))


def fixtures() -> list[bytes]:
    """Return our own events, as lines."""
    return [line for path in sorted((ROOT / "fixtures").rglob("*.ndjson")) for line in path.read_bytes().splitlines()]


def lane(name: str, events: int, every: int = 1) -> list[bytes]:
    """Return lines of a lane, from its beginning."""
    with zstandard.open(shared(name), "rt", encoding="utf-8", newline="\n") as stream:
        return [line.rstrip("\n").encode() for line in islice(stream, 0, events * every, every)]


def timed(engine: Engine, lines: Sequence[bytes]) -> Times:
    """Return the time of a first pass, and the least of some later ones, by the loop that runs between them."""
    data = b"\n".join(lines)
    loops, passes = [], []
    gc.disable()  # else it walks over all the rules at a moment of its own choice
    for _ in range(RUNS):
        loops.append(calibration(lines))
        start = time.process_time()
        engine.match_ndjson(data)
        passes.append(time.process_time() - start)
    gc.enable()
    return Times(passes[0] / min(loops), min(passes[1:]) / min(loops))


def calibration(lines: Sequence[bytes]) -> float:
    """Return the processor time of parsing lines and walking through their values: what any matcher must do."""
    start = time.process_time()
    seen = 0
    for line in lines:
        for key, value in msgspec.json.decode(line).items():
            seen += len(key) + len(value) if isinstance(value, str) else 1
    assert seen
    return time.process_time() - start


def as_lines(engine: Engine, lines: Sequence[bytes]) -> Iterator[str]:
    """Yield the rule of each match in a stream of lines."""
    for hit in engine.match_ndjson(b"\n".join(lines)):
        for loaded in hit.rules:
            yield loaded.rule.label


def as_dictionaries(engine: Engine, lines: Sequence[bytes]) -> Iterator[str]:
    """Yield the rule of each match over events, one at a time, that do not say where they come from."""
    for line in lines:
        event = {key: value for key, value in json.loads(line).items() if key not in ROUTING}
        for loaded in engine.matches(event):
            yield loaded.rule.label


def counts(engine: Engine, lines: Sequence[bytes]) -> dict[str, dict[str, int]]:
    """Return how often each rule matches, routed and with every rule asked."""
    found = {"routed": as_lines(engine, lines), "all": as_dictionaries(engine, lines)}
    return {mode: dict(sorted(Counter(labels).items())) for mode, labels in found.items()}


@pytest.mark.usefixtures("way")
def test_our_rules_find_in_our_events_what_they_found(golden: Callable[[Path, str], None]) -> None:
    golden(CASE / "starter.json", json.dumps(counts(starter().engine, fixtures()), indent=1) + "\n")


@pytest.mark.usefixtures("way")
def test_the_rules_of_sigmahq_find_in_the_lanes_what_they_found(golden: Callable[[Path, str], None]) -> None:
    engine = sigmahq().engine
    found = {name: counts(engine, lane(name, *sample)) for name, sample in LANES.items()}
    golden(CASE / "sigmahq.json", json.dumps(found, indent=1) + "\n")


@pytest.mark.usefixtures("way")
def test_our_rules_take_no_multiple_of_their_time() -> None:
    within(starter(), STARTER_LIMITS)


@pytest.mark.usefixtures("way")
def test_the_rules_of_sigmahq_take_no_multiple_of_their_time() -> None:
    within(sigmahq(), SIGMAHQ_LIMITS)


def within(measured: Measured, limits: tuple[Times, Times]) -> None:
    """Check times against the most they may be with the sieve, or without it."""
    limit, times = limits[measured.engine._sifter is None], measured.times
    assert times.first <= limit.first, f"the first pass takes {times.first:.1f} times the loop"
    assert times.later <= limit.later, f"a later pass takes {times.later:.1f} times the loop"


def test_the_page_has_a_place_for_each_table_and_each_reason_says_why() -> None:
    text = (ROOT / "docs" / "performance.md").read_text("utf-8")
    assert Counter(re.findall(r"<!-- table: (\w+) -->", text)) == Counter(list(TABLES))
    assert all(reason.rule and reason.why.endswith(".") for reason in reasons())
