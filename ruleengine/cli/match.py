"""Run rules over events and print every match.

EVENTS are files, folders, patterns or `-` for standard input: NDJSON, JSON, CSV or EVTX, plain, .gz or .zst.
The exit code is 0 whatever is found (1 with --fail-on-match), 3 when a rule or an event could not be read.

  ruleengine match logs/ --rules rules/
  zcat day.ndjson.gz | ruleengine match - --rules rules/windows level:>=high --format ndjson
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, TextIO

from ruleengine.cli.main import FINDINGS, NOTHING, UNREADABLE
from ruleengine.cli.match_output import Objects, Table, Totals, skipped, summary
from ruleengine.cli.match_rows import Asking, Found, Place, Shown
from ruleengine.cli.output import add_format, opened, outputs
from ruleengine.cli.parser import UsageError
from ruleengine.cli.progress import progress
from ruleengine.cli.rules import add_pipelines, add_rules, cache_of, choose, of_one_event, tell
from ruleengine.engine.alone import Alone, LostWorkerError
from ruleengine.events import FORMATS, Block, Record, read_blocks
from ruleengine.events.complaints import Complaints
from ruleengine.load import Loaded
from ruleengine.problem import Problem
from ruleengine.schema.logsources import HintFields

if TYPE_CHECKING:
    from ruleengine.engine.workers import Workers

MOST_JOBS = 256
"""More processes than any machine has use for are a slip of the finger."""

ALONE_SIZE, SHARED_SIZE = 1 << 18, 1 << 19
"""Bytes of a block of lines: one that goes to another process is larger, because each has its price."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("events", nargs="+", metavar="EVENTS", help="files, folders, patterns, or - for standard input")
    add_rules(parser)
    parser.add_argument("--events-as", choices=FORMATS, help="how to read the events (default: by name and content)")
    parser.add_argument(
        "--logsource-field",
        action="append",
        default=[],
        metavar="PART=FIELD",
        help="the field that states the product, service or category of an event, as product=event.module",
    )
    parser.add_argument(
        "-j", "--jobs", type=jobs, default=1, metavar="N", help="use so many processes for NDJSON (default: 1)"
    )
    parser.add_argument("--include-event", action="store_true", help="put the event into each line of json and ndjson")
    parser.add_argument("--detail", action="store_true", help="say for each match why (text: for each rule's first)")
    parser.add_argument(
        "--show-sensitive", action="store_true", help="do not hide fields that a schema marks sensitive"
    )
    parser.add_argument("--why-skipped", action="store_true", help="say on stderr which rules were not asked, and why")
    parser.add_argument("--fail-on-match", action="store_true", help="exit with 1 when anything matches")
    add_pipelines(parser)
    add_format(parser, ("text", "ndjson", "json"))


def jobs(text: str) -> int:
    """Return the number of processes."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_JOBS:
        raise argparse.ArgumentTypeError(f"`{text}` is no number of processes from 1 to {MOST_JOBS}")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Match, write, and return the exit code."""
    forms = outputs(args)
    hints = hint_fields(args.logsource_field)
    cache = cache_of(args)
    chosen = choose(args.rules, pipelines=args.pipelines, cache=cache, bundles=True)
    tell(chosen.problems)
    rules = of_one_event(chosen)
    if not rules:
        return max(NOTHING, chosen.code)
    shown = Shown(args.include_event, args.detail, args.show_sensitive)
    asking = Asking(rules, hints, [one.format for one in forms], shown, sources=args.why_skipped, store=cache)
    gc.freeze()  # the engine stays: looking for garbage in it, again and again, is time lost
    broken = Broken()
    with ExitStack() as stack:
        totals = Totals([writer(one.format, stack.enter_context(opened(one)), rules) for one in forms])
        try:
            match(args, asking, totals, broken)
        except LostWorkerError as error:
            sys.stderr.write(f"ruleengine: {error}, so the result is incomplete\n")
            return UNREADABLE
        for write in totals.writers:
            write.end()
    sys.stdout.flush()
    for write in totals.writers:
        if isinstance(write, Table):
            sys.stderr.write(summary(totals, len(rules), len(write.first), broken.count))
    if args.why_skipped:
        sys.stderr.writelines(skipped(rules, totals.sources))
    code = UNREADABLE if broken.count else NOTHING if not totals.events else 0
    if not totals.events and not broken.count:
        sys.stderr.write("ruleengine: there was no event to match\n")
    return max(code, chosen.code, FINDINGS if args.fail_on_match and totals.hits else 0)


def match(args: argparse.Namespace, asking: Asking, totals: Totals, broken: Broken) -> None:
    """Read all events, have the rules asked, by one process or several, and write what is found, in their order."""

    def of_lines(path: str, complaints: Complaints, found: Found) -> None:
        complaints.join(found.problems, found.counts)
        totals.add(path, found)

    def of_record(record: Record) -> None:
        totals.add(record.path, asking.record(record))

    work, size = work_of(asking, totals, args.jobs)
    # Processes come first: what draws the progress has a thread, and threads are not forked.
    with work, progress(args.events) as on_bytes:
        told = broken.tell
        for part in read_blocks(args.events, told, format=args.events_as, on_bytes=on_bytes, size=size, turns=work):
            if isinstance(part, Block):
                work.submit((part.path, part.first_line), part.data, partial(of_lines, part.path, part.complaints))
            else:
                work.later(partial(of_record, part))
        work.settle()


def work_of(asking: Asking, totals: Totals, count: int) -> tuple[Alone[Place, Found] | Workers[Place, Found], int]:
    """Return who asks the rules about lines, and the size of the blocks to give them."""
    if count == 1:
        return Alone(asking.lines, totals.flush), ALONE_SIZE
    from ruleengine.engine.workers import Workers  # what it imports takes a moment that one process can do without

    return Workers(asking.lines, totals.flush, count), SHARED_SIZE


def writer(form: str, stream: TextIO, rules: Sequence[Loaded]) -> Objects | Table:
    """Return what writes matches in one form."""
    return Table(stream, rules) if form == "text" else Objects(stream, array=form == "json")


class Broken:
    """Draws each problem of reading events at once, and keeps only their number: there may be millions."""

    def __init__(self) -> None:
        self.count = 0

    def tell(self, found: Problem) -> None:
        tell([found], notices=True)
        self.count += found.blocks


def hint_fields(given: Sequence[str]) -> HintFields:
    """Return the hint fields that `--logsource-field` names."""
    fields: dict[str, str] = {}
    for word in given:
        part, equals, name = word.partition("=")
        if part not in {"product", "service", "category"} or not equals or not name:
            raise UsageError(
                f"`--logsource-field {word}` is not read", "write product=FIELD, service=FIELD or category=FIELD"
            )
        fields[part] = name
    return HintFields(**fields)
