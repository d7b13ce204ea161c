"""`compile --fast`: all rules in one bundle, which the engine loads without their files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ruleengine.cli.main import FINDINGS, NOTHING, OK, UNREADABLE
from ruleengine.cli.parser import UsageError
from ruleengine.cli.rules import Chosen, choose, tell
from ruleengine.compiling import ready
from ruleengine.compiling.bundle import mirrored
from ruleengine.draw import counted
from ruleengine.engine.bundle import SUFFIX, NotBundled, bundle_of, bundle_rule, put_bundle
from ruleengine.problem import Problem, in_order, problem
from ruleengine.span import Place

TARGET = "python"
USAGE = f"write `ruleengine compile RULES -t {TARGET} --fast -o rules{SUFFIX}`"


def fast(args: argparse.Namespace) -> int:
    """Write a bundle of the rules, or compare it, and return the exit code."""
    path = named(args)
    chosen = choose(args.rules, pipelines=args.pipelines, targets=[TARGET])
    found: list[Problem] = list(chosen.problems)
    count, data = made(chosen, args, found)
    where = ""
    stale = ""
    if count and args.check:
        stale = told_apart(path, data)
        if stale:
            found.append(problem("RE905", str(path), stale))
    elif count:
        try:
            put_bundle(path, data)
        except OSError as error:
            raise UsageError(f"`{path}` cannot be written: {error.strerror}", code="RE702") from None
        where = f"; written to {path}"
    tell(in_order(found))
    sys.stderr.write(f"{TARGET}: {counted(count, 'rule')} in a bundle{where}\n")
    code = max(chosen.code, UNREADABLE if any(each.blocks for each in found) else OK)
    return max(code, FINDINGS if stale else OK, NOTHING if not count and not code else OK)


def named(args: argparse.Namespace) -> Path:
    """Return the file that the bundle is to be; UsageError for what is no bundle, or would be passed over."""
    if (args.targets or []) != [TARGET]:
        raise UsageError(f"`--fast` is of the target `{TARGET}` alone", USAGE)
    if args.output is None:
        raise UsageError("`--fast` writes one file, and `-o` does not name it", USAGE)
    if args.output.suffix != SUFFIX:
        raise UsageError(f"`{args.output}` is no name of a bundle: it ends with `{SUFFIX}`", USAGE)
    given = (("--format", args.formats), ("--explain", args.explain), ("--strict", args.strict), ("-O", args.options))
    for option, value in given:
        if value:
            raise UsageError(f"with `--fast`, `{option}` has nothing to do: every rule is exact in a bundle", USAGE)
    path: Path = args.output
    return path


def made(chosen: Chosen, args: argparse.Namespace, found: list[Problem]) -> tuple[int, bytes]:
    """Return how many rules the bundle holds, and its bytes; problems are added for the rules that it cannot hold."""
    rules = []
    for loaded in chosen.rules:
        if not loaded.askable:
            ready(loaded, found.append)  # which says that a rule over time is not compiled yet
            continue
        try:
            rules.append(bundle_rule(loaded, mirrored(loaded.rule, args.rules)))
        except NotBundled as error:
            where = loaded.rule.span or Place(loaded.rule.title)
            found.append(problem("RE901", where, f"a bundle cannot hold this rule: {error}"))
    return len(rules), bundle_of(rules)


def told_apart(path: Path, data: bytes) -> str:
    """Say how a bundle differs from what it should be; an empty text when it does not."""
    try:
        there = path.read_bytes()
    except OSError:
        return "it is not there"
    return "" if there == data else "it is not what its rules say now"
