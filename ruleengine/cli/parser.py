"""Arguments: one parser a verb, made from the verb's own module, with sentences for what is wrong."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn, Protocol, cast

from ruleengine.cli.main import VERBS
from ruleengine.suggest import meant


class UsageError(Exception):
    """The command cannot be followed: a sentence, at most one hint, a code of RE7xx; the exit code is 2."""

    def __init__(self, message: str, hint: str = "", code: str = "RE701") -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code


class Verb(Protocol):
    """What a verb's module offers."""

    __doc__: str | None

    def arguments(self, parser: argparse.ArgumentParser, /) -> None: ...

    def run(self, args: argparse.Namespace, /) -> int: ...


class Parser(argparse.ArgumentParser):
    """An argparse parser that raises UsageError instead of printing its usage and leaving."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, f"`{self.prog} --help` shows its arguments")


def load(verb: str) -> Verb:
    """Return the module of a verb; an unknown one is a UsageError that names a near one."""
    if verb not in VERBS:
        if verb.startswith("-"):
            raise UsageError(f"`{verb}` is not a verb", "the verb comes first: `ruleengine VERB [arguments]`")
        if Path(verb).exists() and "check" in VERBS:
            raise UsageError(f"`{verb}` is not a verb", f"did you mean `ruleengine check {verb}`?")
        raise UsageError(f"there is no verb `{verb}`", meant(verb, VERBS) or "`ruleengine --help` lists them")
    return cast(Verb, import_module(VERBS[verb][0]))


def describe(module: Verb) -> tuple[str, str]:
    """Return the first line of a verb's docstring and the rest of it."""
    first, _, rest = (module.__doc__ or "").strip().partition("\n")
    return first, rest.strip("\n")


def parser_of(verb: str) -> argparse.ArgumentParser:
    """Return the parser of one verb."""
    module = load(verb)
    first, rest = describe(module)
    parser = Parser(
        prog=f"ruleengine {verb}",
        description=first,
        epilog=rest or None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.arguments(parser)
    return parser


def all_verbs() -> argparse.ArgumentParser:
    """Return one parser that holds every verb, for completions and documentation."""
    parser = Parser(prog="ruleengine", allow_abbrev=False)
    parser.add_argument("--version", action="store_true", help="print the version")
    below = parser.add_subparsers(metavar="VERB")
    for verb, (_, line) in VERBS.items():
        load(verb).arguments(below.add_parser(verb, help=line, allow_abbrev=False))
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the verb that a command line names and return its exit code."""
    parser = parser_of(argv[0])
    args, unknown = parser.parse_known_args(argv[1:])
    if unknown:
        raise unexpected(parser, unknown)
    return load(argv[0]).run(args)


def unexpected(parser: argparse.ArgumentParser, unknown: Sequence[str]) -> UsageError:
    """Return the error for words that no argument takes; for an option, with the one that was probably meant."""
    word = next((word for word in unknown if word.startswith("-")), unknown[0])
    name = word.partition("=")[0]
    if not name.startswith("-"):
        return UsageError(
            f"`{parser.prog}` takes no further argument `{word}`", f"`{parser.prog} --help` shows what it takes"
        )
    options = re.findall(r"(?<![\w-])--[a-z][a-z-]+", parser.format_help())
    hint = meant(name, options) or f"`{parser.prog} --help` shows its options"
    return UsageError(f"`{parser.prog}` has no option `{name}`", hint)
