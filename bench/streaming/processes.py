"""What more processes gain: `match -j N` over one large file, on all cores that this process may use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.streaming.lanes import Lane, repeated
from bench.streaming.programs import Programs, hints_of, run
from bench.streaming.ratios import TIMES, Row


def measured(
    programs: Programs, rules: Path, lane: Lane, rounds: int, cores: frozenset[int], say: Callable[[str], None]
) -> list[Row]:
    """Return a row for one process and for one a core: the seconds over a lane ten times, less those over nothing."""
    told = subprocess.run(
        [str(Path(sys.executable).with_name("ruleengine")), "match", "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    if "-j" not in told.stdout or len(cores) < 2:
        return []
    many, empty = repeated(lane.path("routed"), TIMES), programs.cache.parent / "empty.ndjson"
    empty.touch()
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    taken: dict[tuple[int, Path], list[float]] = {}
    for turn in range(rounds):
        for jobs in (1, len(cores)):
            say(f"{jobs} processes, round {turn + 1} of {rounds}")
            for path in (many, empty):
                words = [*programs.ours(path, rules, hints_of(lane, "routed")), "-j", str(jobs)]
                wall = run(words, env={"RULEENGINE_CACHE": str(programs.cache)}).wall
                taken.setdefault((jobs, path), []).append(wall)
    os.sched_setaffinity(0, before)
    many.unlink()
    seconds = {jobs: median(taken[jobs, many]) - median(taken[jobs, empty]) for jobs in (1, len(cores))}
    return [
        {"jobs": jobs, "events": TIMES * lane.events, "s": each, "speedup": seconds[1] / each}
        for jobs, each in seconds.items()
    ]
