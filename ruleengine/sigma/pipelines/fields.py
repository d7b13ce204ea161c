"""The steps that rename fields, drop items and refuse them."""

from __future__ import annotations

from dataclasses import replace

from ruleengine.ir import And, Expr, Item, Or, Value
from ruleengine.problem import problem
from ruleengine.sigma.pipelines.bodies import Change, Tracked, changed, field_name, items_of, renamed
from ruleengine.sigma.pipelines.model import Step
from ruleengine.sigma.pipelines.run import Cannot, Run, is_for_item, is_for_name
from ruleengine.span import Span


def mapped(step: Step, name: str | None) -> tuple[str, ...] | None:
    """Return the names that a step gives to a field (None: to keywords); None when it has none for it."""
    given = step.options
    match step.kind:
        case "field_name_mapping":
            return _several(given["mapping"].get(name))
        case "field_name_prefix_mapping" if name is not None:
            head = next((head for head in given["mapping"] if head is not None and name.startswith(head)), None)
            if head is None:
                return None
            return tuple(new + name[len(head) :] for new in _several(given["mapping"][head]) or ())
        case "field_name_suffix" if name is not None:
            return (name + given["suffix"],)
        case "field_name_prefix" if name is not None:
            return (given["prefix"] + name,)
        case _:
            return None


def _several(given: str | tuple[str, ...] | None) -> tuple[str, ...] | None:
    return (given,) if isinstance(given, str) else given


def rename(step: Step, run: Run) -> None:
    """Give fields the names of a mapping, wherever the rule names them."""
    if any(test.kind == "logsource" for test in step.for_rule.tests.values()) and not step.for_rule.negated:
        run.mapped_by.append(run.pipeline)

    def names(name: str, _: Span | None) -> tuple[str, ...]:
        found = mapped(step, name) if is_for_name(step, name, run) else None
        if found is None:
            return (name,)
        run.named.add(name)
        run.made.update(found)
        if found != (name,):
            ids = run.changed_by.pop(name, frozenset()) | {step.id}
            run.changed_by.update(dict.fromkeys(found, ids))
        return found

    def one(name: str, where: Span | None) -> str:
        new, *more = names(name, where)
        if more:
            listed = " and ".join(f"`{each}`" for each in (new, *more))
            raise Cannot(f"`{name}` becomes {listed}, and here only one field can stand", where)
        return new

    def item(given: Item) -> Expr:
        return _item(step, run, given) if is_for_item(step, given, run) else given

    run.rule = changed(run.rule, Change(item, one, names))


def _item(step: Step, run: Run, item: Item) -> Expr:
    """Return an item under its new names, the fields that it refers to renamed as well."""
    made = _references(step, run, item)
    name = field_name(item.field)
    found = mapped(step, name) if is_for_name(step, name, run, item) else None
    if found is None:
        return made
    if name is not None:
        run.named.add(name)
    run.made.update(found)
    made = _after(step, made)
    if item.field is None:
        return spread(replace(made, modifiers=_as_field(made)), found)
    return spread(made, [renamed(item.field, new) for new in found])


def _after(step: Step, item: Item) -> Item:
    return replace(item, applied=item.applied | {step.id}) if isinstance(item, Tracked) else item


def _as_field(item: Item) -> tuple[str, ...]:
    """Return the modifiers under which a field says what keywords say: texts stand anywhere in it."""
    chain = item.modifiers
    return chain if "re" in chain or "contains" in chain else (*chain, "contains")


def _references(step: Step, run: Run, item: Item) -> Item:
    """Return an item with the fields that its values name renamed."""
    if "fieldref" not in item.modifiers:
        return item
    values: list[Value] = []
    spans: list[Span] = []
    for index, value in enumerate(item.values):
        found = mapped(step, str(value)) if is_for_name(step, str(value), run) else None
        if found is not None:
            run.named.add(str(value))
            run.made.update(found)
        values.extend(found or (value,))
        spans.extend([item.value_spans[index]] * len(found or (value,)) if item.value_spans else [])
    if tuple(values) == item.values:
        return item
    listed = item.listed or len(values) > 1
    return _after(step, replace(item, values=tuple(values), value_spans=tuple(spans), listed=listed))


def spread(item: Item, names: tuple[str, ...] | list[str]) -> Expr:
    """Return an item of a field that is now several: some one of them, or none of them where it denies."""
    items = tuple(replace(item, field=name) for name in names)
    if len(items) == 1:
        return items[0]
    absent = item.values == (None,) or ("exists" in item.modifiers and item.values == (False,))
    return (And if absent is not ("neq" in item.modifiers) else Or)(items, span=item.span)


def drop(step: Step, run: Run) -> None:
    """Take items out of the rule."""

    def item(given: Item) -> Expr | None:
        if not is_for_item(step, given, run):
            return given
        run.named.add(field_name(given.field) or "")
        return None

    def lost(expr: Expr) -> None:
        said = "nothing is left of an alternative, so the others go on without it"
        run.report(problem("RE919", expr.span or run.place, said))

    run.rule = changed(run.rule, Change(item=item, lost=lost))


def refuse_items(step: Step, run: Run) -> None:
    """Refuse the rule for the first item that the step is for."""
    for item in items_of(run.rule):
        if is_for_item(step, item, run):
            raise Cannot(step.options["message"], item.span, code="RE915")


def refuse_unmapped(_step: Step, run: Run) -> None:
    """Refuse the rule when it has fields that no mapping named."""
    known = run.named | run.made
    left = {name: item for item in items_of(run.rule) if (name := field_name(item.field)) and name not in known}
    if left:
        listed = ", ".join(f"`{name}`" for name in left)
        raise Cannot(f"no mapping names {listed}", next(iter(left.values())).span, code="RE915")
