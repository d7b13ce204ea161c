"""Where a verb's answer goes: the option --format, colour, and the writing of problems in every form."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

from ruleengine.cli.parser import UsageError
from ruleengine.draw import draw, summary
from ruleengine.problem import Problem
from ruleengine.suggest import meant

PROBLEM_FORMATS = ("text", "json", "ndjson", "sarif", "github", "md")
LINES = {"text", "github"}  # forms that may share stdout: GitHub picks its lines out of a text


class Output(NamedTuple):
    """One form of the answer and where it goes: a file, or stdout."""

    format: str
    file: Path | None


def add_format(parser: argparse.ArgumentParser, choices: Sequence[str] = PROBLEM_FORMATS) -> None:
    """Declare --format, which may be repeated, each time with a file."""
    parser.add_argument(
        "--format",
        action="append",
        metavar="NAME[=FILE]",
        default=[],
        dest="formats",
        help=f"one of {', '.join(choices)}; repeatable: `--format text --format json=out.json` (default: text)",
    )
    parser.set_defaults(format_choices=tuple(choices))


def outputs(args: argparse.Namespace) -> list[Output]:
    """Return the forms asked for; none asked for is text, in GitHub Actions with annotations where the verb has them.

    Raises UsageError for an unknown form, a file that cannot be written, or two forms that would mix on stdout.
    """
    choices: tuple[str, ...] = args.format_choices
    found = [output(text, choices) for text in args.formats]
    if not found:
        found = [Output(choices[0], None)]
        if os.environ.get("GITHUB_ACTIONS") == "true" and "github" in choices:
            found.append(Output("github", None))
    on_stdout = [one.format for one in found if one.file is None]
    if len(on_stdout) > 1 and not set(on_stdout) <= LINES:
        raise UsageError(
            f"--format {' and --format '.join(on_stdout)} would mix on stdout", "give all but one a file: NAME=FILE"
        )
    files = [one.file for one in found if one.file and not one.file.is_char_device()]
    if twice := next((file for file in files if files.count(file) > 1), None):
        raise UsageError(f"two forms would be written to `{twice}`")
    return found


def output(text: str, choices: Sequence[str]) -> Output:
    """Return one `NAME` or `NAME=FILE` as data."""
    name, equals, file = text.partition("=")
    if name not in choices:
        raise UsageError(
            f"there is no --format `{name}` here", meant(name, choices) or f"it is one of {', '.join(choices)}"
        )
    if equals and not file:
        raise UsageError(f"--format `{text}` names no file", f"`{name}` alone writes to stdout")
    if not file or file == "-":
        return Output(name, None)
    path = Path(file)
    if path.is_dir() or not path.parent.is_dir():
        what = "it is a folder" if path.is_dir() else f"there is no folder `{path.parent}`"
        raise UsageError(f"`{file}` cannot be written: {what}", code="RE702")
    return Output(name, path)


@contextmanager
def opened(one: Output) -> Iterator[TextIO]:
    """Give the stream of an output; a file is UTF-8 and is closed at the end."""
    if one.file is None:
        yield sys.stdout
        return
    try:
        stream = one.file.open("w", encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise UsageError(f"`{one.file}` cannot be written: {error.strerror}", code="RE702") from None
    with stream:
        yield stream


def coloured(stream: TextIO) -> bool:
    """Say whether to colour: on a terminal that can, unless NO_COLOR is set (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def write_problems(problems: Sequence[Problem], found: Sequence[Output]) -> None:
    """Write problems, in the order given, in each form."""
    for one in found:
        with opened(one) as stream:
            if one.format == "text":
                write_text(problems, stream)
            else:
                from ruleengine.formats import WRITERS

                stream.write(WRITERS[one.format](problems))


def write_text(problems: Sequence[Problem], stream: TextIO) -> None:
    """Draw each problem; a file gets the counts at its end."""
    colour = coloured(stream)
    # In Actions a line of a rule could be taken for a workflow command; this token switches commands off.
    token = (
        secrets.token_hex(16)
        if os.environ.get("GITHUB_ACTIONS") == "true" and stream is sys.stdout and problems
        else ""
    )
    if token:
        stream.write(f"::stop-commands::{token}\n")
    stream.writelines(draw(found, colour) for found in problems)
    if token:
        stream.write(f"::{token}::\n")
    if stream is not sys.stdout:  # on a terminal the verb counts in its own words, on stderr
        stream.write(f"{summary(problems)}\n")
