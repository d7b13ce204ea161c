"""Cuts a rule file into statements by lines and indentation, before any grammar sees it.

A statement begins on a line of its own and goes on over deeper lines, over lines inside brackets or a `\"\"\"` text,
and over lines that begin with `and`, `or`, `then` or a closing bracket. So a slip in one statement stays there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ruleengine.dsl import words
from ruleengine.span import Source, Span

WORD = re.compile(r"[A-Za-z_][\w-]*")
# What stands before a token is looked at after its first character, for most places are none of these.
DIVIDED = r"""/(?<=[\w%)`][ \t]/)(?<!\bmatches[ \t]/)(?=\s)"""
"""The sign between two figures, which does not begin a regular expression."""

REGEX = r"""/(?<![^\s\[(,]/)(?:\\.|[^/\\\n])+/[ims]*"""
"""A regular expression as far as its surroundings go, so that a path in metadata is seldom taken for one."""

TOKENS = re.compile(
    r"""(?=["'`/#\[\](){}\n])(?:"""  # what most characters fail at once
    r"""(?P<block>\"\"\"(?:\\.|[^\\])*?(?:\"\"\"|\Z))|(?P<raw>'(?:''|[^'\n])*'?)|(?P<text>"(?:\\.|[^"\\\n])*"?)"""
    r"""|(?P<name>`(?:``|[^`\n])*`?)"""
    rf"""|(?P<divided>{DIVIDED})|(?P<regex>{REGEX})|(?P<comment>\#(?<!\S\#)[^\n]*)"""
    r"""|(?P<open>[\[({])|(?P<close>[\])}])|(?P<end>\n))""",
    re.S | re.X,
)
HEADS = ("rule", "filter")
"""What has statements below it, and so ends with its line."""

OPERATORS = "and|or|in|not|like|contains|startswith|endswith|matches|exists|missing|cased|with"
NEXT = re.compile(
    rf"(?:{'|'.join((*words.STATEMENTS, *words.METADATA))})[ \t]+(?!(?:==|!=|[<>,:)\]}}]|(?:{OPERATORS})\b))\S"
)
"""A line that surely begins a statement, even while a bracket is open: that one was forgotten."""

CONTINUES = re.compile(r"(?:and|or|then)\b|[\])}]")


@dataclass(slots=True)
class Statement:
    """One statement: its first word, its stretch of the source, how far it is indented, the comments before it."""

    word: str
    span: Span
    indent: int
    comments: list[Span] = field(default_factory=list)
    below: list[Statement] = field(default_factory=list)
    """The statements that belong to this one, for `rule`, `filter` and `test`."""

    @property
    def word_span(self) -> Span:
        return Span(self.span.source, self.span.start, self.span.start + len(self.word))


def statements(source: Source) -> Iterator[Statement]:
    """Yield the statements of a file in order, each with the whole-line comments before it."""
    text = source.text
    comments: list[Span] = []
    current: Statement | None = None
    end = 0
    depth = 0
    at = 0
    while at < len(text):
        stop = _line_end(text, at)
        line = text[at:stop]
        bare = line.lstrip(" \t")
        indent = len(line) - len(bare)
        start = at + indent
        if not bare.strip("\r"):
            at = stop + 1
            continue
        if bare.startswith("#") and (current is None or not depth):
            if current is not None and (indent <= current.indent or current.word in HEADS):
                yield _ended(current, end)
                current = None
            if current is None:
                comments.append(Span(source, start, at + len(line.rstrip())))
                at = stop + 1
                continue
        if current is not None and depth and indent <= current.indent and NEXT.match(bare):
            depth = 0
        deeper = current is not None and indent > current.indent and current.word not in HEADS
        goes_on = current is not None and (depth > 0 or deeper or CONTINUES.match(bare))
        if not goes_on:
            if current is not None:
                yield _ended(current, end)
            word = WORD.match(bare)
            current = Statement(word[0] if word else bare[:1], Span(source, start, start), indent, comments)
            comments = []
            depth = 0
        depth, end, at = _scan(text, start, depth)
    if current is not None:
        yield _ended(current, end)


def _ended(statement: Statement, end: int) -> Statement:
    statement.span = Span(statement.span.source, statement.span.start, max(end, statement.span.start + 1))
    return statement


def _line_end(text: str, at: int) -> int:
    stop = text.find("\n", at)
    return len(text) if stop < 0 else stop


def _scan(text: str, at: int, depth: int) -> tuple[int, int, int]:
    """Read to the end of a line, over texts that cross it; return depth, the end of what counts, the next line."""
    end = at
    position = at
    while found := TOKENS.search(text, position):
        match found.lastgroup:
            case "end":
                end = max(end, found.start() - len(_trail(text, end, found.start())))
                return depth, end, found.end()
            case "comment":
                end = max(end, found.start() - len(_trail(text, end, found.start())))
                stop = _line_end(text, found.start())
                return depth, end, stop + 1
            case "open":
                depth += 1
            case "close":
                depth = max(depth - 1, 0)
            case "block" if found.end() == len(text) and not _closed(found[0]):
                position = end = _line_end(text, found.start())  # so that it does not swallow what follows
                continue
        position = end = found.end()
    return depth, max(end, len(text.rstrip())), len(text)


def _closed(block: str) -> bool:
    return len(block) >= 6 and block.endswith('"""') and not re.search(r"(?<!\\)(?:\\\\)*\\\Z", block[3:-3])


def _trail(text: str, low: int, high: int) -> str:
    """Return the blanks before a place."""
    part = text[low:high]
    return part[len(part.rstrip()) :]
