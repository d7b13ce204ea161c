"""Highlighting knows the words of the language: no more and no fewer than the grammars of the parser have."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ruleengine.dsl import text, words
from ruleengine.dsl.lexer import WORDS, RuleLexer
from tests.conftest import CASES, ROOT
from tests.test_language_docs import BLOCKS

EXTENSION = ROOT / "editors" / "vscode"
GRAMMAR = EXTENSION / "syntaxes" / "ruleengine.tmLanguage.json"
PARSERS = sorted((ROOT / "ruleengine" / "dsl").glob("*.lark"))
RULES = sorted([*(ROOT / "rules").rglob("*.rule"), *CASES.rglob("*.rule")])
ALL_WORDS = {word for kind in WORDS.values() for word in kind}


def words_of(grammar: str) -> set[str]:
    """Return the words in the terminals of a Lark grammar: texts, and what is plain letters in its regexes."""
    found: set[str] = set()
    for line in grammar.splitlines():
        line = re.sub(r"^//.*|\s//\s.*", "", line)
        found |= set(re.findall(r'"([a-z][a-z0-9_]+)"', line))
        for regex in re.findall(r"(?:^[A-Z_]+(?:\.\d+)?:|\|)\s*/((?:\\.|[^/\\])+)/", line):
            bare = re.sub(r"\[(?:\\.|[^\]\\])*\]|\\.|\(\?[<!=:]*|\{[\d,]*\}", " ", regex)
            found |= set(re.findall(r"[a-z][a-z0-9_]+", bare))
    return found


def test_the_lexer_has_every_word_of_the_grammars_and_no_other() -> None:
    known = set().union(*(words_of(path.read_text("utf-8")) for path in PARSERS)) | {*words.STATEMENTS, *words.METADATA}
    assert sorted(known - ALL_WORDS) == [], "words of the language that the lexer lacks"
    assert sorted(ALL_WORDS - known) == [], "words of the lexer that the language lacks"


def test_every_reserved_word_is_coloured() -> None:
    assert sorted(text.RESERVED - ALL_WORDS) == []


def test_a_word_is_of_one_kind() -> None:
    assert len(ALL_WORDS) == sum(map(len, WORDS.values()))


TEMPLATES = {
    "case": r"(?<![^\s}])(?:match|WORDS)(?=\s*\{)",
    "statement": r"^\s*(WORDS)(?![\w.-])",
    "metadata": r"^(\s*)(WORDS|x-[\w-]+)(?![\w.-])",
    "operator": r"(?<![\w.@-])(?:within|WORDS)(?![\w.@*-])",
    "function": r"\b(?:WORDS)(?=\s*\()",
    "part": r"\b(?:WORDS)(?=\s*\()",
    "aggregate": r"\b(?:WORDS)(?=\s*\()",
    "constant": r"(?<![\w.@-])(?:WORDS)(?![\w.@-])",
}
"""The patterns of the entries of the TextMate grammar that hold the words of a kind."""


def filled(grammar: dict[str, Any]) -> dict[str, Any]:
    """Return the TextMate grammar with the words of the lexer in the entries that are named for them."""
    for kind, template in TEMPLATES.items():
        entry = grammar["repository"][kind]
        longest_first = sorted(WORDS[kind], key=lambda word: (-len(word), word))
        entry["begin" if "begin" in entry else "match"] = template.replace("WORDS", "|".join(longest_first))
    return grammar


def test_the_editors_have_the_words_of_the_lexer(golden: Callable[[Path, str], None]) -> None:
    assert set(TEMPLATES) == set(WORDS)
    grammar = filled(json.loads(GRAMMAR.read_text("utf-8")))
    golden(GRAMMAR, json.dumps(grammar, indent=2, ensure_ascii=False) + "\n")


def patterns(node: Any) -> Iterator[str]:
    """Yield every regular expression of a TextMate grammar."""
    match node:
        case dict():
            for key, value in node.items():
                if key in ("match", "begin", "end", "while"):
                    yield value
                else:
                    yield from patterns(value)
        case list():
            for each in node:
                yield from patterns(each)


def includes(node: Any) -> Iterator[str]:
    """Yield the names of the entries that a TextMate grammar refers to."""
    match node:
        case dict():
            yield from (str(value)[1:] for key, value in node.items() if key == "include")
            for value in node.values():
                yield from includes(value)
        case list():
            for each in node:
                yield from includes(each)


def test_the_textmate_grammar_is_sound() -> None:
    grammar = json.loads(GRAMMAR.read_text("utf-8"))
    assert set(includes(grammar)) == set(grammar["repository"])
    for pattern in patterns(grammar):
        re.compile(pattern.replace("\\1", ""))  # Oniguruma knows more than `re`, and we use no more than `re` knows


def test_the_extension_points_to_files_that_are_there() -> None:
    package = json.loads((EXTENSION / "package.json").read_text("utf-8"))
    (language,) = package["contributes"]["languages"]
    (grammar,) = package["contributes"]["grammars"]
    assert (EXTENSION / grammar["path"]).resolve() == GRAMMAR
    assert grammar["language"] == language["id"]
    assert grammar["scopeName"] == json.loads(GRAMMAR.read_text("utf-8"))["scopeName"]
    assert language["extensions"] == [".rule"]
    configuration = json.loads((EXTENSION / language["configuration"]).read_text("utf-8"))
    assert configuration["comments"] == {"lineComment": "#"}
    for name in ("name", "version", "publisher", "license", "engines"):
        assert package[name]


def test_pygments_finds_the_lexer_by_its_name() -> None:
    from importlib.metadata import entry_points

    (found,) = (each for each in entry_points(group="pygments.lexers") if each.value.startswith("ruleengine."))
    assert found.load() is RuleLexer


def uncoloured(source: str) -> list[tuple[int, str]]:
    """Return the tokens that the lexer could not read."""
    return [(at, written) for at, kind, written in RuleLexer().get_tokens_unprocessed(source) if "Error" in str(kind)]


@pytest.mark.parametrize("path", RULES, ids=[str(path.relative_to(ROOT)) for path in RULES])
def test_example_rules_are_read_whole(path: Path) -> None:
    source = path.read_text("utf-8")
    assert "".join(written for _, _, written in RuleLexer().get_tokens_unprocessed(source)) == source
    if "errors" not in path.parts and "problems" not in path.parts:
        assert uncoloured(source) == []


@pytest.mark.parametrize("block", BLOCKS, ids=[block.name for block in BLOCKS])
def test_rules_of_the_pages_are_read_whole(block: Any) -> None:
    assert uncoloured(block.text) == []


PIECES = st.sampled_from(
    [
        "rule ",
        "  match ",
        "tags ",
        "\n",
        " ",
        "'",
        '"',
        '"""',
        "`",
        "/",
        "[",
        ")",
        "{",
        "#",
        "\\",
        "x",
        "*",
        "-",
        "é",
        "=",
        "1",
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_whatever_is_written_is_coloured_whole(source: str) -> None:
    tokens = list(RuleLexer().get_tokens_unprocessed(source))
    assert "".join(written for _, _, written in tokens) == source
    assert all(source[at : at + len(written)] == written for at, _, written in tokens)


def test_a_long_line_takes_no_long_time() -> None:
    before = time.perf_counter()
    for run in ("-" * 20_000, "a" * 20_000, "'" * 20_001, "`" * 20_001, "[/" * 10_000):
        list(RuleLexer().get_tokens_unprocessed(f"rule x\n  match {run}\n"))
    assert time.perf_counter() - before < 10


CASES_OF_COLOURS = (
    ("rule a 'T'\n  match f == 'x' and not g", ["rule", "match", "and", "not"]),
    ("rule a\n  description 'match and not'\n  tags rule, not.a.word", ["rule", "description", "tags"]),
    ("rule a\n  match f contains 'not' # or\n", ["rule", "match", "contains"]),
    ("rule a\n  match test == 1 and rules exists", ["rule", "match", "and", "exists"]),
    ("rule a\n  sequence x then within 1h not y", ["rule", "sequence", "then", "within", "not"]),
    ("rule a\n  match not.f == 1 and `or` == 2", ["rule", "match", "and"]),
)


@pytest.mark.parametrize(("source", "coloured"), CASES_OF_COLOURS)
def test_only_words_of_the_language_are_coloured_as_such(source: str, coloured: list[str]) -> None:
    found = [
        written
        for _, kind, written in RuleLexer().get_tokens_unprocessed(source)
        if "Keyword" in str(kind) or "Operator.Word" in str(kind)
    ]
    assert found == coloured
