"""What every verb that takes rules does first: read the selection, load, tell the problems."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ruleengine.cli.main import NOTHING, OK, UNREADABLE
from ruleengine.cli.output import coloured
from ruleengine.cli.parser import UsageError
from ruleengine.config import Config, ConfigError, read_config, shown
from ruleengine.draw import counted, draw, visible
from ruleengine.ir import OVER_TIME
from ruleengine.load import Loaded, load
from ruleengine.problem import Problem, in_order
from ruleengine.select import SelectorError, read_selection
from ruleengine.shelf import Shelf

if TYPE_CHECKING:
    from ruleengine.engine.cache import Cache

SELECT_HELP = (
    "rule files, folders, or selectors: rule:NAME tag:T level:>=high status:S logsource:P/C, `!` before negates"
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rules that a command line selects, and the problems of reading them."""

    rules: tuple[Loaded, ...]
    problems: tuple[Problem, ...]
    config: Config
    every: tuple[Loaded, ...] = ()
    """All rules that were read, for what compares rules with each other."""
    passed_over: int = 0
    """How many YAML files in folders were no rules."""
    identity: tuple[str, ...] = ()
    """What the rules' meaning depends on beside their text: the pipelines that changed them."""

    @property
    def code(self) -> int:
        """The exit code so far: 3 when a rule could not be read, 5 when nothing was selected."""
        if any(found.blocks for found in self.problems):
            return UNREADABLE
        return OK if self.rules else NOTHING


def settings() -> Config:
    """Return the configuration of the folder the command runs in; UsageError when it cannot be followed."""
    try:
        return read_config(Path.cwd())
    except ConfigError as error:
        found = error.problem
        raise UsageError(f"{found.place}: {found.message}", found.hint, code=found.code) from None


PIPELINE_HELP = "a processing pipeline for the rules: a YAML file, one of ours, or an installed one; repeatable"


def add_pipelines(parser: argparse.ArgumentParser) -> None:
    """Declare --pipeline."""
    parser.add_argument(
        "-p", "--pipeline", action="append", metavar="NAME", default=[], dest="pipelines", help=PIPELINE_HELP
    )


def choose(
    words: Sequence[str],
    *,
    evaluating: bool = True,
    pipelines: Sequence[str] = (),
    targets: Sequence[str] = (),
    cache: Cache | None = None,
    bundles: bool = False,
) -> Chosen:
    """Return the rules that paths and selectors choose; without a path, those of the configuration's `rules`.

    They have gone through the pipelines. `targets` are those that the rules are to be compiled into, if they are. What
    the cache has of them is not read anew, unless there are pipelines; such rules have no `document`. With `bundles`, a
    path may be one, and its rules, which have no body, come after all others.
    """
    config = settings()
    try:
        selection = read_selection(words)
    except SelectorError as error:
        raise UsageError(error.message, error.hint) from None
    paths = selection.paths or tuple(shown(config.root / path) for path in config.rules)
    problems: list[Problem] = []
    bundled: list[Loaded] = []
    if bundles:
        paths, bundled = apart(paths, pipelines, problems)
    identity, change = "", None
    if pipelines:
        from ruleengine.cli.pipelines import through

        identity, change = through(pipelines, targets)
    # Loading makes millions of small objects that all stay: looking for garbage among them again and again is a
    # third of the time.
    gc.disable()
    shelf = Shelf(cache, paths) if cache is not None else None
    rules = load(paths, problems.append, config.placeholders, evaluating=evaluating, change=change, shelf=shelf)
    gc.freeze()
    gc.enable()
    every = (*rules.rules, *bundled)
    chosen = tuple(selection.chosen(every))
    paths_chosen = {loaded.rule.source.path for loaded in chosen if loaded.rule.source}
    # An open placeholder only matters in a rule that was selected; what could not be read at all may be any rule.
    told = [found for found in problems if found.code != "RE213" or found.place.path in paths_chosen]
    return Chosen(chosen, tuple(in_order(told)), config, every, rules.passed_over, (identity,) if identity else ())


def apart(
    paths: Sequence[str], pipelines: Sequence[str], problems: list[Problem]
) -> tuple[tuple[str, ...], list[Loaded]]:
    """Return the paths that are no bundles, and the rules of those that are; what cannot be read is a problem."""
    from ruleengine.engine.bundle import SUFFIX, bundled_rules  # the engine takes a moment to import

    bundles = [path for path in dict.fromkeys(paths) if path.endswith(SUFFIX)]
    if bundles and pipelines:
        hint = "give `-p` when you compile the bundle"
        raise UsageError(f"no pipeline can change the rules of `{bundles[0]}`: they are compiled already", hint)
    return tuple(path for path in paths if path not in bundles), bundled_rules(bundles, problems.append)


def cache_of(args: argparse.Namespace) -> Cache | None:
    """Return the cache of the user unless --no-cache was given; a sentence on stderr says why there is none."""
    if args.no_cache:
        return None
    from ruleengine.engine.cache import open_cache  # the engine takes a moment to import

    return open_cache(lambda sentence: print(f"ruleengine: {visible(sentence)}", file=sys.stderr))


def of_one_event(chosen: Chosen) -> list[Loaded]:
    """Return the rules that can be asked about one event; how many of those chosen cannot be, yet, is told."""
    over_time = sum(isinstance(loaded.rule.body, OVER_TIME) for loaded in chosen.rules)
    if over_time:
        are = "is" if over_time == 1 else "are"
        sys.stderr.write(f"ruleengine: {counted(over_time, 'rule')} over time {are} not evaluated yet\n")
    rules = [loaded for loaded in chosen.rules if loaded.askable]
    if not rules:
        sys.stderr.write("ruleengine: no rule was selected that can be asked about one event\n")
    return rules


def tell(problems: Sequence[Problem], *, notices: bool = False) -> None:
    """Draw problems on stderr; notices only when asked for."""
    colour = coloured(sys.stderr)
    sys.stderr.writelines(draw(found, colour) for found in problems if notices or found.severity != "notice")


def add_rules(parser: argparse.ArgumentParser) -> None:
    """Declare --rules, and --no-cache for `cache_of`."""
    parser.add_argument("--rules", nargs="+", action="extend", metavar="SELECT", default=[], help=SELECT_HELP)
    parser.add_argument("--no-cache", action="store_true", help="read every rule anew, and keep nothing for next time")
