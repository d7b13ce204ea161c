"""The steps about a rule as a whole: its log source, added conditions, its list of fields, states, refusals."""

from __future__ import annotations

import re
from collections.abc import Sequence as List
from dataclasses import replace
from string import Template
from typing import Any

from ruleengine.ir import (
    And,
    Correlation,
    Expr,
    Filter,
    Item,
    LogSource,
    NamedRef,
    Not,
    Rule,
    Selection,
    Sequence,
    Single,
    Value,
    Windowed,
)
from ruleengine.sigma.pipelines.bodies import Tracked
from ruleengine.sigma.pipelines.model import MODULE, Step
from ruleengine.sigma.pipelines.run import Cannot, Run


def refuse(step: Step, _run: Run) -> None:
    """Refuse the rule."""
    raise Cannot(step.options["message"], code="RE915")


def set_state(step: Step, run: Run) -> None:
    """Remember something for the conditions of later steps."""
    run.state[step.options["key"]] = step.options["val"]


def change_logsource(step: Step, run: Run) -> None:
    """Give the rule another log source."""
    if not isinstance(run.rule.body, Correlation):
        given = step.options
        logs = LogSource(given["category"], given["product"], given["service"], span=run.rule.logs.span)
        run.rule = replace(run.rule, logs=logs)


def set_attribute(step: Step, run: Run) -> None:
    """Write something beside the rule."""
    run.rule = replace(run.rule, meta=_with(run.rule, step.options["attribute"], step.options["value"]))


def _with(rule: Rule, key: str, value: Any) -> tuple[tuple[str, Any], ...]:
    return tuple({**dict(rule.meta), key: value}.items())


def set_fields(step: Step, run: Run) -> None:
    """Change the list `fields` that the rule has for its readers."""
    given = list(step.options["fields" if step.kind == "set_field" else "field"])
    written = dict(run.rule.meta).get("fields") or []
    now = list(written) if isinstance(written, list) else [written]
    match step.kind:
        case "set_field":
            now = given
        case "add_field":
            now = [*now, *given]
        case _:
            now = [name for name in now if name not in given]
    if now or "fields" in dict(run.rule.meta):
        run.rule = replace(run.rule, meta=_with(run.rule, "fields", now))


# --- added conditions ----------------------------------------------------------------------------------------------


def add_condition(step: Step, run: Run) -> None:
    """Add a selection, and put it in front of every condition over one event."""
    body = run.rule.body
    if isinstance(body, Correlation | Filter):
        return
    items = tuple(_item(key, value, step, run) for key, value in step.options["conditions"].items())
    name = _name(step, body.selections if isinstance(body, Single) else body.body.selections)
    selection = Selection(name, And(items, span=step.span), MODULE, span=step.span)
    said: Expr = NamedRef(name, span=step.span)
    said = Not(said, span=step.span) if step.options["negated"] else said
    match body:
        case Single():
            body = _in_front(body, selection, said)
        case Windowed():
            body = replace(body, body=_in_front(body.body, selection, said))
        case Sequence():
            steps = tuple(replace(each, what=And((said, each.what), span=each.what.span)) for each in body.steps)
            body = replace(body, body=_in_front(body.body, selection, said), steps=steps)
    run.rule = replace(run.rule, body=body)


def _in_front(body: Single, selection: Selection, said: Expr) -> Single:
    conditions = tuple(And((said, each), span=each.span) for each in body.conditions)
    return replace(body, selections=(*body.selections, selection), conditions=conditions)


def _name(step: Step, selections: List[Selection]) -> str:
    """Return a name for an added selection that the rule does not have yet."""
    taken = {selection.name for selection in selections}
    wanted = step.options["name"] or f"_cond_{re.sub(r'[^A-Za-z0-9_]', '_', step.id) or 1}"
    numbered = (f"{wanted}_{number}" for number in range(2, len(taken) + 3))
    return wanted if wanted not in taken else next(name for name in numbered if name not in taken)


def _item(key: str | None, value: Any, step: Step, run: Run) -> Item:
    field, *chain = (key or "").split("|")
    values: tuple[Value, ...] = value if isinstance(value, tuple) else (value,)
    if step.options["template"]:
        values = tuple(_filled(each, run.rule.logs) if isinstance(each, str) else each for each in values)
    return Tracked(
        field or None, tuple(chain), values, isinstance(value, tuple), applied=frozenset({step.id}), span=step.span
    )


def _filled(text: str, logs: LogSource) -> str:
    """Return a text with `$category`, `$product` and `$service` of the log source put in."""
    said = {"category": logs.category, "product": logs.product, "service": logs.service}
    for name in Template(text).get_identifiers():
        if name in said and said[name] is None:
            raise Cannot(f"`${name}` is put into the condition `{text}`, and the log source does not say it", logs.span)
    return Template(text).safe_substitute(said)
