"""The headline: RSigma's time over each lane as a multiple of our command's, each less its run over nothing."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench.streaming.lanes import SEED, Lane, repeated
from bench.streaming.programs import Programs, Run, hints_of

MODES = ("routed", "all")
ALL = ("ours", "python", "rsigma")
"""Who is measured: our command, the same without its accelerator, and RSigma's."""

TIMES = 10
"""How often a lane stands in its repeated file: what the first is worth is known, the others are later passes."""

LONG, SELDOM = 50_000, 3
"""A lane of more events is long enough to be measured in every third round only."""

Row = dict[str, Any]


class Series(NamedTuple):
    """The runs of one program over a lane, and over nothing in between."""

    lane: list[Run]
    empty: list[Run]


def measured(
    programs: Programs, rules: Path, lanes: Sequence[Lane], rounds: int, say: Callable[[str], None]
) -> list[Row]:
    """Return a row for each lane and mode. All run in turn, in rounds: a slow minute meets all alike."""
    empty = programs.cache.parent / "empty.ndjson"
    empty.touch()
    runs: dict[tuple[str, str, str], list[Run]] = {}
    for turn in range(-1, rounds):  # the first round fills the caches of the system and is not counted
        say(f"round {turn + 1} of {rounds}" if turn >= 0 else "warm-up")
        for mode in MODES:
            for index, lane in enumerate(lanes):
                if lane.events > LONG and turn % SELDOM:
                    continue
                hints = hints_of(lane, mode)
                jobs = [("", empty)] if index % 3 == 0 else []
                for name, path in [*jobs, (lane.name, lane.path(mode))]:
                    for who, taken in _each(programs, rules, path, hints, ALL, first=turn % 2 == 0):
                        if turn >= 0:
                            runs.setdefault((who, name, mode), []).append(taken)
    return [
        _row(lane, mode, {who: Series(runs[who, lane.name, mode], runs[who, "", mode]) for who in _who(programs, ALL)})
        for lane in lanes
        for mode in MODES
    ]


def later(
    programs: Programs, rules: Path, lanes: Sequence[Lane], rounds: int, rows: Sequence[Row], say: Callable[[str], None]
) -> None:
    """Add to the rows what an event takes in later passes: over a lane ten times in one file, less the lane once."""
    known = {(row["lane"], row["mode"]): row for row in rows}
    for lane in lanes:
        for mode in MODES:
            say(f"{lane.name} ({mode}), {TIMES} times in one file")
            row, many = known[lane.name, mode], repeated(lane.path(mode), TIMES)
            runs: dict[str, list[tuple[Run, Run]]] = {}
            for turn in range(rounds):
                once = dict(_each(programs, rules, lane.path(mode), hints_of(lane, mode), first=turn % 2 == 0))
                for who, taken in _each(programs, rules, many, hints_of(lane, mode), first=turn % 2 == 0):
                    runs.setdefault(who, []).append((once[who], taken))
            many.unlink()
            for who, pairs in runs.items():
                beyond = median(taken.wall - once.wall for once, taken in pairs)
                row[who]["later_us"] = 1e6 * beyond / (TIMES - 1) / lane.events
            row["later_ratio"] = _divided(row.get("rsigma", {}).get("later_us"), row["ours"]["later_us"])


def _who(programs: Programs, named: Sequence[str]) -> tuple[str, ...]:
    return tuple(who for who in named if who != "rsigma" or programs.rsigma)


def _each(
    programs: Programs,
    rules: Path,
    path: Path,
    hints: Sequence[str] | None,
    named: Sequence[str] = ("ours", "rsigma"),
    *,
    first: bool,
) -> list[tuple[str, Run]]:
    """Run the programs in turn, ours first or last."""
    run = {
        "ours": programs.run_ours,
        "python": partial(programs.run_ours, accelerated=False),
        "rsigma": programs.run_theirs,
    }
    return [(who, run[who](path, rules, hints)) for who in _who(programs, named)[:: 1 if first else -1]]


def _row(lane: Lane, mode: str, series: dict[str, Series]) -> Row:
    row: Row = {"lane": lane.name, "mode": mode, "events": lane.events, "bytes": lane.path(mode).stat().st_size}
    for who, (runs, empty) in series.items():
        walls, empties = [run.wall for run in runs], [run.wall for run in empty]
        row[who] = {
            "wall_s": walls,
            "empty_s": empties,
            "us": 1e6 * (median(walls) - median(empties)) / lane.events,
            "cpu_us": 1e6 * (median(r.cpu for r in runs) - median(r.cpu for r in empty)) / lane.events,
            "spread_us": [1e6 * (edge(walls) - median(empties)) / lane.events for edge in (min, max)],
            "least_us": 1e6 * (min(walls) - min(empties)) / lane.events,
            "rss_mb": max(run.rss for run in runs),
        }
    if "rsigma" in row:
        row["ratio"] = _divided(row["rsigma"]["us"], row["ours"]["us"])
        row["ratio_range"] = _range(series)
        row["least_ratio"] = _divided(row["rsigma"]["least_us"], row["ours"]["least_us"])
        row["python_ratio"] = _divided(row["rsigma"]["us"], row["python"]["us"])
        row["cpu_ratio"] = _divided(row["rsigma"]["cpu_us"], row["ours"]["cpu_us"])
    return row


def _divided(theirs: float | None, ours: float) -> float | None:
    """Return the ratio; None where nothing was measured, or a time is less than the noise."""
    return theirs / ours if theirs is not None and theirs > 0 and ours > 0 else None


def _range(series: dict[str, Series], draws: int = 2000) -> list[float] | None:
    """Return within what the ratio lies nine times of ten, had the runs been others (bootstrap of the medians)."""
    drawn = random.Random(SEED)

    def again(runs: list[Run]) -> float:
        return median(run.wall for run in drawn.choices(runs, k=len(runs)))

    found = []
    for _ in range(draws):
        theirs, ours = (again(series[who].lane) - again(series[who].empty) for who in ("rsigma", "ours"))
        found.append(max(theirs, 0) / ours if ours > 0 else sys.float_info.max)
    found.sort()
    low, high = found[draws // 20], found[-draws // 20]
    return [low, high] if high < sys.float_info.max else None
