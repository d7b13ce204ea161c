"""Run the tests of rules: those in files *.test.yml beside them, and those written in *.rule.

PATHS are test files, rules (their tests are run), folders, or one test: FILE:LINE, FILE::NAME. Without any it is the
folder `rules` of the project. The exit code is 1 when a test fails, 3 when a rule, a test or events could not be
read, 5 when there is no test at all.

  ruleengine test
  ruleengine test rules/abuse -k 'signup and not timing'
  ruleengine test rules/abuse/signup_disposable_email.test.yml:9
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter

from ruleengine.cli.main import FINDINGS, NOTHING, OK, UNREADABLE
from ruleengine.cli.output import Output, add_format, coloured, opened, outputs
from ruleengine.cli.parser import UsageError
from ruleengine.cli.rules import add_pipelines, settings, tell
from ruleengine.config import Config
from ruleengine.load import Change
from ruleengine.problem import Problem
from ruleengine.testing.collect import collect
from ruleengine.testing.keyword import KeywordError, keyword
from ruleengine.testing.model import Result, Tests
from ruleengine.testing.run import run_tests
from ruleengine.testing.show import failure, headline, json_text, junit_text, summary
from ruleengine.testing.subject import Rules

NOT_PASSED = ("failed", "error")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="test files, rules, folders, FILE:LINE, FILE::NAME")
    parser.add_argument(
        "-k", metavar="EXPR", dest="keyword", help="only tests whose path, name or rule has these words (and, or, not)"
    )
    parser.add_argument("-x", action="store_true", dest="first", help="stop at the first test that does not pass")
    parser.add_argument("-v", "--verbose", action="store_true", help="also name the tests that pass")
    parser.add_argument(
        "--show-sensitive", action="store_true", help="do not hide fields that a schema marks sensitive"
    )
    add_pipelines(parser)
    add_format(parser, ("text", "json", "junit"))


def run(args: argparse.Namespace) -> int:
    """Run the tests, write what came of them, and return the exit code."""
    forms = outputs(args)
    config = settings()
    selected = _keyword(args.keyword)
    problems: list[Problem] = []
    started = perf_counter()
    results: list[Result] = []
    on_stdout = any(one == Output("text", None) for one in forms)
    rules = Rules(config.placeholders, _change(args.pipelines))
    for result in _results(collect(args.paths or _default(config), problems.append), rules):
        if not selected(result):
            continue
        results.append(result)
        if on_stdout and (args.verbose or result.outcome in NOT_PASSED):
            sys.stdout.write(_text(result, args))
        if args.first and result.outcome in NOT_PASSED:
            break
    seconds = perf_counter() - started
    _write(results, seconds, forms, args)
    sys.stdout.flush()
    tell(problems, notices=True)
    if on_stdout and results:
        sys.stderr.write(f"{summary(results, seconds, coloured(sys.stderr))}\n")
    if not results:
        sys.stderr.write("ruleengine: there was no test to run\n")
    elif not _evaluated(results):
        sys.stderr.write("ruleengine: every test is of a rule over time, and these are not evaluated yet\n")
    return _code(results, problems)


def _change(pipelines: Sequence[str]) -> Change | None:
    if not pipelines:
        return None
    from ruleengine.cli.pipelines import through

    return through(pipelines)[1]


def _results(files: Iterator[Tests], rules: Rules) -> Iterator[Result]:
    for tests in files:
        yield from run_tests(tests, rules)


def _default(config: Config) -> list[str]:
    """Return the folders of rules of the project; UsageError when it has none."""
    here = Path.cwd()
    folders = [config.root / path for path in config.rules if (config.root / path).exists()]
    if not folders:
        raise UsageError("there is no folder `rules` here", "name what to test: `ruleengine test PATH`")
    return [str(path.relative_to(here) if path.is_relative_to(here) else path) for path in folders]


def _keyword(expression: str | None) -> Callable[[Result], bool]:
    """Return whether a result is of a test that `-k` selects."""
    if expression is None:
        return lambda result: True
    try:
        test = keyword(expression)
    except KeywordError as error:
        raise UsageError(f"`-k {expression}` is not read: {error}") from None

    def selects(result: Result) -> bool:
        rule = result.subject.rule if result.subject else None
        return test(" ".join([result.id, *(filter(None, (rule.id, rule.name, rule.title)) if rule else ())]))

    return selects


def _text(result: Result, args: argparse.Namespace) -> str:
    colour = coloured(sys.stdout)
    if result.outcome in NOT_PASSED:
        return failure(result, colour, args.show_sensitive)
    return headline(result, colour) + "\n"


def _write(results: Sequence[Result], seconds: float, forms: Sequence[Output], args: argparse.Namespace) -> None:
    """Write each form but the text on stdout, which was written as the tests ran."""
    for one in forms:
        if one == Output("text", None):
            continue
        with opened(one) as stream:
            match one.format:
                case "json":
                    stream.write(json_text(results, args.show_sensitive))
                case "junit":
                    stream.write(junit_text(results, args.show_sensitive))
                case _:
                    stream.writelines(
                        failure(result, False, args.show_sensitive)
                        for result in results
                        if result.outcome in NOT_PASSED
                    )
                    stream.write(summary(results, seconds) + "\n")


def _evaluated(results: Sequence[Result]) -> bool:
    """Say whether any test was run; those of rules over time cannot be, yet."""
    return any(result.outcome != "unevaluated" for result in results)


def _code(results: Sequence[Result], problems: Sequence[Problem]) -> int:
    outcomes = {result.outcome for result in results}
    unread = "error" in outcomes or any(found.blocks for found in problems)
    return max(
        OK if _evaluated(results) else NOTHING,
        UNREADABLE if unread else OK,
        FINDINGS if "failed" in outcomes else OK,
    )
