"""Format rule files: one style, every comment kept, the same rule before and after.

ruleengine fmt rules/              rewrite what is not in the style
ruleengine fmt rules/ --check      list it and exit with 1
ruleengine fmt rules/ --diff       show what would change, and exit with 1 when something would

Rule files and Sigma's YAML alike. A file with problems is left as it is (exit code 3).
"""

from __future__ import annotations

import argparse
import sys
from difflib import unified_diff
from pathlib import Path

from ruleengine.cli.main import FINDINGS, NOTHING, OK, UNREADABLE
from ruleengine.cli.parser import UsageError
from ruleengine.cli.rules import settings, tell
from ruleengine.config import shown
from ruleengine.draw import counted, visible
from ruleengine.load import LANGUAGE_SUFFIX, read_text, rule_files
from ruleengine.problem import Problem, in_order
from ruleengine.span import Source


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="rule files and folders (default: the project's rules)"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; list the files that are not in the style")
    parser.add_argument("--diff", action="store_true", help="write nothing; show what would change")


def run(args: argparse.Namespace) -> int:
    """Format the files."""
    config = settings()
    paths = args.paths or [shown(config.root / path) for path in config.rules]
    problems: list[Problem] = []
    count = changed = 0
    for path, named in rule_files(paths, problems.append):
        source = read_text(path, problems.append)
        new = styled(source, problems, named=named) if source is not None else None
        if source is None or new is None:
            continue
        count += 1
        if new != source.text:
            changed += 1
            settle(source, new, check=args.check, diff=args.diff)
    tell(in_order(problems))
    verb = "would be reformatted" if args.check or args.diff else "reformatted"
    sys.stderr.write(f"{counted(changed, 'file')} {verb}, {count - changed:,} in the style already\n")
    if problems:
        return UNREADABLE
    return NOTHING if not count else FINDINGS if changed and (args.check or args.diff) else OK


def styled(source: Source, problems: list[Problem], *, named: bool) -> str | None:
    """Return the text of a file in the style; None when it is no rule file, or after adding why it is left alone."""
    from ruleengine.formatting import formatted, is_rule_file

    if not named and not source.path.endswith(LANGUAGE_SUFFIX) and not is_rule_file(source):
        return None
    found: list[Problem] = []
    new = formatted(source, found.append)
    problems += [each for each in found if each.blocks or new is None]
    return new


def settle(source: Source, new: str, *, check: bool, diff: bool) -> None:
    """Show what would change in a file, or write it."""
    path = Path(source.path)
    if diff:
        old = source.text.splitlines(keepends=True)
        rows = unified_diff(old, new.splitlines(keepends=True), f"{path} before", f"{path} after")
        sys.stdout.writelines(visible(row.rstrip("\n")) + "\n" for row in rows)
    elif check:
        sys.stdout.write(visible(source.path) + "\n")
    else:
        try:
            path.write_text(new, "utf-8", newline="\n")
        except OSError as error:
            raise UsageError(f"`{path}` cannot be written: {error.strerror}", code="RE702") from None
