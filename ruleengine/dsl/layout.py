"""How the tokens of one statement are laid out in lines: one line if it fits, else one part, then one value, a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

INDENT = "  "
WIDTH = 100
LISTS = frozenset({"tags", "references", "falsepositives", "fields", "scope"})
WORDS = frozenset({"and", "or", "not", "then", "sequence", "any", "all", "match", "having", "by", "in", "where"})
"""After these a round bracket groups; after any other word it opens what the word is applied to."""


class Token(NamedTuple):
    """A piece of a statement: its kind, its text, and whether blanks or a line end stand before it."""

    kind: str
    text: str
    spaced: bool = False
    new_line: bool = False


def inline(tokens: Sequence[Token]) -> str:
    """Return tokens in one line, where a list needs no comma at its end."""
    out: list[str] = []
    before: Token | None = None
    for token, after in zip_longest(tokens, tokens[1:]):
        if token.kind == "comma" and after is not None and after.kind == "close":
            continue
        if before is not None and _apart(before, token):
            out.append(" ")
        out.append(token.text)
        before = token
    return "".join(out)


def _apart(before: Token, token: Token) -> bool:
    """Say whether a blank stands between two tokens."""
    if token.kind in ("close", "comma") or before.kind == "open":
        return False
    if before.kind in ("comma", "sign") or token.kind == "sign":
        return True
    if token.text == "(" and before.kind in ("word", "name"):
        return before.text in WORDS or before.text[0].isdigit()
    return token.spaced or before.kind == "close" or token.kind == "open"


# --- conditions ----------------------------------------------------------------------------------------------------


def condition(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the lines of a statement that is made of conditions; comments at its end stand below it."""
    last = len(tokens)
    while last > 1 and tokens[last - 1].kind == "comment" and tokens[last - 1].new_line:
        last -= 1
    if last < len(tokens):
        yield from condition(tokens[:last])
        yield from (INDENT + token.text for token in tokens[last:])
        return
    if not any(token.kind == "comment" or "\n" in token.text for token in tokens):
        line = INDENT + inline(tokens)
        if len(line) <= WIDTH:
            yield line
            return
    for index, part in enumerate(_parts(tokens)):
        yield from _part(part, INDENT * (1 if index == 0 else 2))


def _parts(tokens: Sequence[Token]) -> list[list[Token]]:
    """Cut a statement before each of its outermost operators: `then`, else `or`, else `and`."""
    depth = 0
    places: dict[str, list[int]] = {"then": [], "or": [], "and": []}
    for index, token in enumerate(tokens):
        depth += (token.kind == "open") - (token.kind == "close")
        if not depth and token.kind == "word" and token.text in places:
            places[token.text].append(index)
    cuts = places["then"] or places["or"] or places["and"]
    parts: list[list[Token]] = []
    held: list[Token] = []
    for start, end in zip([0, *cuts], [*cuts, len(tokens)], strict=True):
        part = list(tokens[start:end])
        moved: list[Token] = []  # comments on lines of their own before the next operator belong to what follows
        while end < len(tokens) and part and part[-1].kind == "comment" and part[-1].new_line:
            moved.insert(0, part.pop())
        parts.append([*held, *part])
        held = moved
    return parts


def _part(tokens: Sequence[Token], lead: str) -> Iterator[str]:
    """Yield one part; comments stand where they stood, and a list that does not fit has one value a line."""
    rest = list(tokens)
    while rest and rest[0].kind == "comment":
        yield INDENT * 2 + rest.pop(0).text
    trailing = ""
    if rest and rest[-1].kind == "comment" and not rest[-1].new_line:
        trailing = "  " + rest.pop().text
    commented = any(token.kind == "comment" for token in rest)
    written = lead + inline(rest)
    opening = _list(rest)
    if not commented and (len(written) <= WIDTH or opening is None):
        yield written + trailing
    elif opening is None:
        yield from _broken(rest, lead, trailing)
    else:
        yield from _listed(rest, opening, lead, trailing)


def _list(tokens: Sequence[Token]) -> tuple[int, int] | None:
    """Return where the list of a single leaf opens and closes, if it has several values or comments."""
    if tokens and tokens[0].text in ("sequence", "then"):
        return None  # the brackets of a step hold what it must have
    start = next((index for index, token in enumerate(tokens) if token.text == "["), None)
    if start is None or any(token.text in ("and", "or") and token.kind == "word" for token in tokens[1:start]):
        return None
    depth = 0
    for index in range(start, len(tokens)):
        depth += (tokens[index].kind == "open") - (tokens[index].kind == "close")
        if depth == 0:
            inside = tokens[start + 1 : index]
            several = any(token.kind in ("comma", "comment") for token in inside)
            return (start, index) if several and _single(tokens, start, index) else None
    return None


def _single(tokens: Sequence[Token], start: int, end: int) -> bool:
    """Say whether nothing but a leaf stands around a list: brackets of functions, and no comment before it."""
    before, after = tokens[:start], tokens[end + 1 :]
    grouped = any(
        token.text == "(" and (index == 0 or before[index - 1].text in WORDS | {"="})
        for index, token in enumerate(before)
    )
    return not grouped and not any(token.kind == "comment" for token in (*before, *after))


def _listed(tokens: Sequence[Token], place: tuple[int, int], lead: str, trailing: str) -> Iterator[str]:
    """Yield a leaf whose list has one value a line."""
    start, end = place
    head = list(tokens[start + 1 : end])
    line = lead + inline(tokens[: start + 1])
    if head and head[0].kind == "comment" and not head[0].new_line:
        line += "  " + head.pop(0).text
    yield line
    yield from _values(head, INDENT * 3, ",")
    yield INDENT * 2 + inline(tokens[end:]) + trailing


def _values(tokens: Sequence[Token], indent: str, comma: str) -> Iterator[str]:
    """Yield values one a line, each with its comments."""
    value: list[Token] = []
    pending: list[str] = []
    depth = 0
    done = False  # a comma has ended the value; a comment on its line still belongs to it

    def flush() -> Iterator[str]:
        if value:
            yield indent + inline(value) + comma + ("  " + " ".join(pending) if pending else "")
        value.clear()
        pending.clear()

    for token in tokens:
        depth += (token.kind == "open") - (token.kind == "close")
        if token.kind == "comment":
            if token.new_line or not value:
                yield from flush()
                done = False
                yield indent + token.text
            else:
                pending.append(token.text)
        elif token.kind == "comma" and not depth:
            done = True
        else:
            if done or (comma == "" and value and not depth and token.spaced and token.kind != "close"):
                yield from flush()
                done = False
            value.append(token)
    yield from flush()


def _broken(tokens: Sequence[Token], lead: str, trailing: str) -> Iterator[str]:
    """Yield tokens with a line end after each comment."""
    row: list[Token] = []
    for token in tokens:
        if token.kind != "comment":
            row.append(token)
            continue
        if row and not token.new_line:
            yield lead + inline(row) + "  " + token.text
        else:
            if row:
                yield lead + inline(row)
            yield INDENT * 2 + token.text
        row, lead = [], INDENT * 2
    if row or trailing:
        yield lead + inline(row) + trailing


# --- metadata ------------------------------------------------------------------------------------------------------


def data(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the lines of a statement of metadata."""
    head, *rest = tokens
    commented = any(token.kind == "comment" for token in rest)
    listed = head.text in LISTS
    values = list(_values(rest, "", "")) if listed else [inline(rest)]
    line = INDENT + " ".join([head.text, ", ".join(values)]).rstrip()
    if not commented and len(line) <= WIDTH and (len(values) <= 1 or head.text == "tags" or not listed):
        yield line
    elif listed:
        early = rest.pop(0).text if rest and rest[0].kind == "comment" and not rest[0].new_line else ""
        yield INDENT + head.text + (f"  {early}" if early else "")
        yield from _values(rest, INDENT * 2, "")
    elif not commented:
        yield line
    else:
        yield from _broken(tokens, INDENT, "")


# --- tests ---------------------------------------------------------------------------------------------------------

CASES = frozenset({"match", "no_match", "todo_match"})


def test(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the lines of a `test`: its name, and each case on a line; an event that does not fit, one field a line."""
    depth = 0
    cases: list[list[Token]] = [[]]
    for token in tokens:
        depth += (token.kind == "open") - (token.kind == "close")
        if not depth and (token.text in CASES or (token.kind == "comment" and token.new_line)):
            cases.append([])
        cases[-1].append(token)
    for index, case in enumerate(cases):
        yield from _case(case, INDENT * (2 if index else 1))


def _case(tokens: Sequence[Token], lead: str) -> Iterator[str]:
    rest = list(tokens)
    trailing = ""
    if rest[-1].kind == "comment":
        comment = rest.pop().text
        if not rest:
            yield lead + comment
            return
        trailing = "  " + comment
    line = lead + inline(rest)
    start = next((index for index, token in enumerate(rest) if token.kind == "open"), None)
    end = next((index for index in range(len(rest) - 1, -1, -1) if rest[index].kind == "close"), 0)
    commented = any(token.kind == "comment" for token in rest)
    if start is None or (not commented and (len(line) <= WIDTH or end == start + 1)):
        yield line + trailing
        return
    if any(token.kind == "comment" for token in (*rest[:start], *rest[end:])):
        yield from _broken(rest, lead, trailing)
        return
    yield lead + inline(rest[: start + 1])
    yield from _values(rest[start + 1 : end], INDENT * 3, ",")
    yield INDENT * 2 + inline(rest[end:]) + trailing
