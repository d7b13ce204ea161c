"""Rules as searches of Splunk: what people would write, as far as it means the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ruleengine.target import Compiled, Format, Options, Ready, Target
from ruleengine_splunk.options import APP, SAVED
from ruleengine_splunk.table import CAPABILITIES, CONTRACT

__all__ = ["TARGET"]

VERSION = "1"
"""Of what is written; it changes when a query or a file does."""


# What writes queries takes a moment to import: it waits until it is asked.


def _compile(ready: Ready) -> Compiled:
    from ruleengine_splunk.query import compiled

    return compiled(ready)


def _query(_ready: Ready, compiled: Compiled, _options: Options) -> str:
    return f"{compiled.text}\n"


def _saved(rules: Sequence[tuple[Ready, Compiled]], options: Options) -> Mapping[str, bytes]:
    from ruleengine_splunk.saved import files

    return files(rules, options)


def _app(rules: Sequence[tuple[Ready, Compiled]], options: Options) -> Mapping[str, bytes]:
    from ruleengine_splunk.app import files

    return files(rules, options)


TARGET = Target(
    name="splunk",
    title="Splunk",
    version=VERSION,
    contract=CONTRACT,
    compile=_compile,
    capabilities=CAPABILITIES,
    formats=(
        Format("query", "the query alone, a file for each rule", ".spl", one=_query),
        Format("savedsearches", "savedsearches.conf with every rule, and the lookup files", many=_saved, options=SAVED),
        Format("app", "a Splunk app: its folder, and the package to install", many=_app, options=APP),
    ),
)
