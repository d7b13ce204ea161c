"""Broken rules of the language, each with the text that an analyst reads; `pytest --update` writes it anew."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ruleengine.checks import check
from ruleengine.draw import draw
from ruleengine.dsl import forgotten, hints, parse, slips, words
from ruleengine.dsl.habits import PASTED
from ruleengine.load import load
from ruleengine.problem import Problem, in_order
from tests.conftest import CASES

FOLDER = CASES / "errors"
FILES = sorted(FOLDER.glob("*.rule"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_an_error_reads_as_it_should(
    path: Path, golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(FOLDER)
    found: list[Problem] = []
    check(load([path.name], found.append).rules, found.append)
    told = [each for each in in_order(found) if not each.code.startswith("RE4")]  # which examples have no need of
    assert told, "a broken rule does not pass in silence"
    golden(path.with_suffix(".txt"), "".join(f"{each.severity}: {draw(each)}" for each in told))


def test_there_are_enough_of_them() -> None:
    assert len(FILES) >= 60


# --- the tables ----------------------------------------------------------------------------------------------------

ROWS = (*PASTED, *forgotten.ROWS)


def test_every_row_of_the_table_is_shown_by_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: set[str] = set()

    def spy(rows: tuple[slips.Row, ...], text: str, mask: str, stop: int) -> slips.Slip | None:
        for row in rows:
            if found := slips.fitting((row,), text, mask, stop):
                fitted.add(row.pattern)
                return found
        return None

    monkeypatch.setattr(hints, "fitting", spy)
    for path in FILES:
        load([str(path)], lambda _: None)
    assert [row.pattern for row in ROWS if row.pattern not in fitted] == []


def alternatives(grammar: str, *names: str) -> set[str]:
    """Return the words of some terminals: of `/(a|b)(?=…)/` these are a and b."""
    patterns = {each.name: each.pattern.value for each in parse.parser(grammar).terminals}
    found = [re.match(r"\(([\w|]+)\)|(\w+)", patterns[name]) for name in names]
    return {word for each in found if each for word in (each[1] or each[2]).split("|")}


def test_the_words_are_those_of_the_grammar() -> None:
    functions = alternatives("condition", "FUNCTION", "CALL", "TIME_PART", "CIDR", "LIST")
    assert set(words.FUNCTIONS) == functions | {"field"}
    assert set(words.AGGREGATES) == alternatives("condition", "AGGREGATE", "FIRST_SEEN")
    starts = {*parse.CONDITIONS, *parse.STATEMENTS} - {"head", "meta", "window"}
    assert set(words.STATEMENTS) == starts | set(parse.WORDS)
    assert set(words.METADATA) == parse.META | {"title"}


@pytest.mark.parametrize("grammar", ["condition", "statement"])
def test_every_terminal_has_a_name_for_people(grammar: str) -> None:
    named = set().union(*(covered for _, _, covered in words.EXPECTED)) | set(parse.keywords(grammar))
    assert {each.name for each in parse.parser(grammar).terminals} - named == {"WS", "COMMENT"}
