"""From rules that were read to queries: finding targets, making rules ready for them, and what is refused.

By default a translation that is exact or bounded is kept, one that is wider is kept with a warning, and the rest is
refused with its reasons. A rule may acknowledge a loss for a target under `x-accept-loss`:

    x-accept-loss:
      splunk: the raw line holds nothing else that looks like these words
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from ruleengine.compiling.keywords import with_sure_keywords
from ruleengine.compiling.places import with_places_first
from ruleengine.ir import OVER_TIME, Filter
from ruleengine.load import Loaded
from ruleengine.lower import digest
from ruleengine.problem import Problem, Report, problem
from ruleengine.schema.event_schemas import schema_of
from ruleengine.span import Place
from ruleengine.suggest import meant
from ruleengine.target import Compiled, Format, Kind, Limit, Ready, Target, parted

GROUP = "ruleengine.backends"
"""The entry points that name targets."""

ACCEPT = "x-accept-loss"
"""The key of a rule's metadata under which it acknowledges losses: target → why they do not matter."""


class UnknownTarget(Exception):
    """There is no target of that name, or it cannot be imported; it holds a sentence and a hint."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


@cache
def _found() -> Mapping[str, EntryPoint]:
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


def target_names() -> tuple[str, ...]:
    """Return the names of the targets that are installed."""
    return tuple(_found())


@cache
def target(name: str) -> Target:
    """Return the target of a name; UnknownTarget when there is none."""
    names = target_names()
    if name not in names:
        raise UnknownTarget(f"there is no target `{name}`", meant(name, names) or f"it is one of {', '.join(names)}")
    try:
        made = _found()[name].load()
    except ImportError as error:
        raise UnknownTarget(f"the target `{name}` cannot be imported: {error}") from None
    assert isinstance(made, Target)
    return made


@dataclass(frozen=True, slots=True)
class Job:
    """What to compile into: a target, one of its formats, and the format's options."""

    target: Target
    format: Format
    options: tuple[tuple[str, str], ...] = ()

    def __hash__(self) -> int:
        return hash((self.target.name, self.format.name, self.options))


def job(text: str, options: Sequence[str] = (), pipelines: Sequence[str] = ()) -> Job:
    """Return what `NAME` or `NAME:FORMAT` asks for; UnknownTarget when there is none, or an option it does not have.

    `sigma:BACKEND` or `sigma:BACKEND:FORMAT` is a backend of pySigma, which carries out the pipelines by itself.
    """
    name, _, form = text.partition(":")
    if name == FOREIGN:
        name, _, form = form.partition(":")
        into = _foreign(name, form, options, pipelines)
        return Job(into, into.formats[0])
    into = target(name)
    formats = {each.name: each for each in into.formats}
    if form and form not in formats:
        hint = meant(form, formats) or f"it is one of {', '.join(formats)}"
        raise UnknownTarget(f"the target `{name}` has no format `{form}`", hint)
    chosen = formats[form] if form else into.formats[0]
    values = {option: default for option, (default, _) in chosen.options.items()}
    for each in options:
        option, equals, value = each.partition("=")
        if not equals:
            raise UnknownTarget(f"`-O {each}` sets nothing", f"write `-O {option}=value`")
        if option not in values:
            hint = meant(option, values) or (f"it has {', '.join(values)}" if values else "it has none")
            raise UnknownTarget(f"`{name}:{chosen.name}` has no option `{option}`", hint)
        values[option] = value
    return Job(into, chosen, tuple(values.items()))


FOREIGN = "sigma"
"""What the names of pySigma's backends begin with."""


def _foreign(name: str, form: str, options: Sequence[str], pipelines: Sequence[str]) -> Target:
    from ruleengine_pysigma import NotThere, target_of

    try:
        given = {option: value for option, _, value in (each.partition("=") for each in options)}
        return target_of(name, form, given, pipelines)
    except NotThere as error:
        raise UnknownTarget(error.message, error.hint) from None


# --- rules ---------------------------------------------------------------------------------------------------------


def ready(loaded: Loaded, report: Report, *more: str) -> Ready | None:
    """Return a rule as targets take it; None when it is not about one event, which is reported unless it is a filter.

    `more` is what else its meaning depends on: the identity of the pipelines that changed it.
    """
    rule = loaded.rule
    if loaded.expr is None:
        if isinstance(rule.body, OVER_TIME):
            sentence = "a rule over time is not compiled yet: a later version will"
            report(problem("RE904", rule.span or Place(rule.title), sentence))
        return None
    assert not isinstance(rule.body, Filter)
    schema = schema_of(rule.logs)
    arrays = frozenset(name for name, field in schema.fields.items() if field.array) if schema else frozenset[str]()
    expr = with_places_first(rule, loaded.expr)
    return Ready(rule, expr, digest(expr, rule.logs, *more), arrays)


def all_ready(rules: Iterable[Loaded], report: Report, *more: str) -> list[Ready]:
    """Return those of the rules that can be compiled."""
    return [made for loaded in rules if (made := ready(loaded, report, *more)) is not None]


def accepted(given: Ready, name: str) -> str | None:
    """Return why a rule takes a loss in a target, in its own words; None when it does not."""
    losses = dict(given.rule.meta).get(ACCEPT)
    reason = losses.get(name) if isinstance(losses, Mapping) else None
    return str(reason) if reason else None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a rule in a target: the translation, whether it is kept, and what the rule accepts."""

    given: Ready
    compiled: Compiled
    kept: bool
    accepted: str | None


def compiled(given: Ready, into: Target, report: Report, *, strict: bool = False) -> Result:
    """Return what a target makes of a rule; what is lost and what is refused is reported with its reasons."""
    given = prepared(given, into)
    made = _made(given, into)
    for each in made.problems:
        report(each)
    reason = accepted(given, into.name)
    kept = made.verdict in KEPT and bool(made.text)
    if made.verdict == "wider" and strict and reason is None:
        kept = False
    if made.verdict == "narrower" and reason is not None:
        kept = bool(made.text)
    if not kept or (made.verdict == "wider" and reason is None):
        for each in _told(given, made, into, kept=kept):
            report(each)
    return Result(given, made, kept, reason)


def prepared(given: Ready, into: Target) -> Ready:
    """Return a rule as a target is given it: one that is asked about events on their own knows no place of theirs."""
    return replace(given, expr=parted(given.expr)[1]) if into.contract is None else given


def _made(given: Ready, into: Target) -> Compiled:
    """Return the translation; one that would lose events because of negated keywords is tried with surer ones."""
    made = into.compile(given)
    if into.contract is None or made.verdict not in ("narrower", "unsupported"):
        return made
    expr, limits = with_sure_keywords(given.expr, into.contract.raw)
    if not limits:
        return made
    raw = into.contract.raw
    again = into.compile(replace(given, expr=expr))
    of_event = (replace(limit, field=None) if limit.field == raw else limit for limit in again.limits)
    wider = replace(again, limits=(*of_event, *limits))
    return wider if wider.verdict == "wider" else made


KEPT: frozenset[Kind] = frozenset({"exact", "bounded", "unproved", "wider"})

SAYS: Mapping[Kind, str] = {
    "wider": "finds more than the rule does",
    "narrower": "finds less than the rule does",
    "unsupported": "cannot be said",
}


def _told(given: Ready, made: Compiled, into: Target, *, kept: bool) -> list[Problem]:
    """Return one problem for each limit that made a translation lossy or impossible, at its place in the rule."""
    code = "RE902" if kept else {"wider": "RE903", "narrower": "RE903"}.get(made.verdict, "RE901")
    out = [_of_limit(code, given, limit, into) for limit in made.limits if limit.kind in SAYS]
    return list(dict.fromkeys(out))


def _of_limit(code: str, given: Ready, limit: Limit, into: Target) -> Problem:
    where = limit.span or given.rule.span or Place(given.rule.title)
    hint = "" if code == "RE901" or limit.kind == "unsupported" else f"`{ACCEPT}: {{{into.name}: why}}` takes it"
    return problem(code, where, f"in {into.title} this {SAYS[limit.kind]}: {limit.reason}", hint)
