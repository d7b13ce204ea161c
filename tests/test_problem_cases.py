"""Every problem code RE1xx to RE4xx, shown by a small rule file with the text that an analyst reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ruleengine.checks import check
from ruleengine.codes import codes
from ruleengine.draw import draw
from ruleengine.load import load
from ruleengine.problem import Problem, in_order
from tests.conftest import CASES

FOLDER = CASES / "problems"
FILES = sorted(FOLDER.glob("*.yml"))
MADE = {"RE102"}  # a file of 4 MiB is made by a test


def found_in(path: Path) -> list[Problem]:
    """Load and check a file as `check` does; one that begins with `# evaluating` as `match` does."""
    found: list[Problem] = []
    evaluating = path.read_bytes().startswith(b"# evaluating")
    check(load([path.name], found.append, evaluating=evaluating).rules, found.append)
    return in_order(found)


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_problem_reads_as_it_should(
    path: Path, golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(FOLDER)
    found = found_in(path)
    shown = {path.stem[:5]} if path.stem.startswith("RE") else set()
    assert {each.code for each in found} == shown, "a file shows its own code and no other"
    golden(path.with_suffix(".txt"), "".join(f"{each.severity}: {draw(each)}" for each in found))


def test_every_code_about_rules_has_a_file() -> None:
    about_rules = {id for id in codes() if id[2] in "1234"}
    assert sorted(about_rules - MADE - {path.stem[:5] for path in FILES}) == []


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    huge = tmp_path / "huge.yml"
    huge.write_text("# " + "x" * (4 << 20))
    found: list[Problem] = []
    assert load([str(huge)], found.append).rules == ()
    assert [each.code for each in found] == ["RE102"]
