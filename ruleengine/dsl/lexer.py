"""Colours for the rule language in terminals and web pages: a lexer for Pygments, found by its entry point.

Pygments is no dependency of ours: whoever asks for the lexer has it. A file is cut into statements as the parser does
it, and each statement is read by the kind that its first word says; so a text in metadata is never taken for logic.
`tests/test_highlighting.py` holds the words of this module, of the editors and of the grammars against each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar

from pygments.lexer import Lexer, RegexLexer, bygroups, default, include, words
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
    _TokenType,
)

from ruleengine.dsl.cut import statements
from ruleengine.dsl.words import METADATA
from ruleengine.span import Source

WORDS: dict[str, tuple[str, ...]] = {
    "statement": (
        "alert", "every", "filter", "generate", "having", "let", "logs", "match", "param", "rule", "rules", "sequence",
        "session", "suppress", "test", "timeframe", "tumbling", "use", "within",
    ),
    "case": ("no_match", "todo_match"),
    "metadata": tuple(sorted(METADATA)),
    "operator": (
        "all", "and", "any", "because", "by", "cased", "contains", "endswith", "event", "exists", "from", "in", "like",
        "matches", "missing", "not", "of", "or", "order", "startswith", "then", "where", "with",
    ),
    "function": (
        "base64", "base64offset", "cidr", "domain", "expand", "field", "glob", "len", "list", "lower", "net", "utf16",
        "utf16be", "utf16le", "wide", "windash",
    ),
    "part": ("day", "hour", "minute", "month", "week", "year"),
    "aggregate": ("avg", "count", "distinct", "first_seen", "max", "median", "min", "percentile", "seen", "sum"),
    "constant": ("anywhere", "false", "null", "off", "them", "true"),
}  # fmt: skip
"""Every word of the language by what it is; a function, a part of a time and an aggregate stand before `(`."""

QUOTED = re.compile(r"`(?:``|[^`\n])+`")
NAME = r"[A-Za-z_@][\w@-]*(?:\.[\w@-]+)*"
KINDS = {
    "rule": "head",
    "filter": "head",
    "let": "let",
    "param": "let",
    "logs": "words",
    "rules": "words",
    "use": "words",
    "test": "test",
    "having": "figures",
}
"""How the rest of a statement is read, where it is neither metadata nor a condition."""


def _plain(kind: str, *more: str) -> words:
    return words((*WORDS[kind], *more), suffix=r"(?![\w.@-])")


def _calls(*kinds: str) -> words:
    return words(tuple(word for kind in kinds for word in WORDS[kind]), suffix=r"(?=\s*\()")


class StatementLexer(RegexLexer):  # type: ignore[misc]  # Pygments has no types
    """Reads the rest of a statement after its first word; the kinds of rest are its states."""

    tokens: ClassVar[dict[str, list[object]]] = {
        "root": [(r"\s+", Whitespace), (r"#[^\n]*", Comment.Single)],
        "texts": [
            (r'"""(?:\\.|[^\\])*?"""', String.Heredoc),
            (r"'(?:''|[^'\n])*'", String.Single),
            (r'"', String.Double, "escapes"),
            (r"`(?:``|[^`\n])+`", Name.Variable),
        ],
        "escapes": [
            (r"\\(?:x[0-9a-fA-F]{2}|u\{[0-9a-fA-F]{1,6}\}|.)", String.Escape),
            (r'[^"\\]+', String.Double),
            (r'"', String.Double, "#pop"),
        ],
        "head": [include("root"), include("texts"), ("rule|filter", Keyword.Declaration), (NAME, Name.Class)],
        "words": [
            include("root"),
            include("texts"),
            (r"\b(?:in(?=\s+order\b)|(?<=in )order|from)\b", Operator.Word),
            (r"([A-Za-z_][\w-]*)(:)", bygroups(Name.Attribute, Punctuation)),
            (r"[/,]", Punctuation),
            (r"[^\s\"'`/:,#]+", Name.Namespace),
        ],
        "meta": [
            (r"\s+", Whitespace),
            (r"(?<!\S)#[^\n]*", Comment.Single),
            include("texts"),
            (r"([A-Za-z_@][\w.@-]*)(:)(?=\s)", bygroups(Name.Attribute, Punctuation)),
            (r"[\[\]{},:]", Punctuation),
            (r"[^\s,\[\]{}\"'#`][^\s,\[\]{}\"'`]*", String.Other),
        ],
        "test": [
            (r"(?<![^\s}])(?:match|no_match|todo_match)(?=\s*\{)", Keyword),
            (r"(?<=} )(because)(\s+)(\S+)", bygroups(Operator.Word, Whitespace, Name.Variable)),
            include("meta"),
        ],
        "let": [
            (rf"(\s+)({NAME}|`(?:``|[^`\n])+`)", bygroups(Whitespace, Name.Variable), "condition"),
            default("condition"),
        ],
        "figures": [
            (r"[+/]|(?<=[\s)])[-*](?=[\s(])", Operator),
            include("logic"),
        ],
        "condition": [
            (r"/(?:\\.|[^/\\\n])+/[ims]*", String.Regex),
            include("logic"),
        ],
        "logic": [
            include("root"),
            include("texts"),
            (r"\d+[smhd](?!\w)", Number),
            (r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?%?", Number),
            (_calls("function", "part", "aggregate"), Name.Builtin),
            (_plain("constant"), Keyword.Constant),
            (r"(with)(\s+)([a-z0-9]+(?:\|[a-z0-9]+)*)", bygroups(Operator.Word, Whitespace, Name.Decorator)),
            (_plain("operator", "within"), Operator.Word),
            (r"(?<![\w.*-])[\w.*-]*\*[\w.*-]*", Name),
            (NAME, Name),
            (r"==|!=|<=|>=|[<>=]", Operator),
            (r"[\[\](){},:]", Punctuation),
        ],
    }


class RuleLexer(Lexer):  # type: ignore[misc]  # Pygments has no types
    """Reads `.rule` files."""

    name = "Rule language"
    aliases: ClassVar[Sequence[str]] = ["rule", "ruleengine"]
    filenames: ClassVar[Sequence[str]] = ["*.rule"]

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, _TokenType, str]]:
        """Yield place, kind and text of each token; what is between two statements is blanks and comments."""
        at = 0
        for statement in statements(Source("", text)):
            span = statement.span
            yield from _part(text, at, span.start, "root")
            quoted = QUOTED.match(text, span.start, span.end)
            word = quoted[0] if quoted else statement.word
            kind = KINDS.get(word, "condition" if word in WORDS["statement"] else "meta")
            yield span.start, Keyword.Declaration if kind == "head" else Keyword, word
            yield from _part(text, span.start + len(word), span.end, kind)
            at = span.end
        yield from _part(text, at, len(text), "root")


def _part(text: str, start: int, end: int, kind: str) -> Iterator[tuple[int, _TokenType, str]]:
    for offset, token, written in StatementLexer().get_tokens_unprocessed(text[start:end], (kind,)):
        yield start + offset, token, written
