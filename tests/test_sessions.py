"""Sessions at the command line: each folder of `cases/sessions` has files, and commands with their answers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import CASES, ROOT

SESSIONS = sorted(path.parent for path in (CASES / "sessions").glob("*/session.txt"))


def replay(session: str, folder: Path) -> str:
    """Return the session with every answer as it is now: stdout, then stderr, then an exit code that is not 0."""
    environment = {name: value for name, value in os.environ.items() if name not in ("GITHUB_ACTIONS", "NO_COLOR")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment["PYTHONPATH"] = str(ROOT)
    out = []
    for line in session.splitlines():
        if line.startswith("# "):
            out.append(line)
        if not line.startswith("$ "):
            continue
        done = subprocess.run(
            ["sh", "-c", line[2:]],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            stdin=subprocess.DEVNULL,
        )
        out += [line, *done.stdout.splitlines(), *done.stderr.splitlines()]
        if done.returncode:
            out.append(f"(exit code {done.returncode})")
    return "\n".join(out) + "\n"


@pytest.mark.parametrize("case", SESSIONS, ids=[path.name for path in SESSIONS])
def test_a_session_goes_as_written(case: Path, tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    folder = tmp_path / case.name
    shutil.copytree(case, folder)
    (folder / "session.txt").unlink()
    golden(case / "session.txt", replay((case / "session.txt").read_text("utf-8"), folder))
