"""How often each rule matches in our engine and in RSigma, and where they differ, why (`differences.toml`)."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.streaming.lanes import STORED, Lane
from bench.streaming.programs import Programs, hints_of
from bench.streaming.ratios import MODES, Row

REASONS = Path(__file__).with_name("differences.toml")


class Reason(NamedTuple):
    """Why a rule differs: `against` is what ours is compared with (`rsigma`), or what RSigma is (`stored`)."""

    against: str
    rule: str
    lanes: tuple[str, ...]
    modes: tuple[str, ...]
    why: str


def reasons() -> list[Reason]:
    """Return the table of reasons; no lanes or modes is all of them."""
    rows = tomllib.loads(REASONS.read_text("utf-8"))["difference"]
    return [
        Reason(row["against"], rule, tuple(row.get("lanes", ())), tuple(row.get("modes", MODES)), row["why"])
        for row in rows
        for rule in row["rules"]
    ]


def compared(
    programs: Programs, rules: Path, lanes: Sequence[Lane], folder: Path, say: Callable[[str], None]
) -> list[Row]:
    """Return for each lane and mode the counts of both programs in all, and each rule in which they differ."""
    known, rows = reasons(), []
    for lane in lanes:
        for mode in MODES:
            say(f"{lane.name} ({mode})")
            ours, theirs = folder / "ours.ndjson", folder / "theirs.ndjson"
            programs.run_ours(lane.path(mode), rules, hints_of(lane, mode), ours)
            row: Row = {"lane": lane.name, "mode": mode, "events": lane.events}
            found = counted(ours, "rule")
            row |= {"ours": found.total(), "rules": len(found), "rsigma": None, "stored": None, "differences": []}
            if programs.rsigma:
                programs.run_theirs(lane.path(mode), rules, hints_of(lane, mode), theirs)
                now = counted(theirs, "rule_id")
                before = stored(lane, mode)
                row |= {"rsigma": now.total(), "stored": before.total() if before is not None else None}
                row["differences"] = [
                    *_differences("rsigma", lane, mode, found, now, known),
                    *(_differences("stored", lane, mode, now, before, known) if before is not None else ()),
                ]
            rows.append(row)
    return rows


def counted(path: Path, key: str) -> Counter[str]:
    """Return how often each rule matched, from a file with one match a line."""
    with path.open("rb") as stream:
        return Counter(json.loads(line)[key] for line in stream)


def stored(lane: Lane, mode: str) -> Counter[str] | None:
    """Return what RSigma counted when the lanes were published; None for a lane that is not theirs or not whole."""
    path = STORED / f"rsigma-0.21.0.{lane.name}{'.routed' if mode == 'routed' else ''}.tsv"
    if not path.is_file() or lane.events != 10_000:
        return None
    rows = (line.split("\t") for line in path.read_text("utf-8").splitlines())
    return Counter({rule: int(count) for rule, count in rows})


def _differences(
    against: str, lane: Lane, mode: str, left: Counter[str], right: Counter[str], known: Sequence[Reason]
) -> list[Row]:
    found = []
    for rule in sorted(left | right):
        if left[rule] != right[rule]:
            why = next((reason.why for reason in known if _fits(reason, against, rule, lane.name, mode)), None)
            found.append({"against": against, "rule": rule, "here": left[rule], "there": right[rule], "why": why})
    return found


def _fits(reason: Reason, against: str, rule: str, lane: str, mode: str) -> bool:
    same = (reason.against, reason.rule) == (against, rule)
    return same and (not reason.lanes or lane in reason.lanes) and mode in reason.modes
