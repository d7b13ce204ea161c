"""What rules cost before and behind the events: loading them cold, cached and after a change; many more rules."""

from __future__ import annotations

import json
import random
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from bench.streaming.lanes import SEED, Lane
from bench.streaming.programs import Programs, Run, hints_of
from bench.streaming.ratios import MODES, Row

SIZES = (500, 1_000, 0, 10_000)
"""How many rules; 0 is all."""

_AS_WRITTEN = ("re", "cidr", "expand", "fieldref", "exists")
"""Modifiers whose values are no literals."""

_NAME = re.compile(r"[\\/]?[\w.-]+\.(exe|dll|sys|ps1)", re.I)
"""A program's name: many rules share these, in a large collection too."""


def files(rules: Path) -> list[Path]:
    """Return the rule files of a folder, in order."""
    return sorted(rules.rglob("*.yml"))


# --- loading ----------------------------------------------------------------------------------------------------------


def loading(programs: Programs, rules: Path, folder: Path, rounds: int, say: Callable[[str], None]) -> Row:
    """Return the seconds that each program takes over no events at all: what starting and loading the rules takes."""
    empty, copy = folder / "empty.ndjson", folder / "changing"
    empty.touch()
    shutil.copytree(rules, copy, copy_function=shutil.copyfile)
    fresh = programs._replace(cache=folder / "cold-cache")
    changing = programs._replace(cache=folder / "changing-cache")
    programs.run_ours(empty, rules)
    changing.run_ours(empty, copy)
    taken: dict[str, list[Run]] = {}
    for turn in range(rounds):
        say(f"round {turn + 1} of {rounds}")
        taken.setdefault("cached", []).append(programs.run_ours(empty, rules))
        shutil.rmtree(fresh.cache, ignore_errors=True)
        taken.setdefault("cold", []).append(fresh.run_ours(empty, rules))
        _change_one(copy, turn)
        taken.setdefault("changed", []).append(changing.run_ours(empty, copy))
        if programs.rsigma:
            taken.setdefault("rsigma", []).append(programs.run_theirs(empty, rules))
    return {
        who: {"wall_s": [run.wall for run in runs], "rss_mb": max(run.rss for run in runs)}
        for who, runs in taken.items()
    }


def _change_one(copy: Path, turn: int) -> None:
    """Change a literal of one rule in a copy of the rules."""
    path = next(path for path in files(copy)[turn * 100 :] if "endswith: '" in path.read_text("utf-8"))
    path.write_text(path.read_text("utf-8").replace("endswith: '", f"endswith: 'x{turn}", 1), "utf-8")


# --- many rules -------------------------------------------------------------------------------------------------------


def growth(
    programs: Programs, rules: Path, lane: Lane, folder: Path, rounds: int, say: Callable[[str], None]
) -> list[Row]:
    """Return what an event of a lane takes with fewer and with more rules, for each mode."""
    empty = folder / "empty.ndjson"
    empty.touch()
    rows: list[Row] = []
    for size in SIZES:
        known = made(rules, size, folder / f"rules-{size}") if size else rules
        count = len(files(known))
        for mode in MODES:
            say(f"{count:,} rules ({mode})")
            hints = hints_of(lane, mode)
            runs: dict[str, list[tuple[Run, Run]]] = {}
            programs.run_ours(empty, known, hints)  # fills the cache
            for _ in range(rounds):
                for who in ("ours", "rsigma") if programs.rsigma else ("ours",):
                    runner = programs.run_ours if who == "ours" else programs.run_theirs
                    pair = (runner(empty, known, hints), runner(lane.path(mode), known, hints))
                    runs.setdefault(who, []).append(pair)
            rows.append({"rules": count, "all": not size, "lane": lane.name, "mode": mode, **_costs(runs, lane.events)})
    return rows


def _costs(runs: dict[str, list[tuple[Run, Run]]], events: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for who, pairs in runs.items():
        empty = median(nothing.wall for nothing, _ in pairs)
        walls = [full.wall for _, full in pairs]
        out[who] = {
            "us": 1e6 * (median(walls) - empty) / events,
            "spread_us": [1e6 * (edge - empty) / events for edge in (min(walls), max(walls))],
            "load_s": empty,
            "rss_mb": max(full.rss for _, full in pairs),
        }
    return out


def made(rules: Path, size: int, folder: Path) -> Path:
    """Write so many rules into a folder: a sample, or all and copies of them in which literals differ; JSON is YAML."""
    drawn = random.Random(SEED)
    known = files(rules)
    chosen = drawn.sample(known, size) if size <= len(known) else known
    folder.mkdir()
    for index, path in enumerate(chosen):
        shutil.copyfile(path, folder / f"{index:05}_{path.name}")
    copies = _copies(known, size - len(chosen), drawn)
    for index, document in enumerate(copies, len(chosen)):
        (folder / f"{index:05}.yml").write_text(json.dumps(document, default=str, ensure_ascii=False), "utf-8")
    return folder


def _copies(known: list[Path], count: int, drawn: random.Random) -> Iterator[dict[str, Any]]:
    """Yield so many copies; of a rule that fires unless something is seen none: it would fire on everything."""
    documents = [yaml.load(path.read_bytes(), yaml.CSafeLoader) for path in known] if count > 0 else []
    documents = [rule for rule in documents if not str(rule["detection"]["condition"]).startswith("not ")]
    for index in range(count):
        rule = documents[index % len(documents)]
        detection = {name: _mutated(name, value, drawn) for name, value in rule["detection"].items()}
        yield rule | {"detection": detection, "id": str(uuid.UUID(int=drawn.getrandbits(128), version=4))}


def _mutated(key: str, value: Any, drawn: random.Random) -> Any:
    """Return a part of a detection with one letter changed in each literal that is no program's name; filters stay."""
    if key in ("condition", "timeframe") or key.startswith("filter") or set(key.split("|")[1:]) & {*_AS_WRITTEN}:
        return value
    if isinstance(value, dict):
        return {name: _mutated(name, below, drawn) for name, below in value.items()}
    if isinstance(value, list):
        return [_mutated(key, below, drawn) for below in value]
    if not isinstance(value, str) or len(value) < 5 or _NAME.fullmatch(value):
        return value
    letters = [at for at, letter in enumerate(value) if letter.isascii() and letter.isalpha()]
    if not letters:
        return value
    at = drawn.choice(letters)
    return f"{value[:at]}{drawn.choice('abcdefghijklmnopqrstuvwxyz')}{value[at + 1 :]}"
