"""What is measured inside a Python process of its own: parsing alone, passes apart, one event at a time, the reference.

python -m bench.streaming.inside '{"job": "passes", "rules": …, "lane": …, "hints": […]}'      (prints JSON)
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from ruleengine.engine import Engine
from ruleengine.load import Loaded, load
from ruleengine.meaning import Seen, holds
from ruleengine.schema.logsources import DEFAULT, HintFields, router, source_reader

PASSES = 3
MOST = 20_000
"""Events of a lane that are held in memory, and measured, at most."""

NS = 1000


def rules_of(folder: str) -> tuple[Loaded, ...]:
    """Return the rules about one event of a folder; what is wrong with them is for `check` to say."""
    return load([folder], lambda _: None).events


def hint_fields(given: Sequence[str] | None) -> HintFields:
    """Return hint fields by their names."""
    return HintFields(*given) if given else DEFAULT


def fresh(rules: Sequence[Loaded], hints: Sequence[str] | None) -> Engine:
    """Return an engine that has seen nothing; as in the command, no garbage is sought in what stays until the end."""
    engine = Engine.from_rules(rules, hint_fields(hints))
    gc.collect()
    gc.freeze()
    return engine


def lines_of(lane: str, most: int) -> list[bytes]:
    """Return the first so many lines of a lane."""
    with Path(lane).open("rb") as stream:
        return [line.rstrip(b"\n") for line in islice(stream, most)]


def us(start: int, count: int) -> float:
    """Return the microseconds an event has taken since a reading of the clock."""
    return (time.perf_counter_ns() - start) / NS / count


def parse(lane: str) -> dict[str, Any]:
    """Return how long it takes to do nothing but decode each line into a dictionary."""
    found = []
    lines = lines_of(lane, MOST)
    for _ in range(5):
        decode = msgspec.json.Decoder().decode
        start = time.perf_counter_ns()
        for line in lines:
            decode(line)
        found.append(us(start, len(lines)))
    return {"us": median(found), "spread_us": [min(found), max(found)]}


def passes(rules: str, lane: str, hints: Sequence[str] | None) -> dict[str, Any]:
    """Return how long an event takes in each pass of one engine over a lane, parsing included."""
    lines, known = lines_of(lane, MOST), rules_of(rules)
    count, data = len(lines), b"\n".join(lines)
    start = time.perf_counter()
    engine = fresh(known, hints)
    made = time.perf_counter() - start
    found, matches = [], set()
    for _ in range(PASSES):
        begun = time.perf_counter_ns()
        hits = engine.match_ndjson(data)
        found.append(us(begun, count))
        matches.add(sum(len(hit.rules) for hit in hits))
    if len(matches) > 1:
        sys.exit(f"the passes over {lane} differ: {sorted(matches)} matches")
    return {"us": found, "made_s": made, "matches": matches.pop()}


def latency(rules: str, lane: str, hints: Sequence[str] | None, events: int) -> dict[str, Any]:
    """Return how long one event takes, asked by itself of an engine that has seen none: as a dictionary, as a line."""
    lines, known = lines_of(lane, events), rules_of(rules)
    decoded = [msgspec.json.decode(line) for line in lines]
    return {
        "matches": _quantiles(fresh(known, hints).matches, decoded),
        "match_ndjson": _quantiles(fresh(known, hints).match_ndjson, lines),
    }


def _quantiles(asked: Callable[[Any], object], given: Sequence[Any]) -> dict[str, float]:
    found = []
    clock = time.perf_counter_ns
    for one in given:
        start = clock()
        asked(one)
        found.append(clock() - start)
    found.sort()
    p50, p99 = found[len(found) // 2] / NS, found[len(found) * 99 // 100] / NS
    return {"events": len(found), "p50_us": p50, "p99_us": p99, "p99_by_p50": p99 / p50, "max_us": found[-1] / NS}


def reference(rules: str, lane: str, hints: Sequence[str] | None, events: int) -> dict[str, Any]:
    """Return how long an event takes when each rule that its log source concerns is asked in turn."""
    known = rules_of(rules)
    source, asked = source_reader(hint_fields(hints)), router([loaded.rule.logs for loaded in known])
    lines = lines_of(lane, events)
    start, matches = time.perf_counter_ns(), 0
    for line in lines:
        event = msgspec.json.decode(line)
        seen = Seen(event)
        for index in asked(source(event)):
            expr = known[index].expr
            matches += expr is not None and holds(expr, seen)
    return {"us": us(start, len(lines)), "events": len(lines), "matches": matches}


JOBS: dict[str, Callable[..., dict[str, Any]]] = {
    "parse": parse,
    "passes": passes,
    "latency": latency,
    "reference": reference,
}


def main() -> int:
    """Do the job that the command line names, and print what came of it."""
    asked = json.loads(sys.argv[1])
    print(json.dumps(JOBS[asked.pop("job")](**asked)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
