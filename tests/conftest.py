"""Shared by every test: running the command, golden files (`pytest --update`), and how Hypothesis tries."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

ROOT = Path(__file__).parent.parent
CASES = ROOT / "tests" / "cases"

collect_ignore = ["cases"]  # data: a *.test.yml there may be broken on purpose

# A deadline would measure the neighbours on a busy machine, not us. In CI the examples are the same each time: a change
# is judged by its own faults; new examples are tried on developers' machines and by `make fuzz`.
CI = bool(os.environ.get("CI"))
settings.register_profile(
    "house",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=CI,
    database=None if CI else DirectoryBasedExampleDatabase(ROOT / ".hypothesis" / "examples"),
)
settings.load_profile("house")

# What a run keeps for the next must not come from, or go into, the folder of whoever runs the tests.
if "RULEENGINE_CACHE" not in os.environ:
    os.environ["RULEENGINE_CACHE"] = tempfile.mkdtemp(prefix="ruleengine-cache-")
    atexit.register(shutil.rmtree, os.environ["RULEENGINE_CACHE"], ignore_errors=True)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update", action="store_true", help="rewrite golden files with what is printed now; read the diff"
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare text with a file, or with --update write it there."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--update"):
            path.write_text(text, "utf-8")
        assert path.exists(), f"{path.name} is missing: run `pytest --update` and read what it wrote"
        assert text == path.read_text("utf-8")

    return compare


@pytest.fixture(scope="session")
def ruleengine() -> Run:
    """Run the command as users do and return what it printed; the environment is plain unless given."""

    def run(
        *words: str | Path, env: dict[str, str] | None = None, cwd: Path = ROOT, given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """`given` is the standard input."""
        plain = {
            name: value
            for name, value in os.environ.items()
            if name not in ("NO_COLOR", "GITHUB_ACTIONS", "PYTHONUNBUFFERED")
        }
        return subprocess.run(
            [sys.executable, "-m", "ruleengine", *map(str, words)],
            env=plain | {"PYTHONPATH": str(ROOT)} | (env or {}),
            cwd=cwd,
            input=given,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
        )

    return run
