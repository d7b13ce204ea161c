"""The steps that make several items of one: hashes by their kind, and the named groups of a pattern."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from ruleengine.ir import And, Expr, Item, Not, Or, Value
from ruleengine.problem import problem
from ruleengine.sigma.pipelines.bodies import Change, Tracked, changed, field_name
from ruleengine.sigma.pipelines.model import Step
from ruleengine.sigma.pipelines.patterns import compiled
from ruleengine.sigma.pipelines.run import Cannot, Run, is_for_item
from ruleengine.sigma.pipelines.views import shown, text_of
from ruleengine.span import Span

HASH_LENGTHS = {32: "MD5", 40: "SHA1", 64: "SHA256", 128: "SHA512"}
"""Which hash has so many hexadecimal digits."""


def split_hashes(step: Step, run: Run) -> None:
    """Give each kind of hash in `Hashes` a field of its own."""

    def item(given: Item) -> Expr:
        if given.field not in step.options["field_to_parse"] or not is_for_item(step, given, run):
            return given
        texts = _texts(given)
        run.named.add(str(given.field))
        return _hashes(step, run, given, texts) if texts is not None else given

    run.rule = changed(run.rule, Change(item=item))


def _texts(item: Item) -> list[str] | None:
    """Return the values of an item as shown; None when one of them is no text."""
    found = [text_of(item, value) for value in item.values]
    return [shown(text) for text in found if text is not None] if None not in found else None


def _hashes(step: Step, run: Run, item: Item, texts: list[str]) -> Expr:
    given = step.options
    found: dict[str, list[tuple[Value, int]]] = {}
    for index, text in enumerate(texts):
        kind, value = _hash(text)
        if kind in given["valid_hash_algos"]:
            name = given["field_prefix"] + ("" if given["drop_algo_prefix"] else kind)
            found.setdefault(name, []).append((value, index))
        else:
            what = f"the hash `{kind}`" if kind else "such a hash"
            said = f"`{item.values[index]}` is left out: there is no field for {what}"
            run.report(problem("RE919", _where(item, index) or run.place, said))
    if not found or "" in found:
        listed = ", ".join(given["valid_hash_algos"])
        raise Cannot(f"no value of `{item.field}` is a hash that has a field: {listed}", item.span)
    links = tuple(name for name in item.modifiers if name in ("all", "neq"))
    items = tuple(_made(step, item, None if name == "keyword" else name, links, pairs) for name, pairs in found.items())
    return items[0] if len(items) == 1 else (And if links else Or)(items, span=item.span)


def _hash(text: str) -> tuple[str, str]:
    """Return the kind of a hash, by the word before it or else by its length, and the hash itself."""
    parts = text.split("|") if "|" in text else text.split("=")
    if len(parts) == 2:
        return parts[0].lstrip("*").upper(), parts[1].strip("*?")
    value = parts[0].strip("*?")
    return HASH_LENGTHS.get(len(value), ""), value


def _where(item: Item, index: int) -> Span | None:
    return item.value_spans[index] if item.value_spans else item.span


def _made(step: Step, item: Item, field: str | None, links: tuple[str, ...], pairs: list[tuple[Value, int]]) -> Item:
    chain = links if len(pairs) > 1 else tuple(name for name in links if name != "all")
    spans = [where for _, index in pairs if (where := _where(item, index)) is not None]
    made = replace(
        item,
        field=field,
        modifiers=chain,
        values=tuple(value for value, _ in pairs),
        listed=len(pairs) > 1,
        value_spans=tuple(spans) if len(spans) == len(pairs) else (),
    )
    return replace(made, applied=made.applied | {step.id}) if isinstance(made, Tracked) else made


def extract_fields(step: Step, run: Run) -> None:
    """Give each named group of a pattern a field of its own."""

    def item(given: Item) -> Expr:
        texts = _texts(given)
        if texts is None or not is_for_item(step, given, run):
            return given
        run.named.add(field_name(given.field) or "")
        return _groups(step, run, given, texts)

    run.rule = changed(run.rule, Change(item=item))


def _groups(step: Step, run: Run, item: Item, texts: list[str]) -> Expr:
    given = step.options
    alternatives: list[Expr] = []
    chain = tuple(name for name in item.modifiers if name not in ("all", "neq"))
    for index, text in enumerate(texts):
        found = compiled(given["regex"]).match(text)
        pairs = {name: value for name, value in found.groupdict().items() if value} if found else {}
        head = f"{given['field_prefix']}." if given["field_prefix"] else ""
        if pairs:
            made = tuple(_made(step, item, head + name, (), [(_value(value), index)]) for name, value in pairs.items())
            alternatives.append(made[0] if len(made) == 1 else And(made, span=item.span))
        elif given["preserve_unmatched"]:
            spans = item.value_spans[index : index + 1]
            kept = replace(item, modifiers=chain, values=item.values[index : index + 1], listed=False)
            alternatives.append(replace(kept, value_spans=spans))
        else:
            said = f"`{item.values[index]}` is left out: the pattern of the step does not fit it"
            run.report(problem("RE919", _where(item, index) or run.place, said))
    if not alternatives:
        return item
    whole: Expr = alternatives[0]
    if len(alternatives) > 1:
        whole = (And if "all" in item.modifiers else Or)(tuple(alternatives), span=item.span)
    return Not(whole, span=item.span) if "neq" in item.modifiers else whole


def _value(text: str) -> Value:
    """Return what a group's text is: null, a number without zeros in front, or a text."""
    if text.lower() in ("null", "none"):
        return None
    if text == "0" or (not text.startswith("0") and text.isascii() and text.isdigit()):
        return int(text)
    whole, _, part = text.partition(".")
    is_decimal = whole.isdigit() and part.isdigit() and text.isascii() and not text.startswith("0")
    return Decimal(text) if is_decimal else text
