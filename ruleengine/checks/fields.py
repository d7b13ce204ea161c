"""Names of fields and log sources, held against what is known of the log source."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from ruleengine.checks.parts import items
from ruleengine.checks.written import document
from ruleengine.ir import Aggregate, Call, FirstSeen, LogSource, Rule, Sequence, Windowed
from ruleengine.load import Loaded
from ruleengine.lower import havings_of, terms_of
from ruleengine.problem import Problem, problem
from ruleengine.scalar import inside
from ruleengine.schema.fields import FieldSet, fields_of, log_sources
from ruleengine.schema.logsources import service_name
from ruleengine.sigma import yaml
from ruleengine.span import Span
from ruleengine.suggest import nearest


@cache
def _fields(category: str | None, product: str | None, service: str | None) -> FieldSet | None:
    return fields_of(LogSource(category, product, service))


@cache
def _near_field(category: str | None, product: str | None, service: str | None, name: str) -> str | None:
    known = _fields(category, product, service)
    return known.suggest(name) if known else None


def _other_taxonomy(loaded: Loaded) -> bool:
    root = document(loaded.rule)
    return isinstance(root, yaml.Mapping) and root.get("taxonomy", "sigma") != "sigma"


def unknown_fields(loaded: Loaded) -> Iterator[Problem]:
    """Yield fields that the events of the rule's log source do not have, where all that they have are known."""
    logs = loaded.rule.logs
    source = logs.category, logs.product, logs.service
    known = _fields(*source)
    if known is None or not known.complete or _other_taxonomy(loaded):
        return
    source_name = "/".join(part for part in (logs.product, logs.category, logs.service) if part)
    for field, where in _named(loaded.rule):
        if not known.knows(field):
            near = _near_field(*source, field)
            hint = f"did you mean `{near}`?" if near else ""
            yield problem("RE330", where, f"events of {source_name} have no `{field}`", hint)


def _named(rule: Rule) -> Iterator[tuple[str, Span]]:
    """Yield every field that a rule names, and where: in its leaves, as keys of its window, in its figures."""
    for item in items(rule):
        if item.field is not None and item.span is not None:
            field = str(item.field.arguments[0]) if isinstance(item.field, Call) else item.field
            yield field, _within(item.span, field)
    match rule.body:
        case Windowed(_, window) | Sequence(_, _, window) if window.span is not None:
            for key in window.keys:
                yield key, _within(window.span, key)
    for term in terms_of(rule.body):
        if isinstance(term, Aggregate) and term.span is not None:
            for name in term.fields:
                yield name, _within(term.span, name)
    for node in havings_of(rule.body):
        if isinstance(node, FirstSeen) and node.span is not None:
            yield node.field, _within(node.span, node.field)


def _within(span: Span, field: str) -> Span:
    """Return where a field is named inside a leaf or a statement."""
    at = max(span.text.find(field), 0)
    if span.source.in_language:
        return Span(span.source, span.start + at, span.start + at + len(field))
    return inside(span, at, at + len(field))


@cache
def _names(part: str) -> frozenset[str]:
    """Return every known product, category or service, in lower case."""
    return frozenset(name.lower() for logs in log_sources() if (name := getattr(logs, part)))


@cache
def _near_name(part: str, name: str) -> str | None:
    """Return the known name that was surely meant; None if the name is known, or like none."""
    known = _names(part)
    asked = service_name(name) if part == "service" else name.lower()
    if asked in known:
        return None
    loose = name.strip().lower().replace(" ", "_")
    return loose if loose in known else nearest(loose, known) if len(loose) >= 5 else None


def unknown_log_source(loaded: Loaded) -> Iterator[Problem]:
    """Yield names of a log source that are one slip away from a known one, and those that are not of Sigma's form."""
    root = document(loaded.rule)
    given = root.get("logsource") if root is not None else None
    if not isinstance(given, yaml.Mapping) or _other_taxonomy(loaded):
        return
    for part in ("category", "product", "service"):
        name = given.get(part)
        if not isinstance(name, str) or part not in given:
            continue
        if near := _near_name(part, name):
            yield problem("RE331", given.value_span(part), f"no {part} is called `{name}`", f"did you mean `{near}`?")
        elif name != name.strip().lower() or " " in name:
            better = "_".join(name.lower().split())
            sentence = f"a {part} is written in lower case, without blanks"
            yield problem("RE332", given.value_span(part), sentence, f"write `{better}`" if better else "")
