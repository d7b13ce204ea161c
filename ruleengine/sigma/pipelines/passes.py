"""Carrying out pipelines on a rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from ruleengine.ir import Body, Correlation, Filter, Item, Rule, Selection, Single, Windowed
from ruleengine.ir import Sequence as Steps
from ruleengine.ir import Step as SequenceStep
from ruleengine.problem import Problem, Report, problem
from ruleengine.sigma.pipelines import extracts, fields, rules, values
from ruleengine.sigma.pipelines.bodies import Change, NothingLeft, Tracked, changed, names_of, pruned, without
from ruleengine.sigma.pipelines.model import MODULE, Pipeline, Step, all_steps, allows, in_order
from ruleengine.sigma.pipelines.run import Cannot, Run, is_for_rule
from ruleengine.span import Span

PASSES: Mapping[str, Callable[[Step, Run], None]] = {
    **dict.fromkeys(
        ("field_name_mapping", "field_name_prefix_mapping", "field_name_suffix", "field_name_prefix"), fields.rename
    ),
    "drop_detection_item": fields.drop,
    "detection_item_failure": fields.refuse_items,
    "strict_field_mapping_failure": fields.refuse_unmapped,
    **dict.fromkeys(values.WAYS, values.change_values),
    "hashes_fields": extracts.split_hashes,
    "extract_fields": extracts.extract_fields,
    **dict.fromkeys(("add_field", "remove_field", "set_field"), rules.set_fields),
    "add_condition": rules.add_condition,
    "change_logsource": rules.change_logsource,
    "set_state": rules.set_state,
    "set_custom_attribute": rules.set_attribute,
    "rule_failure": rules.refuse,
}
"""What carries out each kind of step; `nest` is its inner steps."""


def apply(
    rule: Rule, pipelines: Sequence[Pipeline], report: Report, *, target: str = "", others: Sequence[Rule] = ()
) -> Rule | None:
    """Return the rule as pipelines make it, as written and with its places; None after reporting why there is none.

    Pipelines run by priority, then name, as one: they share variables and states. `target` is checked against the
    back ends that a pipeline allows. `others` are the rules that a correlation names, as they were before pipelines,
    for a correlation has the log sources of its rules; without them it is refused where a step asks for a log source.

    Filters of the rule are changed with it; a rule that is itself a filter comes back as it is, since its log source
    is that of the rules that it is for. What `add_condition` adds is a `Selection` whose `module` is "pipeline"
    (`is_added` says so), named at the front of every condition: `And((NamedRef(name), condition))`. So a back end can
    put it first, before what is logic of the detection.
    """
    for pipeline in pipelines:
        if not allows(pipeline, target):
            listed = ", ".join(pipeline.allowed)
            report(
                problem("RE914", rule.span or rule.title, f"`{pipeline.name}` is not for {target}, but for {listed}")
            )
            return None
    if isinstance(rule.body, Filter):
        return rule
    run = _started(rule, pipelines, report, others)
    return _finished(run) if run is not None and _carried_out(run, pipelines) else None


def is_added(selection: Selection) -> bool:
    """Say whether a pipeline added a selection, so that it says where to search and is no logic of the detection."""
    return selection.module == MODULE


def misses(rule: Rule, pipelines: Sequence[Pipeline], others: Sequence[Rule] = ()) -> list[Problem]:
    """Return a warning for each field that no mapping names although one is for the rule's log source.

    A warning as well for a log source that none of the mappings is for, where a pipeline has mappings for some. Steps
    that rename every field, and mappings of fields to themselves, count as naming them.
    """
    named = [pipeline for pipeline in in_order(pipelines) if _maps_sources(pipeline)]
    if isinstance(rule.body, Filter) or not named:
        return []
    run = _started(rule, pipelines, lambda _: None, others)
    if run is None or not _carried_out(run, pipelines):
        return []
    if not run.mapped_by:
        listed = ", ".join(f"`{pipeline.name}`" for pipeline in named)
        return [problem("RE918", run.place, f"{listed} has no mapping for {rule.logs}")]
    by = ", ".join(f"`{name}`" for name in dict.fromkeys(run.mapped_by))
    left: dict[str, Span | None] = {}
    for name, span in names_of(rule):
        if name not in run.named:
            left.setdefault(name, span)
    said = "keeps its name: no mapping of"
    return [problem("RE917", span or run.place, f"`{name}` {said} {by} names it") for name, span in left.items()]


def _maps_sources(pipeline: Pipeline) -> bool:
    """Say whether a pipeline has field mappings for some log sources and not for others."""
    return any(
        PASSES.get(step.kind) is fields.rename
        and any(test.kind == "logsource" for test in step.for_rule.tests.values())
        for step in all_steps(pipeline.steps)
    )


def _started(rule: Rule, pipelines: Sequence[Pipeline], report: Report, others: Sequence[Rule]) -> Run | None:
    """Return a run at its start; None after reporting that rules which a correlation names are not known."""
    variables = {name: given for pipeline in in_order(pipelines) for name, given in pipeline.variables.items()}
    parts: tuple[Run, ...] = ()
    if isinstance(rule.body, Correlation) and _asks_for_source(pipelines):
        found = _parts(rule, others, report)
        if found is None:
            return None
        parts = tuple(Run(changed(part, Change(item=_tracked)), lambda _: None, variables) for part in found)
    return Run(changed(rule, Change(item=_tracked)), report, variables, parts)


def _asks_for_source(pipelines: Sequence[Pipeline]) -> bool:
    steps = (step for pipeline in pipelines for step in all_steps(pipeline.steps))
    return any(test.kind == "logsource" for step in steps for test in step.for_rule.tests.values())


def _parts(rule: Rule, others: Sequence[Rule], report: Report) -> list[Rule] | None:
    """Return the rules about events that a correlation is made of; None after reporting which is not known."""
    known = {key: other for other in others for key in (other.id, other.name) if key}
    parts: dict[int, Rule] = {}
    pending, seen = [rule], {id(rule)}
    while pending:
        current = pending.pop()
        if not isinstance(current.body, Correlation):
            parts[id(current)] = current
            continue
        for reference in current.body.rules:
            if reference.key not in known:
                said = f"`{reference.key}` is not known, so the log source that a pipeline asks for is not known either"
                report(problem("RE916", reference.span or rule.span or rule.title, said))
                return None
            if id(known[reference.key]) not in seen:
                seen.add(id(known[reference.key]))
                pending.append(known[reference.key])
    return list(parts.values())


def _tracked(item: Item) -> Item:
    return Tracked(item.field, item.modifiers, item.values, item.listed, span=item.span, value_spans=item.value_spans)


def _plain(item: Item) -> Item:
    return Item(item.field, item.modifiers, item.values, item.listed, span=item.span, value_spans=item.value_spans)


def _carried_out(run: Run, pipelines: Sequence[Pipeline]) -> bool:
    """Carry out every step, and say whether all could be; the first that could not is reported."""
    for pipeline in in_order(pipelines):
        run.pipeline = pipeline.name
        for step in pipeline.steps:
            try:
                _carry_out(step, run)
            except Cannot as why:
                said = f"`{pipeline.name}`{f', step `{step.id}`' if step.id else ''}: {why.message}"
                run.report(problem(why.code, why.where or run.place, said, why.hint))
                return False
            for part in run.parts:
                with suppress(Cannot):  # it is reported for the rule itself
                    _carry_out(step, part)
    return True


def _carry_out(step: Step, run: Run) -> None:
    if not is_for_rule(step, run):
        return
    if step.id:
        run.applied.add(step.id)
    if step.kind != "nest":
        PASSES[step.kind](step, run)
        return
    outside, run.state = run.state, {}  # as in pySigma, the steps inside see no states from outside
    for inner in step.steps:
        _carry_out(inner, run)
    run.state = outside | run.state


def _finished(run: Run) -> Rule | None:
    """Return the rule without what was dropped, its items plain again; None when nothing of it is left."""
    emptied: list[Selection] = []
    where = None
    try:
        body = _left(run.rule.body, emptied)
    except NothingLeft as lost:
        body, where = None, lost.where
    for selection in emptied:
        said = f"nothing is left of the selection `{selection.name}`, so conditions go on without it"
        run.report(problem("RE919", selection.span or run.place, said))
    if body is None:
        run.report(problem("RE916", where or run.place, "pipelines dropped everything that the condition says"))
        return None
    filters = (_filter(each) for each in run.rule.filters)
    rule = replace(run.rule, body=body, filters=tuple(each for each in filters if each is not None))
    return changed(rule, Change(item=_plain))


def _left(body: Body, emptied: list[Selection]) -> Body | None:
    """Return a body without what was dropped; None when nothing of it is left."""
    if isinstance(body, Single):
        return pruned(body, emptied)
    if not isinstance(body, Windowed | Steps):
        return body
    inner = pruned(body.body, emptied)
    if inner is None:
        return None
    names = tuple(selection.name for selection in inner.selections)
    if isinstance(body, Windowed):
        having = without(body.having, emptied, names) if body.having is not None else None
        lost = having is None and body.having is not None
        return replace(body, body=inner, having=having) if not lost else None
    steps: list[SequenceStep] = []
    for step in body.steps:
        what = without(step.what, emptied, names)
        having = without(step.having, emptied, names) if step.having is not None else None
        if what is None or (having is None and step.having is not None):
            return None
        steps.append(replace(step, what=what, having=having))
    return replace(body, body=inner, steps=tuple(steps))


def _filter(rule: Rule) -> Rule | None:
    """Return a filter without what was dropped; None when nothing of it is left."""
    assert isinstance(rule.body, Filter)
    body = pruned(rule.body.body, [])
    return replace(rule, body=replace(rule.body, body=body)) if body is not None else None
