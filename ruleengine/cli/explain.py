"""Show why a rule matches an event, or why it does not.

Every part of the rule is shown with its line, whether it holds, what the event has there, and for a miss what is
nearest. The exit code is 0 whether it matches or not.

  ruleengine explain rules/windows/x.yml --event logs/today.ndjson:42
  ruleengine explain rule:whoami_all --event '{"Image": "C:\\\\Windows\\\\whoami.exe"}'
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ruleengine.analysis.explain import Step, as_json, draw_tree, explain
from ruleengine.cli.main import NOTHING, OK, UNREADABLE
from ruleengine.cli.output import Output, add_format, coloured, opened, outputs
from ruleengine.cli.parser import UsageError
from ruleengine.cli.rules import SELECT_HELP, add_pipelines, choose, of_one_event, tell
from ruleengine.draw import visible
from ruleengine.events import ANNOTATION, FORMATS, Record, read
from ruleengine.formats import SCHEMA_VERSION, compact
from ruleengine.load import Loaded
from ruleengine.problem import Problem
from ruleengine.redact import hidden_fields, redacted
from ruleengine.schema.logsources import conflict, event_source

GREEN, RED, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[0m"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("rules", nargs="+", metavar="RULE", help=SELECT_HELP)
    parser.add_argument(
        "--event",
        required=True,
        metavar="FILE[:LINE]",
        help="the event: its file and line (default: the first), - for standard input, or the JSON itself",
    )
    parser.add_argument("--events-as", choices=FORMATS, help="how to read the events (default: by name and content)")
    parser.add_argument(
        "--show-sensitive", action="store_true", help="do not hide fields that a schema marks sensitive"
    )
    add_pipelines(parser)
    add_format(parser, ("text", "json"))


def run(args: argparse.Namespace) -> int:
    """Explain each selected rule."""
    forms = outputs(args)
    chosen = choose(args.rules, pipelines=args.pipelines)
    tell(chosen.problems)
    rules = of_one_event(chosen)
    if not rules:
        return max(NOTHING, chosen.code)
    problems: list[Problem] = []
    record = find_event(args.event, args.events_as, problems)
    tell(problems, notices=True)
    if record is None:
        if not problems:
            sys.stderr.write(f"ruleengine: there is no event at {visible(args.event)}\n")
        return max(UNREADABLE if problems else NOTHING, chosen.code)
    for one in forms:
        write(one, rules, record, show_sensitive=args.show_sensitive)
    return max(OK, chosen.code)


def find_event(where: str, events_as: str | None, problems: list[Problem]) -> Record | None:
    """Return the event that `--event` means, or None; what cannot be read on the way there is a problem."""
    if where.lstrip().startswith("{"):
        return inline(where)
    path, colon, line = where.rpartition(":")
    if not (colon and line.isdigit()):
        path, line = where, ""
    found: list[Problem] = []
    for record in read([path], found.append, format=events_as):
        if not line or record.line == int(line):
            record.event.pop(ANNOTATION, None)  # a remark for tests, no part of the event
            return record
        if record.line > int(line) and record.path == path and not path.endswith(".evtx"):
            break
    problems.extend(one for one in found if not line or one.place.line in (0, int(line)))
    return None


def inline(text: str) -> Record:
    """Return an event that stands on the command line itself."""
    import json

    try:
        event = json.loads(text)
    except ValueError as error:
        raise UsageError(f"the event after --event is not JSON: {error}") from None
    return Record(event, "--event", 1)


def write(one: Output, rules: list[Loaded], record: Record, *, show_sensitive: bool) -> None:
    """Write the explanation of every rule in one form."""
    source = event_source(record.event)
    rows: list[dict[str, Any]] = []
    with opened(one) as stream:
        colour = one.format == "text" and coloured(stream)
        for loaded in rules:
            hidden = frozenset() if show_sensitive else hidden_fields(loaded.rule.logs, source)
            assert loaded.expr is not None
            step = explain(loaded.expr, record.event, redacted(record.event, hidden))
            reason = conflict(loaded.rule.logs, source)
            if one.format == "json":
                rows.append(row(loaded, record, step, reason))
            else:
                stream.writelines(text(loaded, record, step, reason, colour=colour))
        if one.format == "json":
            stream.write("[\n" + ",\n".join(map(compact, rows)) + "\n]\n")


def row(loaded: Loaded, record: Record, step: Step, reason: str | None) -> dict[str, Any]:
    """Return one explanation as JSON."""
    return {
        "schema_version": SCHEMA_VERSION,
        "rule": loaded.rule.label,
        "title": loaded.rule.title,
        "source": record.path,
        "line": record.line,
        "matches": step.holds and reason is None,
        "not_asked": reason,
        "tree": as_json(step),
    }


def text(loaded: Loaded, record: Record, step: Step, reason: str | None, *, colour: bool) -> list[str]:
    """Return one explanation as lines."""
    rule = loaded.rule
    verdict = "does not match" if not step.holds else "would match" if reason else "matches"
    path = rule.source.path if rule.source else ""
    lines = [f"{visible(rule.title)} ({visible(path)}) {verdict} {visible(record.path)}:{record.line}\n"]
    if reason:
        lines.append(f"  {'but' if step.holds else 'and'} it is never asked: {visible(reason)}\n")

    def mark(sign: str, holds: bool) -> str:
        return f"{GREEN if holds else RED}{sign}{PLAIN}" if colour else sign

    return [*lines, *(f"  {line}\n" for line in draw_tree(step, mark=mark, shown=visible))]
