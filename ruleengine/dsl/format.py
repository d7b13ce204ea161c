"""The formatter of rule files: one style, every comment kept, at most one blank line between statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ruleengine.dsl import cut, text
from ruleengine.dsl.cut import Statement
from ruleengine.dsl.layout import INDENT, Token, condition, data, inline, test
from ruleengine.sigma.comments import Comment
from ruleengine.span import Source

RULES = ("rule", "filter")


class Gap(NamedTuple):
    """What stands between two statements: a comment at the end of the first one's line, and lines of their own."""

    trailing: str
    lines: tuple[tuple[int, str], ...]
    """Indentation and comment; an empty comment is a blank line."""


def formatted(source: Source) -> str:
    """Return the text of a rule file in the one style; the text must have been read without problems."""
    statements = list(cut.statements(source))
    ends = [0, *(one.span.start + len(one.span.text.rstrip()) for one in statements)]
    starts = [*(one.span.start for one in statements), len(source.text)]
    gaps = [gap(source.text[end:start], first=not end) for end, start in zip(ends, starts, strict=True)]
    out: list[str] = []
    level = 0  # of the statement before; what stands before the first rule, as in a module, is not indented
    for index, statement in enumerate(statements):
        head = statement.word in RULES
        inside = any(one.word in RULES for one in statements[: index + 1])
        out += between(gaps[index], head=head, level=int(inside and not head), before=level, first=index == 0)
        rows = list(lines(statement))
        out += with_comment(rows if inside else [row.removeprefix(INDENT) for row in rows], gaps[index + 1].trailing)
        level = int(inside)
    out += between(gaps[-1], head=False, level=level, before=level, first=not statements)
    while out and not out[-1]:
        out.pop()
    return "".join(line + "\n" for line in out)


def placed_comments(source: Source) -> list[Comment]:
    """Return the comments of a rule file in their order."""
    out = []
    for found in cut.TOKENS.finditer(source.text):
        if found.lastgroup == "comment":
            line = source.text.rfind("\n", 0, found.start()) + 1
            alone = not source.text[line : found.start()].strip()
            out.append(Comment(found.start(), found[0].rstrip(), alone))
    return out


def gap(between_: str, *, first: bool) -> Gap:
    """Return what a stretch of text between two statements holds."""
    rows = between_.split("\n")
    trailing = "" if first else rows[0].strip()
    found = [(len(row) - len(row.lstrip()), row.strip()) for row in (rows if first else rows[1:])]
    if found and not found[-1][1]:  # what is left before the next statement is its indentation, not a line
        found.pop()
    return Gap(trailing, tuple(found))


def between(given: Gap, *, head: bool, level: int, before: int, first: bool) -> Iterator[str]:
    """Yield the comments and blank lines before a statement of some level: 1 inside a rule, else 0.

    A rule is parted from what stands before it by one blank line, above the comments at the margin that are its own.
    """
    parted = first or not head
    blank = False
    for indent, comment in given.lines:
        if not comment:
            blank = not first or blank
            continue
        inner = level or (before if indent else 0)
        if blank or not (inner or parted):
            yield ""
            parted = parted or not inner
        yield INDENT * inner + comment
        blank, first = False, False
    if blank or not parted:
        yield ""


def with_comment(given: list[str], comment: str) -> list[str]:
    """Return lines with a comment at the end of the last one."""
    return [*given[:-1], f"{given[-1]}  {comment}"] if comment else given


# --- statements ----------------------------------------------------------------------------------------------------

CONDITIONS = re.compile(
    r"""(?P<block>\"\"\"(?:\\.|[^\\])*?\"\"\")|(?P<raw>'(?:''|[^'])*')|(?P<text>"(?:\\.|[^"\\])*")|(?P<name>`(?:``|[^`\n])*`)"""
    rf"""|(?P<sign>[=!<>]=|[=<>]|(?<=\))[/*+-]|{cut.DIVIDED})|(?P<regex>{cut.REGEX})|(?P<comment>(?<!\S)\#[^\n]*)"""
    r"""|(?P<open>[\[({])|(?P<close>[\])}])"""
    r"""|(?P<comma>,)|(?P<word>[^\s,\[\](){}"'`=!<>]+|!)""",
    re.S | re.X,
)
DATA = re.compile(
    r"""(?P<block>\"\"\"(?:\\.|[^\\])*?\"\"\")|(?P<raw>'(?:''|[^'])*')|(?P<text>"(?:\\.|[^"\\])*")|(?P<name>`(?:``|[^`\n])*`)"""
    r"""|(?P<comment>(?<!\S)\#[^\n]*)|(?P<open>[\[{])|(?P<close>[\]}])|(?P<comma>,)|(?P<word>[^\s,\[\]{}"'`]+)""",
    re.S | re.X,
)


def lines(statement: Statement) -> Iterator[str]:
    """Yield the lines of one statement."""
    word = statement.word
    if word in RULES:
        yield inline(tokens(statement, CONDITIONS))
    elif word == "test":
        yield from test(tokens(statement, DATA))
    elif word == "logs":
        written = inline(tokens(statement, DATA))
        yield INDENT + re.sub(r"^(logs [^'\"]*?) ?/ ?", r"\1/", written)
    elif word in STATEMENTS:
        yield from condition(tokens(statement, CONDITIONS))
    else:
        yield from data(tokens(statement, DATA))


STATEMENTS = frozenset(
    "let match rules within tumbling session having sequence timeframe generate alert suppress every param use".split()
)


def tokens(statement: Statement, grammar: re.Pattern[str]) -> list[Token]:
    """Return the tokens of a statement, texts in the quotes that they are written with."""
    written = statement.span.text.rstrip()
    out: list[Token] = []
    end = 0
    for found in grammar.finditer(written):
        kind = str(found.lastgroup)
        space = written[end : found.start()]
        token = found[0].strip() if kind in ("comment", "sign") else found[0]
        if kind in ("text", "block"):
            token = requoted(kind, token)
        out.append(Token(kind, token, bool(space), "\n" in space))
        end = found.end()
    return out


def requoted(kind: str, token: str) -> str:
    """Return a text in the quotes it is written with: single ones where they do, lines indented by two levels."""
    if kind == "text":
        return token if "\\*" in token or "\\?" in token else text.quoted(text.escaped(token))
    said = text.block(token)
    return text.as_block(said, INDENT * 2) if token.startswith('"""\n') and said.endswith("\n") else token
