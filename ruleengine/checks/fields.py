"""Names of fields and log sources, held against what is known of the log source."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from ruleengine.checks.parts import items
from ruleengine.ir import LogSource
from ruleengine.load import Loaded
from ruleengine.problem import Problem, problem
from ruleengine.scalar import inside
from ruleengine.schema.fields import FieldSet, fields_of, log_sources
from ruleengine.schema.logsources import service_name
from ruleengine.sigma import yaml
from ruleengine.suggest import nearest


@cache
def _fields(category: str | None, product: str | None, service: str | None) -> FieldSet | None:
    return fields_of(LogSource(category, product, service))


@cache
def _near_field(category: str | None, product: str | None, service: str | None, name: str) -> str | None:
    known = _fields(category, product, service)
    return known.suggest(name) if known else None


def _other_taxonomy(loaded: Loaded) -> bool:
    root = loaded.rule.document
    return isinstance(root, yaml.Mapping) and root.get("taxonomy", "sigma") != "sigma"


def unknown_fields(loaded: Loaded) -> Iterator[Problem]:
    """Yield fields that the events of the rule's log source do not have, where all that they have are known."""
    logs = loaded.rule.logs
    source = logs.category, logs.product, logs.service
    known = _fields(*source)
    if known is None or not known.complete or _other_taxonomy(loaded):
        return
    source_name = "/".join(part for part in (logs.product, logs.category, logs.service) if part)
    for item in items(loaded.rule):
        if item.field is None or known.knows(item.field) or item.span is None:
            continue
        near = _near_field(*source, item.field)
        where = inside(item.span, 0, len(item.field))
        hint = f"did you mean `{near}`?" if near else ""
        yield problem("RE330", where, f"events of {source_name} have no `{item.field}`", hint)


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
    root = loaded.rule.document
    given = root.get("logsource") if isinstance(root, yaml.Mapping) else None
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
