"""Check rules: everything that cannot load, and everything that loads and is probably not what was meant.

ruleengine check rules/                       every rule below a folder
ruleengine check rules/ level:>=high          only those of a level; duplicates are looked for among all
ruleengine check rules/ --fail-on warning     exit code 1 for warnings as well
ruleengine check rules/ --notices             print notices too; they are always counted
ruleengine check rules/ --ignore RE316,RE4    leave codes out; the beginning of a code means all that begin so
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ruleengine.cli.main import FINDINGS, OK
from ruleengine.cli.output import PROBLEM_FORMATS, add_format, coloured, outputs, write_problems
from ruleengine.cli.parser import UsageError
from ruleengine.cli.rules import SELECT_HELP, choose
from ruleengine.codes import Severity, codes
from ruleengine.draw import summary
from ruleengine.problem import Problem, in_order

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "notice")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("paths", nargs="*", metavar="SELECT", help=SELECT_HELP)
    parser.add_argument(
        "--fail-on", choices=SEVERITIES, default="error", help="exit with 1 from this severity on (default: error)"
    )
    parser.add_argument("--select", metavar="CODES", default="", help="report only these codes: RE420,RE4")
    parser.add_argument("--ignore", metavar="CODES", default="", help="do not report these codes")
    parser.add_argument(
        "--notices", action="store_true", help="print notices as well; other forms than text always hold them"
    )
    add_format(parser, PROBLEM_FORMATS)


def run(args: argparse.Namespace) -> int:
    """Check the rules and print what was found."""
    from ruleengine.checks import check

    only, without = beginnings(args.select, "--select"), beginnings(args.ignore, "--ignore")
    forms = outputs(args)
    chosen = choose(args.paths, evaluating=False)
    problems = list(chosen.problems)
    check(chosen.rules, problems.append, among=chosen.every)
    found = in_order(each for each in problems if reported(each, only, without))
    for form in forms:
        quiet = form.format == "text" and not args.notices
        shown = [each for each in found if each.severity != "notice"] if quiet else found
        write_problems(shown, [form])
    hidden = any(form.format == "text" for form in forms) and not args.notices
    say(len(chosen.rules), chosen.passed_over, found, hidden=hidden)
    return exit_code(found, chosen.code, args.fail_on)


def beginnings(text: str, option: str) -> tuple[str, ...]:
    """Return the codes, or beginnings of codes, of an option; UsageError for one that begins no code."""
    given = tuple(word.strip().upper() for word in text.split(",") if word.strip())
    for word in given:
        if not any(id.startswith(word) for id in codes()):
            raise UsageError(f"{option}: no code begins with `{word}`", "`ruleengine help codes` lists the codes")
    return given


def reported(found: Problem, only: tuple[str, ...], without: tuple[str, ...]) -> bool:
    """Say whether a problem is to be reported; what blocks always is: it cannot be wished away."""
    return found.blocks or (
        (not only or found.code.startswith(only)) and not (without and found.code.startswith(without))
    )


def say(count: int, passed_over: int, found: Sequence[Problem], *, hidden: bool) -> None:
    """Print the summary line on stderr."""
    rules = f"{count:,} rule{'s' * (count != 1)} checked: {summary(found, coloured(sys.stderr))}"
    if not count and not found:
        rules = "there was no rule to check"
    notes = []
    if passed_over:
        notes.append(f"{passed_over:,} other YAML file{'s' * (passed_over != 1)} passed over")
    if hidden and any(each.severity == "notice" for each in found):
        notes.append("--notices prints the notices")
    sys.stderr.write(rules + (f" ({'; '.join(notes)})" if notes else "") + "\n")


def exit_code(found: Sequence[Problem], code: int, fail_on: Severity) -> int:
    """Return the exit code, given the one of reading the rules: 1 where there are findings, unless that is higher."""
    failing = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    return max(code, FINDINGS if any(each.severity in failing for each in found) else OK)
