"""The results as Markdown tables, and the page `docs/performance.md` with its tables made anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.streaming.bounds import Results, bound_of, verdicts

NOT = "not measured"
MET = {True: "met", False: "**missed**", None: NOT}
MODE = {"routed": "routed", "all": "all rules"}


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; one without rows says so."""
    found = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    if not found:
        return f"{NOT}"
    return "\n".join([f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}", *found])


def figure(value: float | None, digits: int = 2, unit: str = "") -> str:
    """Return a number as it is shown."""
    return NOT if value is None else f"{value:,.{digits}f}{unit}"


def us(value: float | None) -> str:
    """Return microseconds as they are shown."""
    return figure(value, 1 if value is None or abs(value) < 100 else 0)


def written(page: Path, results: Results) -> str:
    """Return the text of the page with the tables of a run in it; a section that did not run keeps its table."""
    text = page.read_text("utf-8")
    for name, make in TABLES.items():
        mark = f"<!-- table: {name} -->\n"
        if text.count(mark) != 1:
            raise ValueError(f"the page must have `{mark.strip()}` once")
        if SECTION.get(name, name) in results:
            head, rest = text.split(mark)
            text = f"{head}{mark}{make(results)}\n<!-- end -->{rest.split('<!-- end -->', 1)[1]}"
    return text


def summary(results: Results) -> str:
    """Return the tables one after the other, as they are printed."""
    return "\n\n".join(
        f"## {name}\n\n{make(results)}" for name, make in TABLES.items() if SECTION.get(name, name) in results
    )


def parsing(results: Results) -> dict[tuple[str, str], float]:
    """Return what parsing an event alone takes, by lane and mode."""
    return {(row["lane"], row["mode"]): row["us"] for row in results.get("parse", ())}


def _machine(results: Results) -> str:
    found = results["machine"]
    versions = ", ".join(f"{name} {version or NOT}" for name, version in results["versions"].items())
    versions += f"; our accelerator: {results['accelerator']}"
    return (
        f"{found['cores']} shared cores, {found['memory_gb']} GB, {found['system']}; {versions}; "
        f"{results['rules']:,} rule files of SigmaHQ; {results['when']}"
        f"{'; a quick run' if results['quick'] else ''}."
    )


def _bounds(results: Results) -> str:
    rows = [(found.what, figure(found.figure), found.bound, MET[found.met]) for found in verdicts(results)]
    return table(("what", "figure", "bound", ""), rows)


def _ratios(results: Results, mode: str) -> str:
    heads = (
        "lane",
        "events",
        "RSigma µs",
        "ours µs",
        "parsing alone µs",
        "ratio",
        "nine times of ten",
        "of the least runs",
        "by processor time",
        "bound",
        "",
        "without accelerator µs",
        "its ratio",
        "ratio, later passes",
    )
    parse = parsing(results)
    rows = []
    for row in results["ratios"]:
        if row["mode"] != mode:
            continue
        bound, ratio, within = bound_of(row), row.get("ratio"), row.get("ratio_range")
        rows.append(
            (
                row["lane"],
                f"{row['events']:,}",
                us(row.get("rsigma", {}).get("us")),
                us(row["ours"]["us"]),
                us(parse.get((row["lane"], mode))),
                figure(ratio),
                f"{within[0]:.2f} to {within[1]:.2f}" if within else "",
                figure(row.get("least_ratio")),
                figure(row.get("cpu_ratio")),
                f"{bound:g}" if bound else "",
                MET[None if ratio is None else ratio >= bound] if bound else "",
                us(row["python"]["us"]),
                figure(row.get("python_ratio")),
                figure(row.get("later_ratio")),
            )
        )
    return table(heads, rows)


def _spread(results: Results) -> str:
    """The seconds of whole runs: the medians and the least and most of each program, over the lane and over nothing."""

    def cell(found: Any, key: str) -> str:
        return f"{median(found[key]):.3f} ({min(found[key]):.3f} to {max(found[key]):.3f})" if found else NOT

    rows = []
    for row in results["ratios"]:
        theirs, ours = row.get("rsigma"), row["ours"]
        rows.append(
            (
                row["lane"],
                MODE[row["mode"]],
                str(len(ours["wall_s"])),
                *(cell(found, key) for found in (theirs, ours) for key in ("wall_s", "empty_s")),
                us(theirs["later_us"] if theirs and "later_us" in theirs else None),
                us(ours.get("later_us")),
                f"{theirs['rss_mb']:.0f}" if theirs else NOT,
                f"{ours['rss_mb']:.0f}",
            )
        )
    heads = ("lane", "mode", "runs", "RSigma s", "over nothing s", "ours s", "over nothing s")
    return table((*heads, "RSigma later µs", "ours later µs", "RSigma MB", "ours MB"), rows)


def _passes(results: Results) -> str:
    parse = parsing(results)
    rows = []
    for row in results["passes"]:
        alone = us(parse.get((row["lane"], row["mode"])))
        rows.append((row["lane"], MODE[row["mode"]], *map(us, row["us"]), alone, figure(row["made_s"], 1)))
    heads = ("lane", "mode", "first pass µs", "second µs", "third µs", "parsing alone µs", "engine made in s")
    return table(heads, rows)


def _latency(results: Results) -> str:
    rows = []
    for row in results["latency"]:
        for how in ("matches", "match_ndjson"):
            found = row[how]
            times = (us(found[key]) for key in ("p50_us", "p99_us"))
            last = (figure(found["p99_by_p50"], 1), us(found["max_us"]))
            rows.append((row["lane"], MODE[row["mode"]], f"`{how}`", f"{found['events']:,}", *times, *last))
    return table(("lane", "mode", "asked by", "events", "p50 µs", "p99 µs", "p99/p50", "longest µs"), rows)


def _loading(results: Results) -> str:
    base = results["loading"].get("rsigma", {}).get("median_s")
    names = {
        "rsigma": "RSigma",
        "cached": "ours, cached",
        "cold": "ours, no cache",
        "changed": "ours, one rule changed",
    }
    rows = [
        (
            name,
            f"{row['median_s']:.2f} ({min(row['wall_s']):.2f} to {max(row['wall_s']):.2f})",
            figure(row["median_s"] / base if base else None),
            f"{row['rss_mb']:.0f}",
        )
        for who, name in names.items()
        if (row := results["loading"].get(who))
    ]
    return table(("program", "seconds", "times RSigma's", "MB"), rows)


def _growth(results: Results) -> str:
    rows = []
    for row in results["growth"]:
        theirs = row.get("rsigma")
        low, high = row["ours"]["spread_us"]
        rows.append(
            (
                f"{row['rules']:,}{' (all)' if row['all'] else ''}",
                MODE[row["mode"]],
                us(theirs["us"] if theirs else None),
                f"{us(row['ours']['us'])} ({us(low)} to {us(high)})",
                figure(theirs["load_s"] if theirs else None),
                figure(row["ours"]["load_s"]),
                f"{row['ours']['rss_mb']:.0f}",
            )
        )
    heads = ("rules", "mode", "RSigma µs", "ours µs", "RSigma loads in s", "ours, cached, in s", "ours MB")
    return table(heads, rows)


def _others(results: Results) -> str:
    rows = []
    for row in results["others"]:
        took = row["us"]
        rows.append((row["lane"], MODE[row["mode"]], row["who"], figure(row["events"], 0), us(took), row["note"]))
    return table(("lane", "mode", "matcher", "events", "µs an event", "note"), rows)


def _processes(results: Results) -> str:
    rows = [
        (str(row["jobs"]), f"{row['events']:,}", figure(row["s"]), figure(row["speedup"]))
        for row in results["processes"]
    ]
    return table(("processes", "events", "seconds, less loading", "times as fast as one"), rows)


def _counts(results: Results) -> str:
    rows = []
    for row in results["counts"]:
        told = [found for found in row["differences"] if found["against"] == "rsigma"]
        stored = [found for found in row["differences"] if found["against"] == "stored"]
        totals = (figure(row[key], 0) for key in ("ours", "rsigma", "stored"))
        rows.append((row["lane"], MODE[row["mode"]], str(row["rules"]), *totals, str(len(told)), str(len(stored))))
    heads = ("lane", "mode", "rules that match", "matches, ours", "RSigma's", "RSigma's as published")
    return table((*heads, "rules that differ", "from the published"), rows)


def _differences(results: Results) -> str:
    return table(("rule", "lane", "counts", "why"), _each_difference(results)).replace(NOT, "none")


def _each_difference(results: Results) -> Iterator[tuple[str, ...]]:
    for row in results["counts"]:
        for found in row["differences"]:
            ours = found["against"] == "rsigma"
            names = ("ours", "RSigma's") if ours else ("RSigma's", "as published")
            counts = f"{names[0]} {found['here']:,}, {names[1]} {found['there']:,}"
            where = f"{row['lane']} ({MODE[row['mode']]})"
            yield f"`{found['rule']}`", where, counts, found["why"] or "**unexplained**"


TABLES: dict[str, Callable[[Results], str]] = {
    "machine": _machine,
    "bounds": _bounds,
    "routed": lambda results: _ratios(results, "routed"),
    "all": lambda results: _ratios(results, "all"),
    "spread": _spread,
    "passes": _passes,
    "latency": _latency,
    "loading": _loading,
    "growth": _growth,
    "processes": _processes,
    "others": _others,
    "counts": _counts,
    "differences": _differences,
}

SECTION = {"bounds": "machine", "routed": "ratios", "all": "ratios", "spread": "ratios", "differences": "counts"}
"""Which section of the results a table is made from, where it is not of the same name."""
