"""Carries the comments of a rule over into its translation: each stays with the part of the rule it was written for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ruleengine.dsl import cut
from ruleengine.dsl.format import formatted, placed_comments
from ruleengine.ir import Expr, Filter, Item, Rule, Single
from ruleengine.sigma import comments as yaml_comments
from ruleengine.sigma.comments import Comment
from ruleengine.sigma.yaml import Mapping
from ruleengine.sigma.yaml import Sequence as Entries
from ruleengine.span import Source
from ruleengine.walk import walk

Path = tuple[str | int, ...]
"""What a part of a rule is: ("selection", "image", 0, 2) is the third value of the first leaf of `image`."""


class Part(NamedTuple):
    """A part of a rule and where it stands."""

    path: Path
    start: int
    end: int


class Note(NamedTuple):
    """A comment and the part it is about: it stands before it, at the end of its line, or after it."""

    text: str
    path: Path
    where: str


# --- where the parts of a rule stand -------------------------------------------------------------------------------


def parts(rule: Rule, statements: Sequence[cut.Statement]) -> list[Part]:
    """Return the parts of a rule in the order of its text; `statements` are its own when it is of the language."""
    found = list(_of_document(rule.document) if isinstance(rule.document, Mapping) else _of_statements(statements))
    body = rule.body.body if isinstance(rule.body, Filter) else rule.body
    if isinstance(body, Single):
        found += _of_body(body)
    return sorted(found, key=lambda part: (part.start, len(part.path)))


BODY = ("detection", "filter", "correlation")


def _of_document(root: Mapping) -> Iterator[Part]:
    for key in root:
        edges = root.edges[key]
        path: Path = ("rule",) if key == "title" else ("logs",) if key == "logsource" else ("meta", key)
        value = root[key]
        if key in BODY and isinstance(value, Mapping):
            yield from (
                Part(("body", inner), value.edges[inner].key_start, value.edges[inner].end)
                for inner in value
                if key == "correlation" or inner == "rules"
            )
            if key == "correlation":
                yield Part(("body",), edges.key_start, edges.key_end)
            continue
        yield Part(path, edges.key_start, edges.end)
        if isinstance(value, Entries):
            yield from (Part((*path, index), *place) for index, place in enumerate(value.edges))


RULES = ("rule", "filter")
KEYS = {"rules": "rules", "within": "timespan", "having": "condition"}


def _of_statements(below: Sequence[cut.Statement]) -> Iterator[Part]:
    for statement in below:
        start, end = statement.span.start, statement.span.start + len(statement.span.text.rstrip())
        if statement.word in RULES:
            yield Part(("rule",), start, end)
        elif statement.word == "logs":
            yield Part(("logs",), start, end)
        elif statement.word in KEYS:
            yield Part(("body", KEYS[statement.word]), start, end)
        elif statement.word not in ("let", "match"):
            yield Part(("meta", statement.word), start, end)


def _of_body(body: Single) -> Iterator[Part]:
    for selection in body.selections:
        path: Path = ("selection", selection.name)
        if selection.span:
            yield Part(path, selection.span.start, selection.span.end)
        for index, item in enumerate(_items(selection.item)):
            if item.span:
                yield Part((*path, index), item.span.start, item.span.end)
            yield from (
                Part((*path, index, number), span.start, span.end) for number, span in enumerate(item.value_spans)
            )
    for index, condition in enumerate(body.conditions):
        if condition.span:
            yield Part(("condition", index), condition.span.start, condition.span.end)


def _items(expr: Expr) -> Iterator[Item]:
    return (node for node in walk(expr) if isinstance(node, Item))


# --- the comments of a rule ----------------------------------------------------------------------------------------


def notes(rule: Rule) -> list[Note]:
    """Return the comments of a rule, each with the part that it is about."""
    if rule.source is None:
        return []
    text = rule.source.text
    found, statements = _own(rule, rule.source)
    places = parts(rule, statements)
    return [_note(comment, text, places) for comment in found]


def _own(rule: Rule, source: Source) -> tuple[list[Comment], list[cut.Statement]]:
    """Return the comments of a rule, those above it included, and its statements when it is of the language."""
    assert rule.span is not None
    if isinstance(rule.document, Mapping):
        first = not re.search(r"^[^\s#%-]", source.text[: rule.span.start], re.M)
        start = 0 if first else rule.span.start
        return [one for one in yaml_comments.comments(source.text) if start <= one.start < rule.span.end], []
    statements = list(cut.statements(source))
    heads = [index for index, one in enumerate(statements) if one.word in RULES]
    for index, after in zip(heads, [*heads[1:], None], strict=True):
        if statements[index].span.start == rule.span.start:
            start = _beginning(statements[index])
            end = len(source.text) if after is None else _beginning(statements[after])
            found = [one for one in placed_comments(source) if start <= one.start < end]
            return found, statements[index:after]
    return [], []


def _beginning(head: cut.Statement) -> int:
    """Return where a rule begins: at the comments above its first line."""
    return head.comments[0].start if head.comments else head.span.start


def _note(comment: Comment, text: str, places: Sequence[Part]) -> Note:
    earlier = [part for part in places if part.start < comment.start]
    later = next((part for part in places if part.start > comment.start), None)
    if not earlier or (later is None and not earlier):
        return Note(comment.text, ("rule",), "before")
    last = earlier[-1]
    if not comment.alone:
        line = text.rfind("\n", 0, comment.start) + 1
        same = [part for part in earlier if line <= part.start or line <= part.end <= comment.start]
        path = same[-1].path if same else last.path
        head = path[0] == "selection" and len(path) < 4  # the values stand on lines of their own
        return Note(comment.text, path, "before" if head else "line")
    inside = len(last.path) > 1 and _column(text, comment.start) > (_column(text, later.start) if later else 0)
    if later is None or (inside and _column(text, later.start) < _column(text, last.start)):
        return Note(comment.text, last.path, "after")
    return Note(comment.text, later.path, "before")


def _column(text: str, at: int) -> int:
    line = text.rfind("\n", 0, at) + 1
    return len(text[line:]) - len(text[line:].lstrip(" "))


# --- into the translation ------------------------------------------------------------------------------------------


def with_notes(rule: Rule, given: Sequence[Note]) -> str:
    """Return the text of a rule, which holds this rule alone, with comments put where they belong."""
    assert rule.source is not None
    text = rule.source.text
    _, statements = _own(rule, rule.source)
    known = {part.path: part for part in parts(rule, statements)}
    of_language = not isinstance(rule.document, Mapping)
    edits: list[tuple[int, str]] = []
    for note in given:
        part, where = _found(note, known)
        edits.append((_in_statement if of_language else _in_yaml)(text, note.text, part, where))
    edits.reverse()  # of several comments in one place the last is put there first
    for at, put in sorted(edits, key=lambda edit: edit[0], reverse=True):
        text = text[:at] + put + text[at:]
    return formatted(Source("", text)) if of_language else text


def _found(note: Note, known: dict[Path, Part]) -> tuple[Part, str]:
    """Return where a comment goes: to its own part, else before the nearest part around it."""
    path = note.path
    while path:
        if path in known:
            return known[path], note.where if path == note.path else "before"
        path = path[:-1]
    return known.get(("rule",), min(known.values(), key=lambda part: part.start)), "before"


def _in_yaml(text: str, comment: str, part: Part, where: str) -> tuple[int, str]:
    start = text.rfind("\n", 0, part.start) + 1
    indent = re.match(r" *", text[start:])
    blanks = indent[0] if indent else ""
    end = text.find("\n", part.start)
    if (
        where == "line"
        and not re.search(r"[|>][-+0-9]*\Z", text[part.start : end])
        and text.count("'", start, end) % 2 == 0
    ):
        return end, f"  {comment}"
    if where == "after":
        return text.find("\n", max(part.start, part.end - 1)) + 1, f"{blanks}{comment}\n"
    return start, f"{blanks}{comment}\n"


DEEP = " " * 12
"""Deeper than any statement, so that a comment inside one does not end it; the formatter puts it right."""


def _in_statement(text: str, comment: str, part: Part, where: str) -> tuple[int, str]:
    kind = part.path[0]
    if kind not in ("selection", "condition") or len(part.path) == 2:
        start = text.rfind("\n", 0, part.start) + 1
        indent = "  " if text.startswith(" ", start) else ""
        if where == "before" or "\n" in text[part.start : part.end]:
            return start, f"{indent}{comment}\n"
        end = text.find("\n", part.end)
        return (end, f"  {comment}") if where == "line" else (end + 1, f"  {comment}\n")
    if where == "before":
        line = text.rfind("\n", 0, part.start) + 1
        lead = text[line : part.start]
        if len(part.path) == 3 and re.match(r"  let \S+ = [(\s]*\Z", lead):
            return line, f"  {comment}\n"
        if operator := re.search(r"\b(?:and|or) [(\s]*\Z", lead):
            return line + operator.start(), f"\n{DEEP}{comment}\n{DEEP}"
        functions = re.search(r"(?:\w+\()*\Z", lead)
        return line + (functions.start() if functions else len(lead)), f"\n{DEEP}{comment}\n{DEEP}"
    closing = re.compile(r"\)*(?:\s*,)?").match(text, part.end)
    end = closing.end() if closing else part.end
    new_line = "" if where == "line" else f"\n{DEEP}"
    return end, f"{new_line}  {comment}\n{DEEP}"
