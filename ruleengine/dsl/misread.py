"""Statements that can be read, but not as they were meant: a condition taken for metadata, a line indented too deep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lark import Token

from ruleengine.dsl import words
from ruleengine.dsl.mask import masked
from ruleengine.dsl.slips import FOREIGN, LATER, ODD, SYNTAX, Slip, shown

ONE = frozenset("id name status description license author date modified level taxonomy title".split())
"""Metadata that is one value."""

INDENTED = re.compile(rf"\n[ \t]+(?P<word>{'|'.join(words.STATEMENTS)})[ \t]+[^\s:=,]")
WITHOUT_ANY = re.compile(r"\b(?P<word>contains|startswith|endswith|like)\s+(?P<at>(?:\w+\(\s*)+)\[")
EMPTY = re.compile(r"(?:in|any|all)\s*(?P<at>\[\s*\])")
COMPARED = re.compile(r"==|!=|<|>|\b(?:contains|startswith|endswith|like|matches|in|exists|missing)\b")


MAX_DEPTH = 100
MAX_FIGURES = 200


def too_much(text: str) -> Slip | None:
    """Return what is nested deeper than anybody writes, or adds up more than anybody counts."""
    if len(text) < MAX_DEPTH:
        return None
    depth = 0
    mask = masked(text)
    for found in re.finditer(r"[(\[{]|[)\]}]|\bnot(?=\s*(?:not\b|\())", mask):
        depth += -1 if found[0] in ")]}" else 1
        if depth > MAX_DEPTH:
            return Slip(*found.span(), f"this nests more than {MAX_DEPTH} levels deep")
    if text.startswith(("having", "sequence")):
        signs = list(re.finditer(r"[-+*/]", mask))
        if len(signs) > MAX_FIGURES:
            return Slip(*signs[MAX_FIGURES].span(), f"more than {MAX_FIGURES} figures are added up")
    return None


def misread(start: str, text: str, tree: Any) -> Iterator[Slip]:
    """Yield what is surely wrong with a statement that the grammar took."""
    match start:
        case "meta":
            yield from deeper(text)
            yield from _meta(text, tree)
        case "logs":
            yield from deeper(text)
            yield from _logs(text, tree)
        case "rules":
            yield from deeper(text)
            for token in tree.children[:-1]:
                if str(token) in ("and", "or"):
                    yield _slip(token, f"the names of rules are parted by commas, not by `{token}`", "write `,`")
        case "let" | "match" if found := EMPTY.search(text):
            yield Slip(*found.span("at"), "the list of values is empty, so it can never match", "", "RE224")
        case "let" | "match" if "[" in text and (found := WITHOUT_ANY.search(masked(text))):
            sentence = f"a list after `{found['word']}` needs `any` or `all` before it"
            hint = "`any`: one value is enough; `all`: each must be there"
            yield Slip(*found.span("at"), sentence, hint)


def _slip(token: Token, message: str, hint: str = "", code: str = SYNTAX) -> Slip:
    return Slip(token.start_pos or 0, token.end_pos or 0, message, hint, code)


def deeper(text: str) -> Iterator[Slip]:
    """A statement that is indented so deep that it goes on with the one before it."""
    if "\n" in text and (found := INDENTED.search(masked(text))):
        sentence = f"this line is indented deeper than `{text.split(maxsplit=1)[0]}`, so it was read as part of it"
        yield Slip(*found.span("word"), sentence, "indent it less")


def _meta(text: str, tree: Any) -> Iterator[Slip]:
    key, *data = tree.children
    bare = list(tree.scan_values(lambda value: isinstance(value, Token) and value.type == "BARE"))
    first = bare[0] if bare and bare[0].start_pos == len(key) + _blanks(text, len(key)) else None
    if first is not None and first[0] in ":=" and not COMPARED.match(first):
        end = (first.start_pos or 0) + 1
        yield Slip(end - 1, end, f"no `{first[0]}` follows `{key}`", "leave it out", FOREIGN)
        return
    for token in bare:
        if token[0] in words.CHARACTERS or token[-1] in words.CHARACTERS:
            odd = 0 if token[0] in words.CHARACTERS else len(token) - 1
            at = (token.start_pos or 0) + odd
            told, instead = words.CHARACTERS[token[odd]]
            yield Slip(at, at + 1, told, f"write {instead}" if instead else "leave it out", ODD)
            return
    if str(key) in words.METADATA:
        yield from _one(text, key, data)
    elif len(data) != 1 and not key.startswith("x-"):
        yield _unknown(text, key)


def _blanks(text: str, at: int) -> int:
    return len(text[at:]) - len(text[at:].lstrip())


def _unknown(text: str, key: Token) -> Slip:
    hint = "a condition stands after `match` or `let name =`" if COMPARED.search(masked(text)) else ""
    return _slip(key, f"no statement begins with `{key}`", hint, "RE801")


def _one(text: str, key: Token, data: list[Any]) -> Iterator[Slip]:
    if not data:
        yield _slip(key, f"`{key}` needs a value")
    elif key in ONE and len(data) > 1:
        low, high = data[0].meta.start_pos, data[-1].meta.end_pos
        written = text[low:high]
        plain = re.fullmatch(r"[^'\"\n\[\]{}]+", written)
        hint = f"write `{key} '{written}'`" if plain and len(written) <= 60 else ""
        yield Slip(low, high, f"`{key}` is one text, and a text of several words needs quotes", hint)


def _logs(text: str, tree: Any) -> Iterator[Slip]:
    *sources, definition = tree.children
    if not sources and definition is None:
        yield Slip(0, len(text), "`logs` needs a log source", "for example `logs windows/process_creation`")
    plain = [source for source in sources if source.data == "pair_of"]
    if plain and plain[0].children[0] == "ruleengine":
        yield _slip(plain[0].children[0], f"`ruleengine` {words.NOT_YET}", "", LATER)
        return
    for source in plain:
        for token in source.children:
            if token is not None and (found := re.search(r"[=\\,;|()]", token)):
                yield _part(token, found)
                return
    if len(plain) > 1:
        one, other = (source.children[0] for source in plain[:2])
        hint = f"write `logs {one}/{other}`" if len(plain) == 2 and plain[0].children[1] is None else ""
        yield _slip(other, f"product and category are parted by `/`: {shown(f'`{other}`')} is one word too many", hint)


def _part(token: Token, found: re.Match[str]) -> Slip:
    key, sign, value = token.partition(found[0])
    instead = f"{key}:{value}" if sign == "=" else f"{key}/{value}"
    hint = f"write `{instead}`" if key and value and sign != "," else ""
    at = (token.start_pos or 0) + found.start()
    return Slip(at, at + 1, f"`{sign}` does not stand in a log source", hint)
