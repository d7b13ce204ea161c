"""Random text and broken rules of the language: never a traceback, never a lost second, never a silent pass."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ruleengine import meaning
from ruleengine.checks import check
from ruleengine.draw import draw
from ruleengine.dsl import text
from ruleengine.dsl.cut import TOKENS, Statement, statements
from ruleengine.ir import Filter, Item, Rule, Single
from ruleengine.load import Loaded, load
from ruleengine.problem import Problem, in_order
from ruleengine.scalar import pieces_of
from ruleengine.span import Source
from ruleengine.walk import walk
from tests import mutation
from tests.conftest import CASES, ROOT
from tests.fuzzing import Wrong, in_time

COUNT = int(os.environ.get("RULEENGINE_FUZZ", "2000"))
"""Inputs of each kind."""

PIECES = (
    "rule filter let match use param logs rules within tumbling session having sequence alert suppress test then by "
    "where and or not in any all of them contains startswith endswith like matches exists missing cased with cidr "
    "list windash glob base64offset wide field len net count distinct sum first_seen true false null anywhere level "
    'tags x-a == != = <= >= < > + - * / % | || && ! ( ) [ ] { } , : ; . # \' " """ ` /a/ /a \'a\' "b" "\\q" \'*\' '
    "10 10m 5% 1 0x1 a b a.b `c d` IN AND NOT “a” ≥ \u00a0 \n \n\n \n\t \\ $a {a:1} [1,2] ((((((((( not( 1of 1_of_them "
    "hour(a)"
).split(" ")


def texts() -> list[str]:
    """Return rules to break: ours, those of other tests, the broken ones, and every statement there is."""
    folders = [ROOT / "rules", CASES / "language", CASES / "errors"]
    found = [path.read_text("utf-8") for folder in folders for path in sorted(folder.rglob("*.rule"))]
    return [each for each in found if len(each) < 20_000]


def word_changed(chance: random.Random, given: str, other: str) -> str:
    """A word or sign becomes another one."""
    words = given.split(" ")
    at = chance.randrange(len(words))
    words[at] = chance.choice(
        (chance.choice(PIECES), words[at] + chance.choice(PIECES), chance.choice(other.split(" ")))
    )
    return " ".join(words)


def soup(chance: random.Random, given: str, other: str) -> str:
    """Words and signs in no order, below a rule that begins well."""
    return 'rule a "A"\n  ' + " ".join(chance.choices(PIECES, k=chance.choice((3, 10, 40))))


MUTATIONS = (
    mutation.cut,
    mutation.delete,
    mutation.delete,
    mutation.insert,
    mutation.replace,
    mutation.swap,
    mutation.splice,
    mutation.lines_changed,
    mutation.indented,
    mutation.nested,
    word_changed,
    word_changed,
    word_changed,
    soup,
)


def try_text(given: str, path: Path) -> None:
    """Load a broken file, draw every problem, ask each rule about an event; raise Wrong on a silent pass."""
    path.write_text(given, "utf-8", "surrogatepass", newline="")
    found: list[Problem] = []
    with in_time():
        rules = load([str(path)], found.append).rules
        check(rules, found.append)
        for each in rules:
            if each.expr is not None:
                meaning.holds(each.expr, {"Image": "a", "EventID": 1, "CommandLine": ["-a", None]})
        for one in in_order(found)[:200]:
            draw(one, colour=True)
    if not any(one.severity == "error" for one in found):
        _silent(given, rules)


def _silent(given: str, rules: Sequence[Loaded]) -> None:
    """Raise Wrong if something of a file was left out and nothing was said about it."""
    heads: list[list[Statement]] = []
    for statement in statements(Source("", given.removeprefix("\ufeff").replace("\r\n", "\n"))):
        if statement.word in ("rule", "filter"):
            heads.append([])
        elif heads:
            heads[-1].append(statement)
    if len(heads) != len(rules):
        raise Wrong(f"{len(heads)} rules are written, {len(rules)} were loaded, and no problem says so")
    for below, each in zip(heads, rules, strict=True):
        body = each.rule.body.body if isinstance(each.rule.body, Filter) else each.rule.body
        if isinstance(body, Single):
            wanted = sum(_texts(statement) for statement in below if statement.word in ("let", "match"))
            if wanted != _read(each.rule, body):
                raise Wrong(f"{wanted} texts stand in the conditions, {_read(each.rule, body)} were read")


def _texts(statement: Statement) -> int:
    """Count the texts and regular expressions of a statement."""
    return sum(found.lastgroup in ("raw", "text", "block", "regex") for found in TOKENS.finditer(statement.span.text))


def _read(rule: Rule, body: Single) -> int:
    own = [selection.item for selection in body.selections if selection.module is None]
    items = [node for expr in (*own, *body.conditions) for node in walk(expr) if isinstance(node, Item)]
    return sum(span.text[:1] in ("'", '"', "/") for item in items for span in item.value_spans)


@pytest.mark.parametrize("seed", ["one", "two"])
def test_broken_rules(seed: str, tmp_path: Path) -> None:
    chance = random.Random(seed)
    given = texts()
    path = tmp_path / "broken.rule"
    wrong = []
    for _ in range(COUNT // 2):
        broken, other = chance.choice(given), chance.choice(given)
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            broken = chance.choice(MUTATIONS)(chance, broken, other)
        try:
            try_text(broken, path)
        except Wrong as error:
            wrong.append(f"{error}: {broken!r}")
    assert wrong == []


@given(st.text(max_size=200))
@settings(max_examples=max(100, COUNT // 10))
def test_random_text(tmp_path_factory: pytest.TempPathFactory, given: str) -> None:
    path = tmp_path_factory.getbasetemp() / "random.rule"
    try_text(given, path) if "\r" not in given else None
    try_text(f'rule a "A"\n  match a == {given}', path)


# --- where the characters of a value stand --------------------------------------------------------------------------

ANY_TEXT = st.text(st.sampled_from("ab '\"\\/*\n`x{}0"), max_size=12)


@given(ANY_TEXT)
@settings(max_examples=max(200, COUNT // 5))
def test_the_pieces_of_a_literal_are_its_characters(value: str) -> None:
    """What a literal says has as many characters as it has pieces, and each ends with the character or is an escape."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    quoted = text.quoted(value)
    forms = {
        quoted: (text.escaped if quoted[0] == '"' else text.raw)(quoted),
        text.as_block(value + "\n", "   "): value + "\n",
        f'"""{escaped}"""': text.block(f'"""{escaped}"""'),
        "/" + value.replace("/", "\\/") + "/": value,
        text.quoted_name(value, always=True): value,
    }
    for written, said in forms.items():
        pieces = list(pieces_of(written))
        assert len(pieces) == len(said), written
        assert all(
            written[end - 1] == character or written[start:end] == "\\n"
            for (start, end), character in zip(pieces, said, strict=True)
        ), written
