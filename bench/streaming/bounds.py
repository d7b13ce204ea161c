"""The bounds of the project and whether a run meets them; what was not measured is never met."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from bench.streaming.ratios import Row

Results = dict[str, Any]

ROUTED = {
    "structured_windows": 3.0,
    "match_heavy": 3.0,
    "sysmon_file_event": 3.0,
    "windows-history": 3.0,
    "windows-attack": 3.0,
    "raw_windows": 2.0,
    "cisco_syslog": 2.0,
    "mixed_schema": 2.0,
    "structured_windows, unique": 2.0,
    "windows-history, unique": 2.0,
}
"""How many times our time RSigma's must be, at least, with routing by log source."""

ALL_RULES = 1.5
"""The same on every lane when every rule is asked."""

LOAD = {"cached": 1.0, "cold": 8.0}
"""The time of loading all rules over RSigma's, at most."""

RSS_MB = 250.0
GROWTH = 2.0
"""What an event takes with 10,000 rules over what it takes with all of SigmaHQ's, at most."""

P99_BY_P50 = 20.0


class Verdict(NamedTuple):
    """One bound: what is bounded, the figure (None: not measured), and the least or most that it may be."""

    what: str
    figure: float | None
    least: float | None
    most: float | None

    @property
    def met(self) -> bool | None:
        """Whether the figure is within the bound; None when there is none."""
        if self.figure is None:
            return None
        return (self.least is None or self.figure >= self.least) and (self.most is None or self.figure <= self.most)

    @property
    def bound(self) -> str:
        """The bound in words."""
        return f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"


def bound_of(row: Row) -> float | None:
    """Return the least ratio that a row must reach; None for a lane without a bound."""
    return ALL_RULES if row["mode"] == "all" else ROUTED.get(row["lane"])


def verdicts(results: Results) -> list[Verdict]:
    """Return every bound with its figure."""
    return [
        *_ratios(results),
        *_loading(results),
        *_memory(results),
        *_growth(results),
        *_latency(results),
        *_counts(results),
    ]


def _ratios(results: Results) -> Iterator[Verdict]:
    for row in results.get("ratios", ()):
        bound = bound_of(row)
        if bound is not None:
            yield Verdict(f"speed: {row['lane']} ({row['mode']})", row.get("ratio"), bound, None)


def _loading(results: Results) -> Iterator[Verdict]:
    found = results.get("loading", {})
    base = found.get("rsigma", {}).get("median_s")
    for how, most in LOAD.items():
        figure = found[how]["median_s"] / base if base and how in found else None
        yield Verdict(f"loading, {how}", figure, None, most)


def _memory(results: Results) -> Iterator[Verdict]:
    found = [(row["lane"], row["ours"]["rss_mb"]) for row in results.get("ratios", ())]
    found += [(f"loading, {how}", row["rss_mb"]) for how, row in results.get("loading", {}).items() if how != "rsigma"]
    lane, most = max(found, key=lambda each: each[1], default=("", None))
    yield Verdict(f"memory in MB, the most ({lane or 'nothing measured'})", most, None, RSS_MB)


def _growth(results: Results) -> Iterator[Verdict]:
    rows = results.get("growth", ())
    for mode in dict.fromkeys(row["mode"] for row in rows):
        cost = {row["rules"]: row["ours"]["us"] for row in rows if row["mode"] == mode}
        base = next(row["ours"]["us"] for row in rows if row["mode"] == mode and row["all"])
        figure = cost[10_000] / base if 10_000 in cost and base > 0 else None
        yield Verdict(f"growth: 10,000 rules over all ({mode})", figure, None, GROWTH)


def _latency(results: Results) -> Iterator[Verdict]:
    for row in results.get("latency", ()):
        for how in ("matches", "match_ndjson"):
            yield Verdict(
                f"latency p99/p50: {how}, {row['lane']} ({row['mode']})", row[how]["p99_by_p50"], None, P99_BY_P50
            )


def _counts(results: Results) -> Iterator[Verdict]:
    rows = results.get("counts", ())
    asked = rows and all(row["rsigma"] is not None for row in rows)
    unexplained = sum(found["why"] is None for row in rows for found in row["differences"])
    yield Verdict("counts that differ unexplained", unexplained if asked else None, None, 0)
