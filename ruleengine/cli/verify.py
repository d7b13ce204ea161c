"""Prove that queries mean what their rules mean: ask both about events made for each rule, and show every difference.

ruleengine verify rules/                         Splunk, LogScale and Python, 30 events a rule
ruleengine verify rule.yml -t splunk --events 500

The events are the witnesses of each rule, its near misses, and changes to them; with the package hypothesis installed,
some at random. A query is run by a small interpreter that was written from the vendor's manuals. Where a pipeline says
that events are kept (an index, a repository) is not asked. The exit code is 1 when something differs, and 5 when no
event could be asked of some query, which is never a pass.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any, TextIO

from ruleengine.analysis.agree import Agreement, Difference, Oracle, agreement, as_arrays, probes
from ruleengine.analysis.explain import draw_tree, explain
from ruleengine.cli.main import FINDINGS, NOTHING, OK, UNREADABLE
from ruleengine.cli.output import add_format, opened, outputs
from ruleengine.cli.parser import UsageError
from ruleengine.cli.rules import SELECT_HELP, add_pipelines, choose, tell
from ruleengine.compiling import Job, Result, UnknownTarget, all_ready, compiled, job
from ruleengine.draw import counted, visible
from ruleengine.formats import SCHEMA_VERSION, compact
from ruleengine.ir import Expr
from ruleengine.problem import Problem, in_order
from ruleengine.target import BOUNDS, Ready
from ruleengine.values import Event

DEFAULT = ("splunk", "logscale", "python")
GROUP = "ruleengine.oracles"
"""The entry points that name the interpreters, by target."""

MOST = 100_000
SHOWN = 3
"""Differences of one query that are printed; the rest is counted."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("rules", nargs="*", metavar="SELECT", help=SELECT_HELP)
    parser.add_argument(
        "-t", "--target", action="append", metavar="NAME", dest="targets", help=f"default: {', '.join(DEFAULT)}"
    )
    parser.add_argument("--events", type=int, default=30, metavar="N", help="how many events a rule (default: 30)")
    add_pipelines(parser)
    add_format(parser, ("text", "ndjson"))


def run(args: argparse.Namespace) -> int:
    """Ask rules and queries."""
    forms = outputs(args)
    if not 1 <= args.events <= MOST:
        raise UsageError(f"--events {args.events} is not possible", f"it goes from 1 to {MOST:,}")
    try:
        jobs = [job(name) for name in dict.fromkeys(args.targets or DEFAULT)]
    except UnknownTarget as error:
        raise UsageError(error.message, error.hint) from None
    oracles = {one.target.name: oracle(one.target.name) for one in jobs}
    chosen = choose(args.rules, pipelines=args.pipelines)
    found: list[Problem] = list(chosen.problems)
    rules = all_ready(chosen.rules, found.append, *chosen.identity)
    totals: Counter[str] = Counter()
    with ExitStack() as stack:
        streams = [(one.format, stack.enter_context(opened(one))) for one in forms]
        for given in rules:
            events = events_for(given, args.events)
            for each in jobs:
                name = each.target.name
                result = compiled(given, each.target, found.append)
                if not result.kept:
                    totals[f"{name} refused"] += 1
                    continue
                asked = agreement(given, result.compiled, each.target.contract, oracles[name], events)
                count(totals, each, asked)
                for form, stream in streams:
                    (text if form == "text" else row)(stream, result, each, asked)
    tell(in_order(found))
    sys.stderr.write(summary(totals, jobs) + "\n")
    differing = any(totals[f"{one.target.name} differing"] for one in jobs)
    unasked = any(totals[f"{one.target.name} unasked"] for one in jobs)
    code = max(chosen.code, UNREADABLE if any(each.blocks for each in found) else OK)
    return max(code, FINDINGS if differing else OK, NOTHING if unasked or (not rules and not code) else OK)


@cache
def oracle(name: str) -> Oracle:
    """Return the interpreter of a target's queries; UsageError when there is none."""
    found = [point for point in entry_points(group=GROUP) if point.name == name]
    if not found:
        raise UsageError(f"nothing here can run what `{name}` writes", "verify knows splunk, logscale and python")
    loaded: Oracle = found[0].load()
    return loaded


def events_for(given: Ready, number: int) -> list[Event]:
    """Return the events to ask about: those around the rule, and some at random where hypothesis is installed."""
    known = probes(given.expr, number, given.arrays)
    if find_spec("hypothesis") is None:
        return known
    more = at_random(given.expr, max(number // 3, number - len(known)))
    return [*known, *(as_arrays(event, given.arrays) for event in more)]


def at_random(expr: Expr, number: int) -> Iterator[Event]:
    """Yield events that Hypothesis makes of a rule, the same ones every time."""
    from hypothesis import HealthCheck, Phase, given, settings

    from ruleengine.analysis.witness import strategy

    drawn: list[Event] = []

    @settings(
        max_examples=number,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(strategy(expr))
    def draw(event: Event) -> None:
        drawn.append(event)

    draw()
    yield from drawn


def count(totals: Counter[str], one: Job, asked: Agreement) -> None:
    """Add what came of one query to the totals."""
    name = one.target.name
    totals[f"{name} queries"] += 1
    totals[f"{name} asked"] += asked.asked
    totals[f"{name} outside"] += asked.outside
    totals[f"{name} differing"] += bool(asked.differences)
    totals[f"{name} unasked"] += not asked.asked and not asked.differences


def text(stream: TextIO, result: Result, one: Job, asked: Agreement) -> None:
    """Write what differs: the rule, the query, each event, what was said of it, and the rule's own tree."""
    if not asked.differences:
        return
    rule = result.given.rule
    stream.write(f"{visible(rule.title)} ({visible(rule.source.path if rule.source else '')}): {one.target.title}\n")
    stream.writelines(f"    {visible(line)}\n" for line in result.compiled.text.splitlines())
    for difference in asked.differences[:SHOWN]:
        stream.writelines(f"  {line}\n" for line in told(result.given, difference))
    if len(asked.differences) > SHOWN:
        stream.write(f"  and {len(asked.differences) - SHOWN:,} more\n")
    stream.write("\n")


def told(given: Ready, difference: Difference) -> Iterator[str]:
    """Yield the lines about one difference."""
    if difference.event is None:
        yield f"the query cannot be read: {visible(difference.message)}"
        return
    does = "matches" if difference.expected else "does not match"
    yield f"the rule {does}, and {visible(difference.message)}: {visible(compact(difference.event))}"
    tree = draw_tree(explain(given.expr, difference.event), mark=lambda sign, _: sign, shown=visible)
    yield from (f"  {line}" for line in tree)


def row(stream: TextIO, result: Result, one: Job, asked: Agreement) -> None:
    """Write one query's result as a line of JSON."""
    shown: dict[str, Any] | None = None
    if asked.shown is not None:
        limit, event = asked.shown
        shown = {"bound": limit.bound, "says": BOUNDS[limit.bound].says.format(field=limit.field), "event": event}
    data = {
        "schema_version": SCHEMA_VERSION,
        "rule": result.given.rule.label,
        "target": one.target.name,
        "fidelity": result.compiled.verdict,
        "asked": asked.asked,
        "outside": asked.outside,
        "outside_example": shown,
        "differences": [
            {"kind": each.kind, "event": each.event, "rule": each.expected, "message": each.message}
            for each in asked.differences
        ],
    }
    stream.write(compact(data) + "\n")


def summary(totals: Counter[str], jobs: Sequence[Job]) -> str:
    """Return the last lines on stderr."""
    lines = []
    for one in jobs:
        name = one.target.name
        differing, refused = totals[f"{name} differing"], totals[f"{name} refused"]
        asked, outside, unasked = (totals[f"{name} {what}"] for what in ("asked", "outside", "unasked"))
        said = f"{differing:,} differ" if differing else "all agree" if asked else "nothing is shown"
        line = f"{name}: {counted(totals[f'{name} queries'], 'query')}, {asked:,} events asked, {said}"
        line += f"; of {unasked:,} no event could be asked" if unasked else ""
        line += f"; {outside:,} outside contract or bounds" if outside else ""
        lines.append(line + (f"; {refused:,} refused" if refused else ""))
    return "\n".join(lines)
