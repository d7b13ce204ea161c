"""The house rules: sizes, codes that are explained and shown, verbs that are documented, pages that are not stale."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest

from ruleengine.cli.help import page
from ruleengine.cli.main import VERBS
from ruleengine.codes import codes
from tests.conftest import CASES, ROOT

OURS = sorted(chain.from_iterable((ROOT / name).rglob("*.py") for name in ("ruleengine", "backends", "tests", "bench")))
SHIPPED = [path for path in OURS if path.is_relative_to(ROOT / "ruleengine") or path.is_relative_to(ROOT / "backends")]
NAMES = [str(path.relative_to(ROOT)) for path in OURS]
UNWANTED = {"utils.py", "helpers.py", "base.py", "common.py", "misc.py"}
BORDERS = {  # what may catch everything: the last handler, and calls into code of others that may raise anything
    ROOT / "ruleengine" / "cli" / "main.py",
    ROOT / "backends" / "ruleengine_pysigma" / "guard.py",
}


@pytest.mark.parametrize("path", OURS, ids=NAMES)
def test_a_module_can_be_read_in_one_sitting(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= 400
    assert path.name not in UNWANTED
    tree = ast.parse(text)
    assert ast.get_docstring(tree) or not text.strip(), "a head docstring: one sentence that a newcomer understands"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, f"{node.name} is longer than 60 lines"
    assert "from __future__ import annotations" in text or len(tree.body) <= 1


@pytest.mark.parametrize("path", SHIPPED, ids=[str(path.relative_to(ROOT)) for path in SHIPPED])
def test_no_broad_except_and_no_unfinished_work(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"#.*\b(TODO|FIXME|XXX)\b", text)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler) and path not in BORDERS:
            assert node.type is not None and ast.unparse(node.type) not in ("Exception", "BaseException"), node.lineno
    for found in re.finditer(r"# type: ignore(?!\[[a-z, -]+\]  # \w)", text):
        pytest.fail(f"`{found[0]}` without a code and a reason")


@pytest.mark.parametrize("id", sorted(codes()))
def test_a_code_is_explained(id: str) -> None:
    row = codes()[id]
    assert re.fullmatch(r"RE[1-9][0-9]{2}", id)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row.name)
    assert row.severity in ("error", "warning", "notice")
    assert row.title and not row.title.endswith(".") and "\n" not in row.title
    assert len(row.explanation.split()) >= 8, "an explanation that a newcomer understands"
    assert row.severity == "error" or not row.blocks


def test_the_names_of_codes_differ() -> None:
    names = [row.name for row in codes().values()]
    assert len(names) == len(set(names))


CODE = re.compile(r"\bRE[1-9][0-9]{2}\b")


def codes_in(tree: ast.AST) -> set[str]:
    """Return the codes in the string constants of a tree, docstrings aside."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in prose)
    return {code for node in texts if isinstance(node.value, str) for code in CODE.findall(node.value)}


def test_every_code_is_reported_by_the_source_and_every_reported_code_is_known() -> None:
    used = set().union(*(codes_in(ast.parse(path.read_text("utf-8"))) for path in SHIPPED if path.name != "help.py"))
    assert sorted(used - set(codes())) == [], "codes in the source that codes.toml does not have"
    assert sorted(set(codes()) - used) == [], "codes that no source reports"


def test_every_code_is_shown_by_a_case() -> None:
    """A case is a data file under tests/cases, or an assertion; how a made-up problem is drawn is neither."""
    shown: set[str] = set()
    for path in CASES.rglob("*"):
        if path.is_file() and path.parent.name != "output":
            shown |= set(CODE.findall(path.read_text("utf-8", "replace")))
    for path in (ROOT / "tests").rglob("test_*.py"):
        if path.name not in ("test_house.py", "test_output.py"):
            claims = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Assert))
            shown |= set().union(*map(codes_in, claims))
    assert sorted(set(codes()) - shown) == []


def test_the_page_of_codes_is_not_stale(golden: Callable[[Path, str], None]) -> None:
    golden(ROOT / "docs" / "problems.md", page())


def test_every_verb_is_documented() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    text = "\n".join(path.read_text("utf-8") for path in pages)
    assert [verb for verb in VERBS if not re.search(rf"\bruleengine {verb}\b", text)] == []


def test_every_dependency_is_justified() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text("utf-8")
    names = [re.match(r"[A-Za-z0-9-]+", line) for line in wanted]
    assert [name[0] for name in names if name and f"| {name[0]} |" not in text] == []


def test_the_layers_hold() -> None:
    done = subprocess.run(["lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True, env=on_path())
    assert done.returncode == 0, done.stdout + done.stderr


def on_path() -> dict[str, str]:
    """Return an environment that finds the tools installed beside this Python."""
    return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
