"""Regular expressions over one field, any of which will do, made one: what people would write by hand."""

from __future__ import annotations

from collections.abc import Iterable

from ruleengine_logscale.said import Matched
from ruleengine_logscale.written import flags_of, regex_filter

Key = tuple[str, str, bool]


def filters(matched: Iterable[Matched]) -> list[str]:
    """Return as few filters as say the same as all of these, in the order of their first parts.

    Those that ignore case and those that do not stay apart; `.` is only written where it is any character at all, so
    that its flag may be set for all.
    """
    given = list(matched)
    if len(given) == 1:
        return [_one(given[0].fold, given)]
    lettered = {(each.field, each.fold, each.multiline) for each in given if each.fold != "any"}
    groups: dict[Key, list[Matched]] = {}
    for each in given:
        groups.setdefault(_key(each, lettered), []).append(each)
    return [_one(fold, group) for (_, fold, _), group in groups.items()]


def _key(matched: Matched, lettered: set[Key]) -> Key:
    """Return which group an expression belongs to; one without letters belongs to any of its field."""
    if matched.fold != "any":
        return matched.field, matched.fold, matched.multiline
    for fold in ("i", ""):
        if (matched.field, fold, matched.multiline) in lettered:
            return matched.field, fold, matched.multiline
    return matched.field, "", matched.multiline


def _one(fold: str, group: list[Matched]) -> str:
    text = alternatives([(each.text, each.begins, each.ends) for each in group])
    flags = flags_of(dotall=any(each.dotall for each in group), ignore_case=fold == "i", multiline=group[0].multiline)
    return regex_filter(group[0].field, text, flags)


BEGIN, END = r"\A", r"\z"


def alternatives(texts: Iterable[tuple[str, bool, bool]]) -> str:
    """Return one regular expression for several: each is a text and whether it begins with `\\A` and ends with `\\z`.

    What is anchored alike stands in one group, so that a reader sees the anchors once.
    """
    groups: dict[tuple[bool, bool], dict[str, None]] = {}
    for text, begins, ends in texts:
        inner = text[len(BEGIN) * begins : len(text) - len(END) * ends]
        groups.setdefault((begins, ends), {}).setdefault(inner)
    made = []
    for (begins, ends), inners in groups.items():
        body = "|".join(inners)
        if (begins or ends) and len(inners) > 1:
            body = f"(?:{body})"
        made.append(BEGIN * begins + body + END * ends)
    return "|".join(made)
