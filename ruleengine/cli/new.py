"""Begin a rule: write a small one with a test beside it, both of which pass, to be filled with what you look for.

ruleengine new rule windows/whoami_all                          rules/windows/whoami_all.rule and its test
ruleengine new rule whoami_all --logs windows/process_creation  about other events
ruleengine new rule signup_burst --logs "platform service:signup"
ruleengine new rule whoami_all --sigma                          in Sigma's YAML

Nothing that is there already is written over.
"""

from __future__ import annotations

import argparse
import re
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ruleengine.cli.parser import UsageError
from ruleengine.cli.rules import settings
from ruleengine.config import shown
from ruleengine.ir import And, Item, LogSource, NamedRef, Rule, Selection, Single
from ruleengine.problem import Problem
from ruleengine.span import Source

NAME = re.compile(r"(?:[\w-]+/)*(?P<stem>[A-Za-z_][\w-]*)\Z", re.ASCII)
USUAL = ("Image", "CommandLine", "event.action", "eventName", "cs-uri-stem", "c-uri", "QueryName", "msg")
"""Fields that rules begin with, where the log source has them."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("kind", choices=("rule",), help="what to begin")
    parser.add_argument("name", metavar="NAME", help="its name, with its folder below the rules: windows/whoami_all")
    parser.add_argument("--sigma", action="store_true", help="write Sigma's YAML instead of the rule language")
    parser.add_argument(
        "--logs",
        metavar="SOURCE",
        default="windows/process_creation",
        help="the log source, as after `logs` in a rule (default: windows/process_creation)",
    )


def run(args: argparse.Namespace) -> int:
    """Write the rule and its test."""
    from ruleengine.dsl.show import show
    from ruleengine.sigma import export

    config = settings()
    found = NAME.match(args.name)
    if found is None:
        raise UsageError(
            f"`{args.name}` cannot be the name of a rule", "letters, digits, `_` and `-`, as windows/whoami_all"
        )
    base = config.root / config.rules[0] / args.name if config.rules else config.root / args.name
    rule = begun(found["stem"], log_source(args.logs))
    text = export.text(export.document(rule, lambda _: None) or {}) if args.sigma else show(rule)
    files = {
        base.with_name(base.name + (".yml" if args.sigma else ".rule")): text,
        base.with_name(base.name + ".test.yml"): export.text(test(rule)),
    }
    for path in (*files, *(base.with_name(base.name + suffix) for suffix in (".yml", ".yaml", ".rule"))):
        if path.exists():
            raise UsageError(f"`{shown(path)}` is there already", code="RE702")
    for path, written in files.items():
        write(path, written)
        sys.stdout.write(f"{shown(path)}\n")
    where = shown(base.parent)
    sys.stderr.write(
        "Both pass as they are. Now fill in title, description, level and tags, what to look for, and events that "
        f"should and should not match; then: ruleengine check {where} && ruleengine test {where}\n"
    )
    return 0


def log_source(written: str) -> LogSource:
    """Return a log source that is written as in a rule; UsageError when it cannot be read."""
    from ruleengine.dsl import parse

    problems: list[Problem] = []
    text = f"rule x 'x'\n  logs {written}\n  match a == 1\n"
    rules = list(parse.rules(Source("--logs", text), problems.append))
    if "\n" in written or not written.strip() or len(rules) != 1 or problems or rules[0].logs == LogSource():
        raise UsageError(
            f"--logs `{written}` is no log source", "as windows/process_creation or `platform service:api`"
        )
    return rules[0].logs


def begun(name: str, logs: LogSource) -> Rule:
    """Return a rule to begin with."""
    field = a_field(logs)
    modifiers, value = (("endswith",), "\\example.exe") if field == "Image" else ((), "example")
    body = Single((Selection("selection", And((Item(field, modifiers, (value,)),))),), (NamedRef("selection"),))
    title = " ".join(word[:1].upper() + word[1:] for word in re.split(r"[_-]+", name) if word)
    return Rule(
        title=title,
        logs=logs,
        body=body,
        id=str(uuid.uuid4()),
        name=name,
        level="medium",
        status="experimental",
        meta=(
            ("description", "Detects what should be said here in a sentence: what happens, and why it matters."),
            ("date", datetime.now(UTC).date().isoformat()),
            ("falsepositives", ["Unknown"]),
        ),
    )


def a_field(logs: LogSource) -> str:
    """Return a field that events of the log source have."""
    from ruleengine.schema.fields import fields_of

    known = fields_of(logs)
    if known is None or not known.types:
        return "event.action"
    texts = [name for name, kind in known.types.items() if kind == "string"]
    return next((name for name in USUAL if name in texts), (texts or list(known.types))[0])


def test(rule: Rule) -> dict[str, Any]:
    """Return the tests of a begun rule: one event that matches, and one that does not."""
    assert isinstance(rule.body, Single)
    selection = rule.body.selections[0].item
    assert isinstance(selection, And)
    item = selection.items[0]
    assert isinstance(item, Item)
    images = item.field == "Image"
    hit, miss = ("C:\\Temp\\example.exe", "C:\\Windows\\explorer.exe") if images else ("example", "something else")
    return {
        "version": 1,
        "tests": [
            {"name": "what it looks for", "match": {item.field: hit}},
            {"name": "something else", "no_match": {item.field: miss}, "because": "selection"},
        ],
    }


def write(path: Path, text: str) -> None:
    """Write a new file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except OSError as error:
        raise UsageError(f"`{shown(path)}` cannot be written: {error.strerror}", code="RE702") from None
