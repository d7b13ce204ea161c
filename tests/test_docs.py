"""Documentation that runs: every console block of the README and of docs/ does what it says.

A block is a session: `$ command` lines, each followed by what it prints (stdout and stderr together). A line `…`
stands for any lines, `…` inside a line for any text, and a last line `(exit code 1)` for an end with anything but 0.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))


class Step(NamedTuple):
    """One command of a page and what the page says it prints."""

    command: str
    printed: list[str]


class Session(NamedTuple):
    """One block of a page."""

    name: str
    steps: list[Step]


def sessions() -> Iterator[Session]:
    for path in PAGES:
        text = path.read_text("utf-8")
        for block in re.finditer(r"^```console\n(.*?)^```$", text, re.M | re.S):
            steps: list[Step] = []
            for line in block[1].splitlines():
                if line.startswith("$ "):
                    steps.append(Step(line[2:], []))
                else:
                    steps[-1].printed.append(line)
            yield Session(f"{path.name}:{text.count(chr(10), 0, block.start()) + 2}", steps)


SESSIONS = list(sessions())


@pytest.fixture(scope="module")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the examples use, so that one may write files."""
    folder = tmp_path_factory.mktemp("docs")
    for name in ("rules", "fixtures"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
    (folder / "ruleengine.toml").touch()  # the root of a project: tests may read what lies below it
    return folder


def pattern(printed: list[str]) -> str:
    """Return what the page shows as a regular expression over the whole output."""
    rows = [r"(?:.*\n)*?" if row == "…" else re.escape(row).replace("…", ".*") + r"\n" for row in printed]
    return "".join(rows)


@pytest.mark.parametrize("session", SESSIONS, ids=[session.name for session in SESSIONS])
def test_a_session_prints_what_the_page_says(session: Session, playground: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("GITHUB_ACTIONS", "NO_COLOR")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    for command, printed in session.steps:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=playground,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=120,
        )
        output = done.stdout + (f"(exit code {done.returncode})\n" if done.returncode else "")
        assert re.fullmatch(pattern(printed), output), f"$ {command}\n{output}"


def test_the_pages_have_sessions() -> None:
    assert len(SESSIONS) >= 3
