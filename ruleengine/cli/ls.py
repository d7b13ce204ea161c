"""List rules: level, status, log source, title and file of each that is selected.

ruleengine ls rules/ tag:attack.t1059* level:>=high
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ruleengine.cli.output import add_format, opened, outputs
from ruleengine.cli.rules import SELECT_HELP, choose, tell
from ruleengine.cli.table import table
from ruleengine.draw import counted, visible
from ruleengine.formats import SCHEMA_VERSION, compact
from ruleengine.ir import Body, Correlation, Filter, Sequence, Single, Windowed
from ruleengine.load import Loaded
from ruleengine.lower import digest

KINDS: dict[type[Body], str] = {
    Single: "rule",
    Filter: "filter",
    Correlation: "correlation",
    Windowed: "window",
    Sequence: "sequence",
}
"""What a rule is called by what it says: of one event, of others' rules, or over time."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("rules", nargs="*", metavar="SELECT", help=SELECT_HELP)
    add_format(parser, ("text", "json", "ndjson"))


def run(args: argparse.Namespace) -> int:
    """Print the list."""
    forms = outputs(args)
    chosen = choose(args.rules, evaluating=False)
    tell(chosen.problems)
    for one in forms:
        with opened(one) as stream:
            if one.format == "text":
                rows = [text_row(loaded) for loaded in chosen.rules]
                stream.writelines(table(("LEVEL", "STATUS", "LOG SOURCE", "TITLE", "FILE"), rows) if rows else ())
            elif one.format == "ndjson":
                stream.writelines(compact(row(loaded)) + "\n" for loaded in chosen.rules)
            else:
                stream.write("[\n" + ",\n".join(compact(row(loaded)) for loaded in chosen.rules) + "\n]\n")
    sys.stderr.write(counted(len(chosen.rules), "rule") + "\n")
    return chosen.code


def text_row(loaded: Loaded) -> tuple[str, ...]:
    """Return the cells of one rule."""
    rule = loaded.rule
    logs = "/".join(part for part in (rule.logs.product, rule.logs.category, rule.logs.service) if part)
    path = rule.source.path if rule.source else ""
    return tuple(visible(cell or "-") for cell in (rule.level, rule.status, logs, rule.title, path))


def row(loaded: Loaded) -> dict[str, Any]:
    """Return one rule as JSON; `digest` is the identity of what it means."""
    rule = loaded.rule
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": KINDS[type(rule.body)],
        "rule": rule.label,
        "name": rule.name,
        "title": rule.title,
        "level": rule.level,
        "status": rule.status,
        "tags": list(rule.tags),
        "logsource": {"product": rule.logs.product, "category": rule.logs.category, "service": rule.logs.service},
        "path": rule.source.path if rule.source else None,
        "line": rule.span.place.line if rule.span else None,
        "digest": digest(loaded.expr, rule.logs) if loaded.expr is not None else None,
    }
