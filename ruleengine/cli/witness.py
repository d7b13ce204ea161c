"""Make events for rules: some that match and, with --near-miss, some that one leaf or one filter alone keeps from it.

Every event shown was checked by the reference evaluator. A near miss would match if the leaf it names alone had its
other truth value. The exit code is 1 when no matching event was found for some rule.

  ruleengine witness rules/linux/ssh_root_password_login.yml --near-miss
  ruleengine witness rules --count 3 --format events > fixtures/made.ndjson
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from ruleengine.analysis.witness import NotFound, near_misses, positive, positives, stopped_by
from ruleengine.cli.main import FINDINGS, NOTHING, OK
from ruleengine.cli.output import add_format, opened, outputs
from ruleengine.cli.parser import UsageError
from ruleengine.cli.rules import SELECT_HELP, add_pipelines, choose, of_one_event, tell
from ruleengine.draw import visible
from ruleengine.formats import SCHEMA_VERSION, compact
from ruleengine.ir import Expr, Leaf, LogSource, Named
from ruleengine.load import Loaded
from ruleengine.values import Event

Row = dict[str, Any]

MOST = 1_000
"""The largest --count."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("rules", nargs="+", metavar="RULE", help=SELECT_HELP)
    parser.add_argument("--near-miss", action="store_true", help="also an event for each leaf, and for each filter")
    parser.add_argument("--count", type=int, default=1, metavar="N", help="how many matching events (default: 1)")
    add_pipelines(parser)
    add_format(parser, ("text", "ndjson", "json", "events"))


def run(args: argparse.Namespace) -> int:
    """Print the events."""
    forms = outputs(args)
    if not 1 <= args.count <= MOST:
        raise UsageError(f"--count {args.count} is not possible", f"it goes from 1 to {MOST:,}")
    chosen = choose(args.rules, pipelines=args.pipelines)
    tell(chosen.problems)
    rules = of_one_event(chosen)
    if not rules:
        return max(NOTHING, chosen.code)
    without: set[str] = set()
    for one in forms:
        with opened(one) as stream:
            write(one.format, rules, stream, args.count, near=args.near_miss, without=without)
    if without:
        sys.stderr.write(f"no matching event was found for {len(without):,} of {len(rules):,} rules\n")
    return max(chosen.code, FINDINGS if without else OK)


def write(form: str, rules: list[Loaded], stream: TextIO, count: int, *, near: bool, without: set[str]) -> None:
    """Write the events of every rule in one form; the labels of rules that have none are added to `without`."""
    first = True
    if form == "json":
        stream.write("[")
    for loaded in rules:
        if form == "text":
            path = loaded.rule.source.path if loaded.rule.source else ""
            stream.write(("" if first else "\n") + f"{visible(loaded.rule.title)} ({visible(path)})\n")
        for row in rows(loaded, count, near=near):
            if row["kind"] == "match" and row["event"] is None:
                without.add(loaded.rule.label)
            if form == "text":
                stream.write(text(row))
            elif form == "json":
                stream.write(("\n" if first else ",\n") + compact(row))
            elif form == "ndjson":
                stream.write(compact(row) + "\n")
            elif row["event"] is not None:
                stream.write(compact(row["event"]) + "\n")
            first = False
    if form == "json":
        stream.write("\n]\n")


def rows(loaded: Loaded, count: int, *, near: bool) -> Iterator[Row]:
    """Yield what is shown of one rule: its matches, then its near misses, then what its filters stop."""
    expr, logs = loaded.expr, loaded.rule.logs
    assert expr is not None
    for found in matches(expr, logs, count):
        yield row(loaded, "match", None, found)
    if near:
        for miss in near_misses(expr, logs):
            yield row(loaded, "near_miss", miss.leaf, miss.found)
        for stopped in stopped_by(expr, logs):
            yield row(loaded, "stopped", stopped.filter, stopped.found)


def matches(expr: Expr, logs: LogSource, count: int) -> Iterator[Event | NotFound]:
    """Yield matching events, or why there is none."""
    none = True
    for event in positives(expr, logs, count):
        none = False
        yield event
    if none:
        yield positive(expr, logs)


def row(loaded: Loaded, kind: str, part: Leaf | Named | None, found: Event | NotFound) -> Row:
    """Return one event, or why there is none, as JSON."""
    place = part.span.place if part is not None and part.span else None
    missing = isinstance(found, NotFound)
    return {
        "schema_version": SCHEMA_VERSION,
        "rule": loaded.rule.label,
        "title": loaded.rule.title,
        "kind": kind,
        "part": written(part),
        "path": place.path if place else loaded.rule.source.path if loaded.rule.source else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "event": None if missing else found,
        "reason": found.reason if isinstance(found, NotFound) else None,
        "impossible": found.impossible if isinstance(found, NotFound) else None,
    }


def written(part: Leaf | Named | None) -> str | None:
    """Return what a leaf or a selection is called in the rule."""
    match part:
        case Leaf(item):
            return "|".join((item.field or "keywords", *item.modifiers))
        case Named(name):
            return name
        case _:
            return None


def text(row: Row) -> str:
    """Return the lines about one event."""
    part = visible(str(row["part"]))
    where = f"line {row['line']}: " if row["line"] else ""
    said = {
        "match": "matches",
        "near_miss": f"{where}only `{part}` keeps this from matching",
        "stopped": f"{where}only the filter `{part}` keeps this from matching",
    }[row["kind"]]
    if row["event"] is not None:
        return f"  {said}\n    {visible(compact(row['event']))}\n"
    proof = "impossible" if row["impossible"] else "none found"
    missing = {
        "match": "no event matches",
        "near_miss": f"no event hangs on `{part}`",
        "stopped": f"no event is stopped by `{part}` alone",
    }
    return f"  {where}{missing[row['kind']]} ({proof}): {visible(row['reason'])}\n"
