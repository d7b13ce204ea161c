"""What reads well in a rule of the language and says something else: wildcards that are none, tabs in paths."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ruleengine.checks.parts import items
from ruleengine.dsl.mask import masked
from ruleengine.ir import Item
from ruleengine.load import Loaded
from ruleengine.problem import Problem, problem
from ruleengine.span import Span

KNOWS_WILDCARDS = re.compile(r"\b(?:like|with|matches|cidr|list)\b|\bglob\(")
FIRST, LAST, FOLDER = r"(?<=\A['\"])\*+", r"\*+(?=['\"]\Z)", r"(?<=\\)\*(?=\\)"
STARS = {
    "": re.compile(f"{FIRST}|{LAST}|{FOLDER}"),
    "startswith": re.compile(f"{LAST}|{FOLDER}"),
    "endswith": re.compile(f"{FIRST}|{FOLDER}"),
    "contains": re.compile(rf"{FIRST}(?=.*\*['\"]\Z)|{FOLDER}"),
}
"""Where a star is likely to be meant as a wildcard, by the word before the text."""

TAB = re.compile(r"(?<=:)\\[ntr](?=\w)|\\[ntr](?=\w+(?:\\|\.(?:exe|dll|ps1|bat|cmd|sys|tmp)\"))")
"""An escape that is likely to be a piece of a path: after a drive, or before a folder or a program."""

NAMES = {"n": "the end of a line", "t": "a tab", "r": "a carriage return"}


def language(loaded: Loaded) -> Iterator[Problem]:
    """Yield the values of a rule of the language that are likely to have been meant otherwise."""
    if loaded.rule.source is None or not loaded.rule.source.in_language:
        return
    for item in items(loaded.rule):
        if item.span is not None and item.span.source is loaded.rule.source:
            yield from _leaf(item, item.span)


def _leaf(item: Item, where: Span) -> Iterator[Problem]:
    mask = masked(where.text)
    if re.search(r"[!=]=\s*null\b", mask):
        word = "exists" if "!=" in mask else "missing"
        sentence = f"`{'!=' if '!=' in mask else '=='} null` asks whether the field is there"
        yield problem("RE824", where, sentence, f"`{item.field} {word}` says so in words")
    for span in item.value_spans:
        written = span.text
        if "like" in mask and (found := re.search(r"(?<=\A['\"])%|%(?=['\"]\Z)", written)):
            if "*" not in written and "?" not in written:
                yield problem("RE823", _part(span, found), "`%` is only itself here", "wildcards are `*` and `?`")
        if not KNOWS_WILDCARDS.search(mask) and (found := _star(item, written)):
            yield problem("RE823", _part(span, found), "`*` is only itself here", "`like` is what knows wildcards")
        if written.startswith('"') and (found := TAB.search(written)):
            sentence = f"`{found[0]}` is {NAMES[found[0][1]]} in double quotes"
            yield problem("RE825", _part(span, found), sentence, "single quotes take backslashes as they are")


def _star(item: Item, written: str) -> re.Match[str] | None:
    if "*" not in written or written[:1] not in ("'", '"') or not written.strip("'\"*"):
        return None
    word = "contains" if item.field is None else next((name for name in item.modifiers if name in STARS), "")
    return STARS[word].search(written)


def _part(span: Span, found: re.Match[str]) -> Span:
    return Span(span.source, span.start + found.start(), span.start + found.end())
