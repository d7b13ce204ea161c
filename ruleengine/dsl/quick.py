"""Reads the plain forms of statements without the grammar: they are most of a file, and most of the time it takes.

Whatever is not wholly of such a form, or could be wrong, is left to the grammar. Both ways give the same rule with the
same places; a test compares them.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ruleengine.dsl import text
from ruleengine.dsl.cut import Statement
from ruleengine.dsl.parts import LISTS, Parts, as_selection
from ruleengine.ir import And, Expr, Item, Or, Selection, Value
from ruleengine.sigma.yaml import plain
from ruleengine.span import Source, Span

RAW = r"'(?:''|[^'\n])*'"
NAME = r"[A-Za-z_@][\w@-]*(?:\.[\w@-]+)*"
BARE = r"""[A-Za-z0-9/](?:[!$&(-+\--Z\\^-z|~]*[A-Za-z0-9/_)])?"""
"""Metadata without quotes that nobody could have meant otherwise."""

HEAD = re.compile(rf"rule(?: (?P<name>{NAME}))?(?: (?P<title>{RAW}))?")
ONE = re.compile(
    rf"(?P<key>id|status|description|license|author|date|modified|level) (?:(?P<bare>{BARE})|(?P<raw>{RAW})"
    r'|(?P<block>"""\n(?:[^\\"]|"(?!""))*"""))'
)
ROW = re.compile(
    rf"(?P<key>tags|references|falsepositives|fields|scope) (?P<rest>(?:{BARE}|{RAW})(?:, (?:{BARE}|{RAW}))*)"
)
ROWS = re.compile(rf"(?P<key>tags|references|falsepositives|fields|scope)(?P<rest>(?:\n +(?:{BARE}|{RAW}))+)")
DATUM = re.compile(rf"(?P<raw>{RAW})|(?P<bare>{BARE})")

ELEMENT = rf"(?:{RAW}|glob\({RAW}\)|-?[0-9]+(?![\w.%]))"
LIST = rf"\[\s*{ELEMENT}(?:\s*,\s*{ELEMENT})*\s*,?\s*\]"
LEAF = re.compile(
    rf"(?P<field>{NAME}) (?:"
    rf"(?P<sign>[=!]=) (?P<value>{ELEMENT})"
    rf"|(?P<not>not )?(?P<word>contains|startswith|endswith) (?:(?P<any>any|all) (?P<several>{LIST})|(?P<one>{RAW}))"
    rf"|(?P<notin>not )?in (?P<within>{LIST})"
    r")"
)
VALUE = re.compile(rf"(?P<raw>{RAW})|glob\((?P<glob>{RAW})\)|(?P<number>-?[0-9]+)")
JOINT = re.compile(r"\s+(?P<word>and|or) ")
LET = re.compile(rf"let (?P<name>{NAME}) = ")


def taken(statement: Statement, parts: Parts) -> bool:
    """Take in what a statement says if it is of a plain form, and say whether it was."""
    written = statement.span.text.rstrip()
    match statement.word:
        case "let":
            return _let(written, statement, parts)
        case "rule":
            return _head(written, statement, parts)
        case word if word not in parts.places:
            return _meta(written, statement, parts)
    return False


def _head(written: str, statement: Statement, parts: Parts) -> bool:
    found = HEAD.fullmatch(written)
    if found is None or "head" in parts.places:
        return False
    parts.places["head"] = statement.word_span
    parts.kind, parts.name = "rule", found["name"]
    parts.title = text.raw(found["title"]) if found["title"] else ""
    return True


def _meta(written: str, statement: Statement, parts: Parts) -> bool:
    value: Any
    if found := ONE.fullmatch(written):
        if found["bare"]:
            value = plain(found["bare"])
        else:
            value = text.raw(found["raw"]) if found["raw"] else text.block(found["block"])
    elif found := ROW.fullmatch(written) or ROWS.fullmatch(written):
        data = DATUM.finditer(found["rest"])
        value = [text.raw(each["raw"]) if each["raw"] else plain(each["bare"]) for each in data]
    else:
        return False
    assert isinstance(value, list) == (found["key"] in LISTS)
    parts.places[found["key"]] = statement.word_span
    parts.meta[found["key"]] = value
    return True


# --- conditions of leaves alone ------------------------------------------------------------------------------------


class Base(NamedTuple):
    """Where a statement begins."""

    source: Source
    start: int

    def span(self, start: int, end: int) -> Span:
        return Span(self.source, self.start + start, self.start + end)


def _let(written: str, statement: Statement, parts: Parts) -> bool:
    head = LET.match(written)
    if head is None or any(known.name == head["name"] for known in parts.lets):
        return False
    base = Base(statement.span.source, statement.span.start)
    expr = _condition(written, head.end(), base)
    if expr is None:
        return False
    parts.lets.append(Selection(head["name"], as_selection(expr), span=base.span(*head.span("name"))))
    return True


def _condition(written: str, at: int, base: Base) -> Expr | None:
    """Return leaves that are joined by one word; None when it is anything else."""
    items: list[Item] = []
    word = ""
    start = at
    while True:
        found = LEAF.match(written, at)
        item = _item(found, base) if found else None
        if found is None or item is None:
            return None
        items.append(item)
        at = found.end()
        if at == len(written):
            break
        joint = JOINT.match(written, at)
        if joint is None or (word and joint["word"] != word):
            return None
        word, at = joint["word"], joint.end()
    if not word:
        return items[0]
    joined = And if word == "and" else Or
    return joined(tuple(items), span=base.span(start, at))


def _item(found: re.Match[str], base: Base) -> Item | None:
    name = found["field"]
    if name in text.RESERVED and name != "anywhere":
        return None
    if name == "anywhere" and found["word"] is None:
        return None
    word = found["word"]
    given = next(group for group in ("value", "one", "several", "within") if found[group] is not None)
    values, spans = _values(found, given, base)
    modifiers = (
        *((word,) if word and name != "anywhere" else ()),
        *(("all",) if found["any"] == "all" else ()),
        *(("neq",) if found["not"] or found["notin"] or found["sign"] == "!=" else ()),
    )
    field = None if name == "anywhere" else name
    listed = given in ("several", "within")
    return Item(field, modifiers, values, listed, span=base.span(*found.span()), value_spans=spans)


def _values(found: re.Match[str], given: str, base: Base) -> tuple[tuple[Value, ...], tuple[Span, ...]]:
    values: list[Value] = []
    spans: list[Span] = []
    for each in VALUE.finditer(found.string, *found.span(given)):
        kind = str(each.lastgroup)
        written = each[kind]
        if kind == "number":
            values.append(int(written))
        else:
            values.append(text.as_sigma(text.raw(written)) if kind == "raw" else text.raw(written))
        spans.append(base.span(*each.span(kind)))
    return tuple(values), tuple(spans)
