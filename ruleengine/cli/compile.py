"""Write rules as queries of a SIEM, or as Python, that mean what the rules mean.

ruleengine compile rule.yml                                   for Splunk and LogScale, on stdout
ruleengine compile rules/ -t splunk:savedsearches -o target    files in the rules' own folders, and a manifest
ruleengine compile rules/ -t splunk --explain                  how faithful each query is, and why
ruleengine compile rules/ -t splunk -o target --check          whether the committed files are up to date
ruleengine compile rule.yml -t sigma:elasticsearch             through an installed pySigma backend
ruleengine compile rules/ -t python --fast -o x.rulebundle     one file of all rules, which the engine loads

A query that finds more than its rule is written with a warning, one that would miss something is refused (exit code 3),
and one failing rule never stops the rest.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ruleengine.cli.compile_output import explained, written
from ruleengine.cli.main import FINDINGS, NOTHING, OK, UNREADABLE
from ruleengine.cli.output import Output, add_format, opened, outputs
from ruleengine.cli.parser import UsageError
from ruleengine.cli.rules import SELECT_HELP, Chosen, add_pipelines, choose, tell
from ruleengine.compiling import FOREIGN, Job, Result, UnknownTarget, all_ready, job, target_names
from ruleengine.compiling.bundle import MANIFEST, Files, differences, files_of, manifest, write
from ruleengine.compiling.together import compiled_for
from ruleengine.draw import counted
from ruleengine.problem import Problem, in_order, problem
from ruleengine.target import BadOption

DEFAULT = ("splunk", "logscale")
FOLDER = Path("target")
"""Where `--check` looks when no folder is named."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    names = ", ".join(target_names())
    parser.add_argument("rules", nargs="*", metavar="SELECT", help=SELECT_HELP)
    parser.add_argument(
        "-t",
        "--target",
        action="append",
        metavar="NAME[:FORMAT]",
        dest="targets",
        help=f"one of {names}, or sigma:BACKEND for an installed pySigma backend; repeatable (default: "
        f"{' and '.join(DEFAULT)})",
    )
    parser.add_argument("-o", "--output", metavar="FOLDER", type=Path, help="write files and a manifest there")
    parser.add_argument(
        "--fast", action="store_true", help="with -t python: write all rules into one bundle for the engine (-o FILE)"
    )
    parser.add_argument("--strict", action="store_true", help="refuse queries that find more than their rule")
    parser.add_argument("--explain", action="store_true", help="show how faithful each query is instead of the query")
    parser.add_argument("--check", action="store_true", help="compare the files in the folder; exit code 1 if stale")
    parser.add_argument(
        "-O", "--option", action="append", metavar="NAME=VALUE", default=[], dest="options", help="set for the format"
    )
    add_pipelines(parser)
    add_format(parser, ("text", "ndjson", "json"))


def run(args: argparse.Namespace) -> int:
    """Compile the rules."""
    forms = outputs(args)
    if args.fast:
        from ruleengine.cli.compile_fast import fast  # the engine takes a moment to import

        return fast(args)
    told_apart(args)
    try:
        jobs = [job(text, args.options, args.pipelines) for text in args.targets or DEFAULT]
    except UnknownTarget as error:
        raise UsageError(error.message, error.hint) from None
    foreign = [one.format.name for one in jobs if one.target.name.startswith(f"{FOREIGN}:")]
    if args.pipelines and 0 < len(foreign) < len(jobs):
        hint = "pySigma's backends carry out pipelines by themselves"
        raise UsageError("with `-p`, targets of ours and of pySigma are compiled apart", hint)
    targets = [one.target.name for one in jobs]
    chosen = choose(args.rules, pipelines=() if foreign else args.pipelines, targets=targets)
    found: list[Problem] = list(chosen.problems)
    rules = all_ready(chosen.rules, found.append, *chosen.identity)
    jobs = list(dict.fromkeys(jobs))
    made = compiled_for(rules, jobs, strict=args.strict, places=args.explain or bool(foreign))
    results = {one: each for one, (each, _) in zip(jobs, made, strict=True)}
    found += [problem for _, problems in made for problem in problems]
    folder = args.output or (FOLDER if args.check else None)
    try:
        return finished(args, forms, chosen, results, found, folder)
    except BadOption as error:
        raise UsageError(str(error), "`ruleengine help targets` lists the options of each format") from None


def told_apart(args: argparse.Namespace) -> None:
    """Refuse options of which one would be passed over."""
    files = "--check" if args.check else "--output" if args.output else ""
    if args.explain and files:
        raise UsageError(f"`--explain` writes no files, so `{files}` has nothing to do", "run them one after the other")
    if files and any(text.partition("=")[0] == "text" for text in args.formats):
        raise UsageError(
            f"with `{files}` queries are files, and `--format text` would print them again", "leave it out"
        )


def finished(
    args: argparse.Namespace,
    forms: Sequence[Output],
    chosen: Chosen,
    results: dict[Job, list[Result]],
    found: list[Problem],
    folder: Path | None,
) -> int:
    """Write or compare what was compiled, tell the problems, and return the exit code."""
    stale = False
    if folder is not None and not args.explain:
        files = bundle(results, args.pipelines, args.rules)
        if args.check:
            stale = told_stale(folder, files, found)
        else:
            put(folder, files)
    elif not args.explain:
        alone(results)
    tell(in_order(found))
    for one in forms:
        if args.explain or folder is None or args.formats:
            with opened(one) as stream:
                (explained if args.explain else written)(one.format, results, stream)
    sys.stderr.write(summary(results, folder if not args.check else None) + "\n")
    code = max(chosen.code, UNREADABLE if any(each.blocks for each in found) else OK)
    none = not any(results.values())
    return max(code, FINDINGS if stale else OK, NOTHING if none and not code else OK)


def bundle(results: dict[Job, list[Result]], pipelines: Sequence[str], roots: Sequence[str]) -> Files:
    """Return every file to write, the manifest among them."""
    files: Files = {}
    rows = []
    for one, rows_of in results.items():
        more, listed = files_of(rows_of, one.target, one.format, dict(one.options), roots)
        if twice := next((path for path in more if path in files), None):
            raise UsageError(f"two formats of `{one.target.name}` would both write `{twice}`", "compile them apart")
        files |= more
        rows += listed
    return {**files, MANIFEST: manifest(rows, pipelines)}


def told_stale(folder: Path, files: Files, found: list[Problem]) -> bool:
    """Add a problem for each file that is not as it should be, and say whether there are any."""
    stale = differences(folder, files)
    found += [problem("RE905", str(folder / path), sentence) for path, sentence in stale]
    return bool(stale)


def put(folder: Path, files: Files) -> None:
    """Write the files; UsageError when that is not possible."""
    try:
        write(folder, files)
    except OSError as error:
        raise UsageError(f"`{folder}` cannot be written: {error.strerror}", code="RE702") from None


def alone(results: dict[Job, list[Result]]) -> None:
    """Refuse formats that write several files when there is no folder for them."""
    for one in results:
        if one.format.one is None:
            label = f"{one.target.name}:{one.format.name}"
            raise UsageError(f"`{label}` writes files for all rules together", "name a folder for them: -o target")


def summary(results: dict[Job, list[Result]], folder: Path | None) -> str:
    """Return the last line on stderr: how many queries there are, how faithful, and where."""
    parts = []
    for one, each in results.items():
        kinds: dict[str, int] = {}
        for result in each:
            word = result.compiled.verdict if result.kept else "refused"
            kinds[word] = kinds.get(word, 0) + 1
        said = ", ".join(f"{count:,} {word}" for word, count in sorted(kinds.items(), key=lambda kind: -kind[1]))
        parts.append(f"{one.target.name}: {counted(len(each), 'rule')}" + (f" ({said})" if said else ""))
    where = f"; written to {folder}" if folder is not None else ""
    return "; ".join(parts) + where
