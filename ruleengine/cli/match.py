"""Run rules over events and print every match.

EVENTS are files, folders, patterns or `-` for standard input: NDJSON, JSON, CSV or EVTX, plain, .gz or .zst.
The exit code is 0 whatever is found (1 with --fail-on-match), 3 when a rule or an event could not be read.

  ruleengine match logs/ --rules rules/
  zcat day.ndjson.gz | ruleengine match - --rules rules/windows level:>=high --format ndjson
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple, TextIO

from ruleengine.analysis.explain import as_json, draw_tree, explain
from ruleengine.cli.main import FINDINGS, NOTHING, UNREADABLE
from ruleengine.cli.output import Output, add_format, opened, outputs
from ruleengine.cli.parser import UsageError
from ruleengine.cli.progress import progress
from ruleengine.cli.rules import add_pipelines, add_rules, choose, of_one_event, tell
from ruleengine.cli.table import table
from ruleengine.draw import counted, visible
from ruleengine.events import ANNOTATION, FORMATS, Record, read
from ruleengine.formats import SCHEMA_VERSION, compact
from ruleengine.load import Loaded
from ruleengine.matching import Matcher
from ruleengine.problem import Problem
from ruleengine.redact import hidden_fields, redacted
from ruleengine.schema.logsources import EventSource, HintFields, conflict

LEVEL_ORDER = ("critical", "high", "medium", "low", "informational", "")


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
    parser.add_argument("--include-event", action="store_true", help="put the event into each line of json and ndjson")
    parser.add_argument("--detail", action="store_true", help="say for each match why (text: for each rule's first)")
    parser.add_argument(
        "--show-sensitive", action="store_true", help="do not hide fields that a schema marks sensitive"
    )
    parser.add_argument("--why-skipped", action="store_true", help="say on stderr which rules were not asked, and why")
    parser.add_argument("--fail-on-match", action="store_true", help="exit with 1 when anything matches")
    add_pipelines(parser)
    add_format(parser, ("text", "ndjson", "json"))


def run(args: argparse.Namespace) -> int:
    """Match, write, and return the exit code."""
    forms = outputs(args)
    hints = hint_fields(args.logsource_field)
    chosen = choose(args.rules, pipelines=args.pipelines)
    tell(chosen.problems)
    rules = of_one_event(chosen)
    if not rules:
        return max(NOTHING, chosen.code)
    broken = Broken()
    sources: Counter[EventSource] = Counter()
    matcher = Matcher(rules, hints)
    with ExitStack() as stack:
        writers = [writer(one, args, stack) for one in forms]
        with progress(args.events) as on_bytes:
            for record in read(args.events, broken.tell, format=args.events_as, on_bytes=on_bytes):
                record.event.pop(ANNOTATION, None)  # a remark for tests, no part of the event
                source, found = matcher.matches(record.event)
                if args.why_skipped:
                    sources[source] += 1
                for loaded in found:
                    for write in writers:
                        write.match(loaded, record, source)
        for write in writers:
            write.end()
    sys.stdout.flush()
    for write in writers:
        if isinstance(write, Text):
            sys.stderr.write(summary(matcher, len(write.rows), broken.count))
    if args.why_skipped:
        sys.stderr.writelines(skipped(rules, sources))
    code = UNREADABLE if broken.count else NOTHING if not matcher.events else 0
    if not matcher.events and not broken.count:
        sys.stderr.write("ruleengine: there was no event to match\n")
    return max(code, chosen.code, FINDINGS if args.fail_on_match and matcher.hits else 0)


def summary(matcher: Matcher, matched: int, broken: int) -> str:
    """Return the last line: what was read, what was found, what was lost."""
    read_in = f"{counted(matcher.events, 'event')}, {counted(len(matcher.rules), 'rule')}"
    lost = f"; {counted(broken, 'problem')} in reading" if broken else ""
    return f"{read_in}: {counted(matcher.hits, 'match')} of {counted(matched, 'rule')}{lost}\n"


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


class Detail(NamedTuple):
    """What is said of a match beside its place."""

    include_event: bool
    detail: bool
    show_sensitive: bool

    def event(self, loaded: Loaded, record: Record, source: EventSource) -> dict[str, Any]:
        if self.show_sensitive:
            return record.event
        return redacted(record.event, hidden_fields(loaded.rule.logs, source))


def writer(one: Output, args: argparse.Namespace, stack: ExitStack) -> Text | Lines:
    """Return what writes matches in one form."""
    stream = stack.enter_context(opened(one))
    detail = Detail(args.include_event, args.detail, args.show_sensitive)
    return Text(stream, detail) if one.format == "text" else Lines(stream, detail, array=one.format == "json")


class Lines:
    """One JSON object a match: by itself on a line, or in one array."""

    def __init__(self, stream: TextIO, detail: Detail, *, array: bool) -> None:
        self.stream, self.detail, self.array, self.first = stream, detail, array, True

    def match(self, loaded: Loaded, record: Record, source: EventSource) -> None:
        rule = loaded.rule
        row: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "rule": rule.label,
            "title": rule.title,
            "level": rule.level,
            "source": record.path,
            "line": record.line,
        }
        if self.detail.include_event or self.detail.detail:
            event = self.detail.event(loaded, record, source)
            if self.detail.include_event:
                row["event"] = event
            if self.detail.detail and loaded.expr is not None:
                row["detail"] = as_json(explain(loaded.expr, record.event, event))
        if self.array:
            self.stream.write("[\n" if self.first else ",\n")
            self.stream.write(compact(row))
            self.first = False
        else:
            self.stream.write(compact(row) + "\n")

    def end(self) -> None:
        if self.array:
            self.stream.write("[]\n" if self.first else "\n]\n")


class Text:
    """A table of the rules that matched, then what was seen in all; with detail, why each rule's first match is one."""

    def __init__(self, stream: TextIO, detail: Detail) -> None:
        self.stream, self.detail = stream, detail
        self.rows: dict[int, tuple[Loaded, Record, list[str]]] = {}
        self.hits: Counter[int] = Counter()

    def match(self, loaded: Loaded, record: Record, source: EventSource) -> None:
        key = id(loaded)
        self.hits[key] += 1
        if key not in self.rows:
            tree = []
            if self.detail.detail and loaded.expr is not None:
                tree = draw_tree(explain(loaded.expr, record.event, self.detail.event(loaded, record, source)))
            self.rows[key] = (loaded, Record({}, record.path, record.line), tree)

    def end(self) -> None:
        order = sorted(self.rows, key=lambda key: (self._level(key), -self.hits[key], self.rows[key][0].rule.title))
        cells_of = [self._cells(key) for key in order]
        self.stream.writelines(table(("LEVEL", "MATCHES", "RULE", "FIRST AT"), cells_of) if order else ())
        for key in order:
            loaded, record, tree = self.rows[key]
            if tree:
                self.stream.write(f"\n{visible(loaded.rule.title)} at {visible(record.path)}:{record.line}\n")
                self.stream.writelines(f"  {visible(line)}\n" for line in tree)

    def _level(self, key: int) -> int:
        level = (self.rows[key][0].rule.level or "").lower()
        return LEVEL_ORDER.index(level) if level in LEVEL_ORDER else len(LEVEL_ORDER)

    def _cells(self, key: int) -> tuple[str, ...]:
        loaded, record, _ = self.rows[key]
        level = loaded.rule.level or "-"
        return (
            visible(level),
            f"{self.hits[key]:,}",
            visible(loaded.rule.title),
            visible(f"{record.path}:{record.line}"),
        )


def skipped(rules: Sequence[Loaded], sources: Counter[EventSource]) -> Iterator[str]:
    """Yield a line for each reason why rules were not asked: how many rules, how many events, why."""
    logs = Counter(loaded.rule.logs for loaded in rules)
    reasons: Counter[tuple[str, int]] = Counter()
    for source, events in sources.items():
        for log_source, count in logs.items():
            reason = conflict(log_source, source)
            if reason:
                reasons[reason, events] += count
    for (reason, events), count in sorted(reasons.items()):
        were = "was" if count == 1 else "were"
        yield f"{counted(count, 'rule')} {were} not asked about {counted(events, 'event')}: {visible(reason)}\n"
