"""The steps that change the values of items."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import Any

from ruleengine.ir import And, Expr, Item, Or, ParamRef, Pattern, Value, Wild
from ruleengine.modifiers import MATCHERS
from ruleengine.regex import parse
from ruleengine.regex_parse import NotPortable
from ruleengine.sigma.pipelines.bodies import Change, Tracked, changed
from ruleengine.sigma.pipelines.model import Step
from ruleengine.sigma.pipelines.patterns import NotAPattern, replaced
from ruleengine.sigma.pipelines.run import Cannot, Run, is_for_item
from ruleengine.sigma.pipelines.views import TEXTUAL, from_shown, is_ambiguous, is_number, shown, text_of, written
from ruleengine.span import Span
from ruleengine.spell import VALUE_LIMIT
from ruleengine.strings import Placeholder, joined, pattern, with_placeholders
from ruleengine.values import text as number_text

NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?\Z")
LINKS = ("all", "neq")
"""The modifiers that say how values are linked, not what one is."""

Made = tuple[tuple[str, ...], Value]
"""A value that a step made, and the modifiers that say what it is."""

Way = Callable[[Step, Run, Item, int], list[Made] | None]
"""What a step makes of one value; None: it stays as it is."""


def change_values(step: Step, run: Run) -> None:
    """Change the values of the items that the step is for."""
    way = WAYS[step.kind]

    def item(given: Item) -> Expr:
        if not is_for_item(step, given, run):
            return given
        made = [way(step, run, given, index) for index in range(len(given.values))]
        return given if all(each is None for each in made) else _regrouped(step, given, made)

    run.rule = changed(run.rule, Change(item=item))


def _regrouped(step: Step, item: Item, made: list[list[Made] | None]) -> Expr:
    """Return an item with its new values; those of another kind become an item of their own beside it."""
    links = tuple(name for name in item.modifiers if name in LINKS)
    chain = tuple(name for name in item.modifiers if name not in LINKS)
    groups: dict[tuple[str, ...], list[tuple[Value, Span | None]]] = {}
    for index, each in enumerate(made):
        span = item.value_spans[index] if item.value_spans else item.span
        for kind, value in each if each is not None else [(_kept(item, chain, index), _rewritten(item, index))]:
            group = groups.setdefault(kind, [])
            if not any(type(value) is type(known) and value == known for known, _ in group):
                group.append((value, span))
    if not groups:
        raise Cannot(f"no value of `{item.field or 'keywords'}` is left", item.span)
    items = tuple(_group(step, item, (*kind, *links), group) for kind, group in groups.items())
    if len(items) == 1:
        return items[0]
    return (And if links else Or)(items, span=item.span)


def _kept(item: Item, chain: tuple[str, ...], index: int) -> tuple[str, ...]:
    """Return the modifiers of a value that stays, which go along with those of texts that do not."""
    return _chain(item, text) if (text := text_of(item, item.values[index])) is not None else chain


def _rewritten(item: Item, index: int) -> Value:
    text = text_of(item, item.values[index])
    return _written(text)[1] if text is not None else item.values[index]


def _group(step: Step, item: Item, chain: tuple[str, ...], group: list[tuple[Value, Span | None]]) -> Item:
    values = tuple(value for value, _ in group)
    spans = tuple(span for _, span in group if span is not None)
    if len(values) < 2 and "all" in chain:
        chain = tuple(name for name in chain if name != "all")
    made = replace(
        item,
        modifiers=chain,
        values=values,
        listed=len(values) > 1,
        value_spans=spans if len(spans) == len(values) else (),
    )
    return replace(made, applied=made.applied | {step.id}) if isinstance(made, Tracked) else made


def _chain(item: Item, text: Pattern) -> tuple[str, ...]:
    """Return the modifiers of a text whose wildcards stand in it."""
    expand = any(isinstance(part, Placeholder) for part in text)
    return tuple(
        name for name in item.modifiers if name not in MATCHERS and name not in LINKS and (expand or name != "expand")
    )


def _written(text: Pattern) -> tuple[bool, str]:
    expand = any(isinstance(part, Placeholder) for part in text)
    return expand, written(text, expand=expand)


def _text(item: Item, text: Pattern) -> Made:
    return _chain(item, text), _written(text)[1]


def _own_text(step: Step, item: Item, index: int) -> Pattern | None:
    """Return the text of a value; Cannot for a parameter, whose value is not known yet."""
    value = item.values[index]
    if isinstance(value, ParamRef) and TEXTUAL.issuperset(item.modifiers):
        where = item.value_spans[index] if item.value_spans else item.span
        raise Cannot(f"`{step.kind}` needs the value itself, and `{value}` is a parameter", where)
    return text_of(item, value)


# --- one way for each kind of step -----------------------------------------------------------------------------------


def _replace_string(step: Step, _run: Run, item: Item, index: int) -> list[Made] | None:
    value, given = item.values[index], step.options
    text = _own_text(step, item, index)
    if is_number(item, value) and isinstance(value, int | Decimal):
        text = pattern(number_text(value))
    if text is None:
        return None
    try:
        made = _in_parts(given, text) if given["skip_special"] else _in_whole(given, text, item)
    except NotAPattern as error:
        raise Cannot(f"`{given['replacement']}` cannot be put in: {error.reason}", step.span) from None
    return None if made == text else [_text(item, made)]


def _in_parts(given: Any, text: Pattern) -> Pattern:
    parts: list[str | Wild] = []
    for part in text:
        if isinstance(part, Wild | Placeholder):
            parts.append(part)
            continue
        new = replaced(given["regex"], given["replacement"], part)
        parts.extend(pattern(new) if given["interpret_special"] else (new,))
    return joined(parts)


def _in_whole(given: Any, text: Pattern, item: Item) -> Pattern:
    before = shown(text)
    after = replaced(given["regex"], given["replacement"], before)
    if after == before:
        return text
    if is_ambiguous(text):
        hint = "set `skip_special: true`, or a condition that leaves this item out"
        raise Cannot(f"after a replacement in `{before}`, `\\*` would mean two things", item.span, hint)
    return from_shown(after, text, escapes=re.search(r"\\[*?]", given["replacement"]) is not None)


def _map_string(step: Step, _run: Run, item: Item, index: int) -> list[Made] | None:
    text = _own_text(step, item, index)
    found = step.options["mapping"].get(shown(text)) if text is not None else None
    if found is None:
        return None
    return [_text(item, pattern(new)) for new in ((found,) if isinstance(found, str) else found)]


def _case(step: Step, _run: Run, item: Item, index: int) -> list[Made] | None:
    text = _own_text(step, item, index)
    if text is None:
        return None
    change = {"lower": str.lower, "upper": str.upper, "snake_case": _snake}[step.options["method"]]
    made = tuple(part if isinstance(part, Wild | Placeholder) else change(part) for part in text)
    return None if made == text else [_text(item, made)]


def _snake(text: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", text).lower()


def _set_value(step: Step, _run: Run, item: Item, index: int) -> list[Made] | None:
    value, forced = step.options["value"], step.options["force_type"]
    if forced == "num" and isinstance(value, str):
        value = _number(value, item, index)
    if isinstance(value, str | int | Decimal) and not isinstance(value, bool) and forced == "str":
        value = number_text(value)
    return [((), value)]


def _convert_type(step: Step, _run: Run, item: Item, index: int) -> list[Made] | None:
    value = item.values[index]
    if step.options["target_type"] == "str":
        if not is_number(item, value) or not isinstance(value, int | Decimal):
            return None
        return [(tuple(name for name in item.modifiers if name not in LINKS), number_text(value))]
    text = _own_text(step, item, index)
    return None if text is None else [((), _number(shown(text), item, index))]


def _number(text: str, item: Item, index: int) -> int | Decimal:
    if not NUMBER.match(text):
        where = item.value_spans[index] if item.value_spans else item.span
        raise Cannot(f"`{text}` is not a number, and the pipeline makes it one", where)
    return int(text) if text.lstrip("+-").isdigit() else Decimal(text)


def _regex(step: Step, _run: Run, item: Item, index: int) -> list[Made] | None:
    """Return a pattern that holds for the same texts; pySigma's is not held to the ends of the field, ours is."""
    text = _own_text(step, item, index)
    if not text:
        return None
    if item.field is None:
        text = joined((Wild.MANY, *text, Wild.MANY))
    method = step.options["method"]
    head, tail = text[0] is Wild.MANY, len(text) > 1 and text[-1] is Wild.MANY
    middle = text[head : len(text) - tail]
    source = ("" if head else "^") + "".join(_regex_part(part, method) for part in middle) + ("" if tail else "$")
    source = source if middle or not head else ".*"
    flags = ("i",) if method == "ignore_case_flag" else ()
    try:
        parse(source, "".join(flags) + "s")
    except NotPortable as error:
        raise Cannot(f"no pattern can be made of `{shown(text)}`: {error.message}", item.span) from None
    return [(("re", *flags, "s"), source)]


def _regex_part(part: str | Wild, method: str) -> str:
    if isinstance(part, Wild):
        return ".*" if part is Wild.MANY else "."
    if isinstance(part, Placeholder):
        raise Cannot(f"the placeholder `%{part}%` has no values yet, so no pattern can be made of it")
    return "".join(_regex_character(each, method) for each in part)


def _regex_character(character: str, method: str) -> str:
    small, large = character.lower(), character.upper()
    if method == "ignore_case_brackets" and small != large and len(small) == len(large) == 1:
        return f"[{small}{large}]"
    return "\\" + character if character in r".^$*+?{}[]()|\/" and character != "/" else character


def _wildcards(step: Step, _run: Run, item: Item, index: int) -> list[Made] | None:
    return _filled(step, item, index, lambda _: ["*"])


def _variables(step: Step, run: Run, item: Item, index: int) -> list[Made] | None:
    def values(name: str) -> list[str]:
        if name not in run.variables:
            hint = f"add it to `vars` of the pipeline: `{name}: [...]`"
            raise Cannot(f"the pipeline has no values for the placeholder `%{name}%`", item.span, hint)
        return list(run.variables[name])

    return _filled(step, item, index, values)


def _filled(step: Step, item: Item, index: int, values: Callable[[str], list[str]]) -> list[Made] | None:
    """Put values into the placeholders of a text that the step is for; its modifiers stay."""
    value, include, exclude = item.values[index], step.options["include"], step.options["exclude"]
    if "expand" not in item.modifiers or not isinstance(value, str):
        return None
    parts = with_placeholders(value)
    handled = [
        isinstance(part, Placeholder)
        and (include is None or str(part) in include)
        and (exclude is None or str(part) not in exclude)
        for part in parts
    ]
    if not any(handled):
        return None
    choices: list[list[Pattern]] = [
        [pattern(each) for each in values(str(part))] if is_handled else [(part,)]
        for part, is_handled in zip(parts, handled, strict=True)
    ]
    combined = list(_combined(choices, item))
    left = any(isinstance(part, Placeholder) and not done for part, done in zip(parts, handled, strict=True))
    chain = tuple(name for name in item.modifiers if name not in LINKS and (left or name != "expand"))
    return [(chain, written(text, expand=left)) for text in combined]


def _combined(choices: list[list[Pattern]], item: Item) -> Iterator[Pattern]:
    total = 1
    for choice in choices:
        total *= len(choice)
    if total > VALUE_LIMIT:
        raise Cannot(f"the placeholders make {total:,} values of one; {VALUE_LIMIT:,} is the limit", item.span)
    for combination in product(*choices):
        yield joined([part for parts in combination for part in parts])


WAYS: dict[str, Way] = {
    "replace_string": _replace_string,
    "map_string": _map_string,
    "case": _case,
    "set_value": _set_value,
    "convert_type": _convert_type,
    "regex": _regex,
    "wildcard_placeholders": _wildcards,
    "value_placeholders": _variables,
}
