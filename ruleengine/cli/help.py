"""Explain a problem code or a verb; without an argument, list the verbs.

ruleengine help RE101             explain a code; its name does as well: ruleengine help unreadable-file
ruleengine help check             show the arguments of a verb
ruleengine help codes             list every code
ruleengine help codes --format md print all explanations as one page
ruleengine help targets           list what rules can be compiled into, with formats and options
"""

from __future__ import annotations

import argparse

from ruleengine.cli.main import VERBS, overview
from ruleengine.cli.parser import UsageError, parser_of
from ruleengine.codes import Code, codes
from ruleengine.suggest import meant

PAGE_HEAD = """\
# Problem codes

Every problem that ruleengine reports has one of these codes. `ruleengine help CODE` prints the same text.
An *error* breaks the specification or stops a rule from loading, a *warning* is something that will bite,
a *notice* is worth knowing. This page is made by `ruleengine help codes --format md > docs/problems.md`.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("topic", nargs="?", metavar="CODE|VERB|codes|targets", help="what to explain")
    parser.add_argument("--format", choices=("text", "md"), default="text", help="the form of a list")


def run(args: argparse.Namespace) -> int:
    """Print the explanation."""
    topic = args.topic or ""
    if not topic:
        print(overview(), end="")
    elif topic == "codes":
        print(page() if args.format == "md" else listing(), end="")
    elif topic == "targets":
        from ruleengine.cli import help_targets

        print(help_targets.page() if args.format == "md" else help_targets.listing(), end="")
    elif topic in VERBS:
        parser_of(topic).print_help()
    else:
        print(explanation(find(topic)), end="")
    return 0


def find(topic: str) -> Code:
    """Return the code with this id or name in any letter case; an unknown one is a UsageError."""
    known = {row.name: row for row in codes().values()} | codes()
    for name, row in known.items():
        if name.casefold() == topic.casefold():
            return row
    like_a_code = (
        topic[:2].upper() == "RE" and topic[2:].isdigit()
    )  # one digit off is not a typing error but another code
    hint = "" if like_a_code else meant(topic, [*VERBS, *known])
    raise UsageError(f"there is no code or verb `{topic}`", hint or "`ruleengine help codes` lists the codes")


def explanation(row: Code) -> str:
    """Return the text about one code."""
    blocks = ", and what it is about was not loaded (exit code 3)" if row.blocks else ""
    return f"{row.id} {row.name}: {row.title}\n\n{row.explanation.strip()}\n\nThis is {article(row)}{blocks}.\n"


def article(row: Code) -> str:
    """Return the severity with its article."""
    return f"an {row.severity}" if row.severity == "error" else f"a {row.severity}"


def listing() -> str:
    """Return one line for each code."""
    width = max(len(row.name) for row in codes().values())
    return "".join(f"{row.id}  {row.severity:7}  {row.name:{width}}  {row.title}\n" for row in codes().values())


def page() -> str:
    """Return docs/problems.md."""
    parts = [PAGE_HEAD]
    for row in sorted(codes().values(), key=lambda row: row.id):
        blocks = "; stops loading" if row.blocks else ""
        parts.append(
            f"\n## {row.id} {row.name}\n\n*{row.severity}{blocks}*: {row.title}\n\n{row.explanation.strip()}\n"
        )
    return "".join(parts)
