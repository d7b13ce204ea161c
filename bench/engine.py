"""How fast the engine is beside RSigma, and what it holds: ratios, loading, memory, growth, latency, match counts.

    python bench/engine.py [--quick] [--only SECTION ...] [--lanes LANE ...] [--json FILE] [--write PAGE]
    python bench/engine.py --results FILE --write docs/performance.md       (a page from a run that was)

The method stands in docs/performance.md. The exit code is 1 when a bound is missed or two counts differ without a
reason in bench/streaming/differences.toml. Without RSigma its figures, and the ratios, are "not measured".
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench.streaming import counts, page, processes, ratios, rulesets
from bench.streaming.bounds import Results, verdicts
from bench.streaming.lanes import NAMES, ROOT, RULES, SYNTHETIC, Lane, made
from bench.streaming.programs import VERSION, Programs, find_rsigma, hints_of, on_one_core
from ruleengine.engine.native import accelerated

SECTIONS = ("parse", "ratios", "loading", "passes", "latency", "growth", "processes", "others", "counts")
LATENCY = ("structured_windows", "mixed_schema", "windows-history", "windows-attack", "windows-history, unique")
CORES = frozenset(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ())
RESULTS = ROOT / "build" / "engine.json"
SQLITE = ROOT / ".venv-sqlite" / "bin" / "python"


class Size(NamedTuple):
    """How much is measured; a lane of fewer events is measured whole."""

    events: int
    real_events: int
    rounds: int
    later_rounds: int
    loading_rounds: int
    growth_rounds: int
    single_events: int
    sample: int


FULL = Size(10_000, 1_000_000, 9, 2, 5, 3, 20_000, 300)
QUICK = Size(10_000, 5_000, 3, 0, 2, 1, 5_000, 60)
QUICK_LANES = ("structured_windows", "raw_windows", "windows-history", "structured_windows, unique")
QUICK_SECTIONS = ("parse", "ratios", "loading", "latency", "counts")


class Bench(NamedTuple):
    """What a run measures with and over."""

    programs: Programs
    rules: Path
    lanes: list[Lane]
    folder: Path
    size: Size


def inside(job: str, **given: Any) -> Any:
    """Return what a job measures in a Python process of its own."""
    words = [sys.executable, "-m", "bench.streaming.inside", json.dumps({"job": job, **given})]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the job {given} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def in_each(bench: Bench, job: str, lanes: Sequence[Lane], **more: Any) -> list[ratios.Row]:
    """Return what a job measures for each lane and mode."""
    rows = []
    for lane in lanes:
        for mode in ratios.MODES:
            tell(f"{job}: {lane.name} ({mode})")
            hints = hints_of(lane, mode)
            found = inside(job, rules=str(bench.rules), lane=str(lane.path(mode)), hints=hints, **more)
            rows.append({"lane": lane.name, "mode": mode, **found})
    return rows


def parse(bench: Bench) -> list[ratios.Row]:
    """Return the limit that parsing alone sets."""
    return [
        {"lane": lane.name, "mode": mode, **inside("parse", lane=str(lane.path(mode)))}
        for lane in bench.lanes
        for mode in ratios.MODES
    ]


def headline(bench: Bench) -> list[ratios.Row]:
    """Return the ratios of first passes, and for the synthetic lanes of later passes."""
    rows = ratios.measured(bench.programs, bench.rules, bench.lanes, bench.size.rounds, tell)
    if bench.size.later_rounds:
        synthetic = [lane for lane in bench.lanes if lane.name in SYNTHETIC]
        ratios.later(bench.programs, bench.rules, synthetic, bench.size.later_rounds, rows, tell)
    return rows


def loading(bench: Bench) -> ratios.Row:
    """Return the seconds of loading the rules."""
    found = rulesets.loading(bench.programs, bench.rules, bench.folder, bench.size.loading_rounds, tell)
    return {who: row | {"median_s": median(row["wall_s"])} for who, row in found.items()}


def passes(bench: Bench) -> list[ratios.Row]:
    """Return the passes of one engine apart."""
    return in_each(bench, "passes", bench.lanes)


def latency(bench: Bench) -> list[ratios.Row]:
    """Return the time of single events."""
    lanes = [lane for lane in bench.lanes if lane.name in LATENCY]
    return in_each(bench, "latency", lanes, events=bench.size.single_events)


def growth(bench: Bench) -> list[ratios.Row]:
    """Return the cost of more rules, for the first lane."""
    return rulesets.growth(bench.programs, bench.rules, bench.lanes[0], bench.folder, bench.size.growth_rounds, tell)


def workers(bench: Bench) -> list[ratios.Row]:
    """Return the gain by more processes, over the largest lane."""
    lane = max(bench.lanes, key=lambda each: each.routed.stat().st_size)
    return processes.measured(bench.programs, bench.rules, lane, 3, CORES, tell)


def others(bench: Bench) -> list[ratios.Row]:
    """Return the time of the reference and of SQL over a small sample of the first lane."""
    lane, size = bench.lanes[0], bench.size.sample
    rows = [
        row | {"who": "our reference, rule by rule", "note": f"{row['matches']} matches"}
        for row in in_each(bench, "reference", [lane], events=size)
    ]
    row: ratios.Row = {"lane": lane.name, "mode": "all", "who": "pySigma's SQLite backend", "us": None, "events": None}
    if not SQLITE.is_file():
        return [*rows, row | {"note": "not installed"}]
    tell("pySigma's SQLite backend")
    script = str(ROOT / "bench" / "streaming" / "sqlite_peer.py")
    words = [str(SQLITE), script, str(bench.rules), str(lane.unrouted), str(10 * size)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        return [*rows, row | {"note": f"failed: {done.stderr.strip().splitlines()[-1]}"}]
    found = json.loads(done.stdout)
    note = f"{found['matches']} matches of {found['queries']:,} queries; {found['refused']} rules have none"
    return [*rows, row | {"us": found["us"], "events": found["events"], "note": note}]


def counting(bench: Bench) -> list[ratios.Row]:
    """Return the match counts beside RSigma's."""
    return counts.compared(bench.programs, bench.rules, bench.lanes, bench.folder, tell)


MEASURE: dict[str, Callable[[Bench], Any]] = dict(
    zip(SECTIONS, (parse, headline, loading, passes, latency, growth, workers, others, counting), strict=True)
)


def tell(what: str) -> None:
    """Say on the terminal what is being done."""
    sys.stderr.write(f"  {what}\n")


def about(programs: Programs, rules: Path, *, quick: bool) -> Results:
    """Return what a run must say about itself."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    names = ("ruleengine", "hyperscan", "msgspec")
    return {
        "machine": {"cores": os.cpu_count(), "memory_gb": round(memory), "system": platform.system()},
        "versions": {"RSigma": VERSION if programs.rsigma else None, "Python": platform.python_version()}
        | {name: _version(name) for name in names},
        "accelerator": accelerated(),
        "rules": len(rulesets.files(rules)),
        "when": datetime.now(UTC).date().isoformat(),
        "quick": quick,
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def measure(given: argparse.Namespace) -> Results:
    """Measure every section asked for."""
    with tempfile.TemporaryDirectory(prefix="ruleengine-bench-") as made_in:
        folder = Path(made_in)
        size = QUICK if given.quick else FULL
        programs = Programs(find_rsigma(given.rsigma), folder / "cache")
        results = about(programs, given.rules, quick=given.quick)
        wanted = given.lanes or (QUICK_LANES if given.quick else NAMES)
        tell("writing the lanes")
        lanes = [made(name, folder, size.events if name.startswith(SYNTHETIC) else size.real_events) for name in wanted]
        bench = Bench(programs, given.rules, lanes, folder, size)
        for section in given.only or (QUICK_SECTIONS if given.quick else SECTIONS):
            start = time.monotonic()
            results[section] = MEASURE[section](bench)
            given.json.write_text(json.dumps(results, indent=1), "utf-8")  # for a run that is stopped
            tell(f"{section}: {time.monotonic() - start:.0f} s")
        return results


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer lanes, sections and rounds: some two minutes")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--lanes", nargs="+", choices=NAMES, metavar="LANE", help="; ".join(NAMES))
    parser.add_argument("--rules", type=Path, default=RULES, help="a folder of Sigma rules (default: SigmaHQ's)")
    parser.add_argument("--rsigma", type=Path, help="RSigma's binary (default: .rsigma/bin/rsigma, or on the path)")
    parser.add_argument("--results", type=Path, metavar="FILE", help="measure nothing: take the results of this file")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", default=RESULTS, help="write the results here (default: build/engine.json)"
    )
    parser.add_argument("--write", type=Path, metavar="PAGE", help="make the tables of this page anew")
    return parser.parse_args()


def main() -> int:
    """Measure, write, print, and return the exit code."""
    given = arguments()
    if given.results:
        results: Results = json.loads(given.results.read_text("utf-8"))
    elif not given.rules.is_dir() or not RULES.is_dir():
        print("skipped: the data beside the repository is not there")
        return 0
    else:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        on_one_core()
        results = measure(given)
    if given.write:
        given.write.write_text(page.written(given.write, results), "utf-8")
    print(page.summary(results))
    missed = [found for found in verdicts(results) if found.met is False]
    unknown = sum(found.met is None for found in verdicts(results))
    for found in missed:
        print(f"missed: {found.what}: {found.figure:.2f}, {found.bound}")
    print(f"{len(missed)} of {len(verdicts(results))} bounds missed, {unknown} not measured")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
