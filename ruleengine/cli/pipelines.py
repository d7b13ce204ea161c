"""The option --pipeline: from names to pipelines, and to what they make of each rule."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ruleengine.cli.parser import UsageError
from ruleengine.compiling.places import without_places
from ruleengine.config import shown
from ruleengine.ir import Rule
from ruleengine.load import Change, read_text
from ruleengine.problem import Problem, Report
from ruleengine.sigma.pipelines import (
    Pipeline,
    allows,
    apply,
    digest,
    from_installed,
    from_shipped,
    misses,
    read,
    shipped,
)


def through(names: Sequence[str], targets: Sequence[str] = ()) -> tuple[str, Change]:
    """Return the identity of some pipelines, and what they make of a rule; what their mappings miss is reported.

    `targets` are those to compile into, each of which every pipeline must be for. Without any, what says where events
    are kept (an index, a repository) is left out: events do not say it.
    """
    pipelines = named(names)
    for pipeline in pipelines:
        if odd := next((target for target in targets if not allows(pipeline, target)), None):
            listed = ", ".join(pipeline.allowed)
            raise UsageError(f"`{pipeline.name}` is not for {odd}, but for {listed}", "compile apart", code="RE914")

    def change(rule: Rule, report: Report, others: Sequence[Rule]) -> Rule | None:
        for missed in misses(rule, pipelines, others):
            report(missed)
        made = apply(rule, pipelines, report, others=others)
        return made if made is None or targets else without_places(made)

    return digest(pipelines), change


def named(names: Sequence[str]) -> list[Pipeline]:
    """Return the pipelines of these names; UsageError, with its place, when one cannot be had or read."""
    return [_named(name) for name in dict.fromkeys(names)]


def _named(name: str) -> Pipeline:
    found: list[Problem] = []
    if name.endswith((".yml", ".yaml")) or Path(name).is_file():
        source = read_text(shown(Path(name)), found.append)
        made = read(source, found.append) if source is not None else None
    elif name in shipped():
        made = from_shipped(name, found.append)
    else:
        made = from_installed(name, found.append)
    blocking = [each for each in found if each.blocks or each.severity == "error"]
    if made is None or blocking:
        first = blocking[0] if blocking else found[0]
        where = f"{first.place}: " if first.place.line or first.code == "RE101" else ""
        more = f" (and {len(blocking) - 1} more)" if len(blocking) > 1 else ""
        raise UsageError(f"{where}{first.message}{more}", first.hint, code=first.code)
    return made
