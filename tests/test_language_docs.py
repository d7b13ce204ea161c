"""The pages about the language: every rule on them is read, and what they say of a rule and an event is so.

A block ```` ```rule ```` must be read without a problem. After it may stand blocks ```` ```event match ```` and
```` ```event no match ````, one event in JSON a line: the last rule of the block must say so of each. A block
```` ```file NAME ```` lies beside the rule. The tables of leaves are tested row by row: form, Sigma's form, an event
that fits, an event that does not.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from lark.lexer import PatternStr

from ruleengine.dsl import parse, show
from ruleengine.dsl.format import formatted
from ruleengine.dsl.lexer import WORDS
from ruleengine.dsl.text import RESERVED
from ruleengine.dsl.words import LATER, LATER_STATEMENTS
from ruleengine.ir import Expr, Rule, Single
from ruleengine.load import load
from ruleengine.lower import digest
from ruleengine.meaning import holds
from ruleengine.problem import Problem
from ruleengine.sigma import build, yaml
from ruleengine.span import Source
from tests.conftest import ROOT

PAGES = (ROOT / "docs" / "language.md", ROOT / "docs" / "from-other-languages.md")


class Block(NamedTuple):
    """A rule of a page and the events that stand below it, with whether it is said to match."""

    name: str
    text: str
    events: list[tuple[str, bool]]
    files: dict[str, str]


FENCE = re.compile(r"^```(rule|event match|event no match|file (\S+))\n(.*?)^```$", re.M | re.S)


def blocks() -> Iterator[Block]:
    for path in PAGES:
        page = path.read_text("utf-8")
        current: Block | None = None
        for found in FENCE.finditer(page):
            if found[1] == "rule":
                if current is not None:
                    yield current
                current = Block(f"{path.name}:{page.count(chr(10), 0, found.start()) + 2}", found[3], [], {})
                continue
            assert current is not None, "events and files stand below a rule"
            if found[2]:
                current.files[found[2]] = found[3]
            else:
                current.events.extend((line, found[1] == "event match") for line in found[3].splitlines())
        if current is not None:
            yield current


class Row(NamedTuple):
    """A row of a table of leaves, by its columns; Sigma's form and the events may be left out."""

    leaf: str
    sigma: str
    fits: str
    differs: str


def rows() -> Iterator[Row]:
    for path in PAGES:
        for table in re.finditer(r"^(\|.*\| True of \|.*)\n\|[-|]+\|\n((?:\|.*\n)+)", path.read_text("utf-8"), re.M):
            columns = _cells(table[1])
            strict = columns[:2] == ["In the language", "In Sigma"]
            for line in table[2].splitlines():
                row = dict(zip(columns, map(_code, _cells(line)), strict=True))
                yield Row(row["In the language"], row["In Sigma"] if strict else "", row["True of"], row["Not of"])


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _code(cell: str) -> str:
    """Return what a cell shows in code."""
    return cell[3:-3] if cell.startswith("`` ") else cell[1:-1]


BLOCKS = list(blocks())
ALONE = [block for block in BLOCKS if not block.files]
ROWS = list(rows())
NEEDS_OTHERS = frozenset({"RE212", "RE213"})
"""Problems that an example may have: a placeholder that only a configuration can resolve."""


def loaded(text: str, folder: Path) -> list[tuple[Rule, Expr | None]]:
    """Return the rules of a text, read from a file as a user's; only what NEEDS_OTHERS names may be wrong."""
    (folder / "ruleengine.toml").touch()
    (folder / "example.rule").write_text(text, "utf-8")
    problems: list[Problem] = []
    found = load([str(folder / "example.rule")], problems.append, evaluating=False)
    assert [each for each in problems if each.code not in NEEDS_OTHERS] == []
    return [(each.rule, each.expr) for each in found.rules]


@pytest.mark.parametrize("block", BLOCKS, ids=[block.name for block in BLOCKS])
def test_a_rule_of_a_page_is_read_and_says_what_the_page_says(block: Block, tmp_path: Path) -> None:
    for name, text in block.files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    _, expr = loaded(block.text, tmp_path)[-1]
    for event, matches in block.events:
        assert expr is not None
        assert holds(expr, json.loads(event)) == matches, event


@pytest.mark.parametrize("block", ALONE, ids=[block.name for block in ALONE])
def test_a_rule_of_a_page_comes_back_from_its_text(block: Block) -> None:
    problems: list[Problem] = []
    given = list(parse.rules(Source("page", block.text), problems.append))
    again = [rule for each in given for rule in parse.rules(Source("shown", show.show(each)), problems.append)]
    assert problems == []
    assert given == again


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_the_rules_of_a_page_are_in_the_one_style(page: Path, golden: Callable[[Path, str], None]) -> None:
    def written(found: re.Match[str]) -> str:
        return f"```rule\n{formatted(Source('page', found[1]))}```"

    golden(page, re.sub(r"^```rule\n(.*?)^```", written, page.read_text("utf-8"), flags=re.M | re.S))


@pytest.mark.parametrize("row", ROWS, ids=[f"{index}: {row.leaf}" for index, row in enumerate(ROWS)])
def test_a_leaf_of_the_tables_is_what_the_table_says(row: Row, tmp_path: Path) -> None:
    ((rule, expr),) = loaded(f"rule x\n  let s = {row.leaf}\n  match s\n", tmp_path)
    for event, matches in ((row.fits, True), (row.differs, False)):
        if event:
            assert expr is not None
            assert holds(expr, json.loads(event)) == matches, event
    if not row.sigma:
        return
    sigma = f"title: x\nlogsource:\n  category: x\ndetection:\n  s:\n    {row.sigma}\n  condition: s\n"
    problems: list[Problem] = []
    (other,) = build.rules(yaml.read(Source("sigma", sigma), problems.append), problems.append)
    assert isinstance(rule.body, Single) and isinstance(other.body, Single)
    assert rule.body.selections[0].item == other.body.selections[0].item


def figures() -> list[str]:
    table = re.search(r"^\| figure \|.*\n\|.*\n((?:\|.*\n)+)", PAGES[0].read_text("utf-8"), re.M)
    assert table
    return [figure for line in table[1].splitlines() for figure in re.findall(r"`([a-z_]+\([^`]*\))`", line)]


@pytest.mark.parametrize("figure", figures())
def test_a_figure_of_the_table_is_read(figure: str, tmp_path: Path) -> None:
    compared = "" if figure.startswith("first_seen") else " > 1"
    loaded(f"rule a\n  let x = g == 1\n  match f exists\n  within 1h by k\n  having {figure}{compared}\n", tmp_path)


def test_every_word_of_the_language_is_on_its_page() -> None:
    code = " ".join(re.findall(r"^```rule\n.*?^```|`[^`\n]+`", PAGES[0].read_text("utf-8"), re.M | re.S))
    known = set(re.findall(r"[a-z0-9_]+", code))
    assert sorted({word for kind in WORDS.values() for word in kind} - known) == []


def test_the_reserved_words_are_those_of_the_parser(golden: Callable[[Path, str], None]) -> None:
    listed = f"backticks where they are names: {', '.join(f'`{word}`' for word in sorted(RESERVED))}."
    wrapped = "\n".join(textwrap.wrap(listed, 118, break_on_hyphens=False))
    golden(
        PAGES[0], re.sub(r"^backticks where they are names: [^.]*\.", wrapped, PAGES[0].read_text("utf-8"), flags=re.M)
    )


def test_the_pages_have_rules_and_tables() -> None:
    assert len(BLOCKS) >= 20
    assert sum(len(block.events) for block in BLOCKS) >= 20
    assert len(ROWS) >= 110


LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#[^)\s]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    assert [link for link in LINK.findall(text) if link and not (page.parent / link).exists()] == []


CORRELATIONS = re.findall(
    r"^\| (.*) \| (.*) \|$",
    PAGES[0].read_text("utf-8").partition("| Statement | In Sigma |\n|---|---|\n")[2].partition("\n\n")[0],
    re.M,
)


@pytest.mark.parametrize(("said", "in_sigma"), CORRELATIONS, ids=[row[0] for row in CORRELATIONS])
def test_a_statement_of_a_correlation_is_what_the_table_says(said: str, in_sigma: str) -> None:
    """What a row does not say is the same on both sides."""
    statements = {"rules": "rules a, b", "within": "within 10m by k", "having": "having count() >= 1"}
    sigma = {"type": "event_count", "rules": "[a, b]", "group-by": "[k]", "timespan": "10m", "condition": "{gte: 1}"}
    for code in re.findall(r"(?<!no )`([^`]*)`", said):
        statements[code.split()[0]] = code
    for code in re.findall(r"(?<!no )`([^`]*)`", in_sigma):
        key, _, value = code.partition(": ")
        sigma[key] = value
    for gone in re.findall(r"no `(\w+)`", said + in_sigma):
        statements.pop(gone, None)
        sigma.pop(gone, None)
    top = f"generate: {sigma.pop('generate')}\n" if "generate" in sigma else ""
    own = "".join(f"  {statement}\n" for statement in statements.values())
    problems: list[Problem] = []
    (rule,) = parse.rules(Source("own", f"rule x 'x'\n{own}"), problems.append)
    lines = "".join(f"  {key}: {value}\n" for key, value in sigma.items())
    text = f"title: x\nname: x\n{top}correlation:\n{lines}"
    (other,) = build.rules(yaml.read(Source("sigma", text), problems.append), problems.append)
    assert problems == []
    assert rule.body == other.body


SIDES = re.findall(
    r"^### ([^\n]*)\n\nSigma, (\d+) lines:\n\n```yaml\n(.*?)^```\n\nThe language, (\d+) lines:\n\n```rule\n(.*?)^```",
    PAGES[0].read_text("utf-8"),
    re.M | re.S,
)


@pytest.mark.parametrize(
    ("lines", "sigma", "own_lines", "own"), [side[1:] for side in SIDES], ids=[side[0] for side in SIDES]
)
def test_two_sides_mean_the_same(lines: str, sigma: str, own_lines: str, own: str, tmp_path: Path) -> None:
    assert (sigma.count("\n"), own.count("\n")) == (int(lines), int(own_lines))
    (tmp_path / "sigma.yml").write_text(f"title: x\n{sigma}", "utf-8")
    (tmp_path / "own.rule").write_text(own, "utf-8")
    problems: list[Problem] = []
    first, second = load([str(tmp_path)], problems.append).events
    assert problems == []
    assert first.expr is not None and second.expr is not None
    assert digest(first.expr, first.rule.logs) == digest(second.expr, second.rule.logs)


def test_ten_rules_stand_side_by_side() -> None:
    assert len(SIDES) >= 10
    assert len(CORRELATIONS) >= 12


# --- the grammar ---------------------------------------------------------------------------------------------------

GRAMMAR = re.findall(r"^```ebnf\n(.*?)^```", PAGES[0].read_text("utf-8"), re.M | re.S)


def words_of(grammar: str) -> set[str]:
    """Return the words and signs that a Lark grammar has terminals for; terminals with patterns are no words."""
    found: set[str] = set()
    for terminal in parse.parser(grammar).terminals:
        written = re.sub(r"\(\?[=!].*\)\Z|\\b|\A\(\?:|\A\(", "", terminal.pattern.value.replace("\\s+", " "))
        parts = [part.replace("\\", "") for part in written.removesuffix(")").split("|")]
        if isinstance(terminal.pattern, PatternStr):
            found.add(terminal.pattern.value)
        elif all(re.fullmatch(r"[a-z0-9_ ]+|[=!<>*/+-]+", part) for part in parts):
            found.update(parts)
    return found


def test_the_printed_grammar_has_the_words_of_the_parser() -> None:
    (printed,) = GRAMMAR
    quoted = set(re.findall(r'"([^"]+)"', printed))
    known = words_of("condition") | words_of("statement")
    assert {"in order", "windash", "not", "==", "todo_match", "1", "first_seen", "or", "off", "session"} <= known
    assert quoted == known


def test_the_words_that_are_kept_are_on_the_page() -> None:
    listed = re.search(r"^Some words are kept.*?\n\n", PAGES[0].read_text("utf-8") + "\n", re.M | re.S)
    assert listed
    assert set(re.findall(r"`(\w+)`", listed[0])) == {*LATER, *LATER_STATEMENTS, "check", "ruleengine"}


def test_the_printed_grammar_defines_what_it_uses() -> None:
    (printed,) = GRAMMAR
    rules = re.sub(r'"[^"]+"|^#.*$', "", printed, flags=re.M)
    defined = re.findall(r"^(\w+) +=", rules, re.M)
    assert len(defined) == len(set(defined))
    used = set(re.findall(r"\b[a-z]\w*", re.sub(r"^\w+ +=", "", rules, flags=re.M)))
    assert used - set(defined) == set()
    assert set(defined) - used == {"file", "told"}
