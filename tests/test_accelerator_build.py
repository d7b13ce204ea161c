"""The accelerator, a module in C: it is built where there is a compiler, and the package does without it elsewhere."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from ruleengine.engine._sieve_build import BINARY, SOURCE
from tests.conftest import ROOT

HOOK = "ruleengine/engine/_sieve_build.py"
SOURCES = [str(path.relative_to(ROOT)) for path in (ROOT / "ruleengine" / "engine").glob("_sieve*.[ch]")]
"""What the build needs, and wheels do not have."""
COMPILER = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
HEADERS = sysconfig.get_path("include")
COMPILES = shutil.which(COMPILER[0]) is not None and Path(HEADERS, "Python.h").exists()
needs_compiler = pytest.mark.skipif(not COMPILES, reason="there is no C compiler, or no Python.h")

# A fresh Python with a wheel, unpacked, on its path, and nothing of the checkout before it.
FRESH = """
import sys
sys.path.insert(0, sys.argv[1])
import ruleengine
assert ruleengine.__file__.startswith(sys.argv[1])
from pathlib import Path
from ruleengine.engine import Engine
from ruleengine.engine.native import accelerated
from ruleengine.load import load
rule = Path(ruleengine.__file__).parent / "_starter/rules/cloud/aws_trail_silenced.yml"
engine = Engine.from_rules(load([str(rule)], print).events)
event = {"eventSource": "cloudtrail.amazonaws.com", "eventName": "DeleteTrail"}
print([found.rule.title for found in engine.matches(event)], engine.matches(event | {"eventName": "GetTrail"}))
print([hit.line for hit in engine.match_ndjson(Path(sys.argv[2]).read_bytes())])
print(accelerated())
"""
EVENTS = ROOT / "fixtures" / "cloud" / "cloudtrail.ndjson"


@pytest.fixture(autouse=True)
def wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests without the accelerator still tests that it can be built."""
    monkeypatch.delenv("RULEENGINE_ACCELERATOR", raising=False)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, unpacked: what is built in it does not disturb the checkout."""
    folder = tmp_path_factory.mktemp("source")
    with tarfile.open(next(SdistBuilder(str(ROOT)).build(directory=str(folder)))) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = (path for path in folder.iterdir() if path.is_dir())
    return unpacked


def wheel(source: Path, folder: Path, version: str = "standard") -> Path:
    return Path(next(WheelBuilder(str(source)).build(directory=str(folder), versions=[version])))


def answers(wheel: Path, folder: Path) -> list[str]:
    """What the package in a wheel says of a few events, and whether it is accelerated."""
    zipfile.ZipFile(wheel).extractall(folder)
    done = subprocess.run([sys.executable, "-I", "-c", FRESH, folder, EVENTS], capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def binaries(wheel: Path) -> list[str]:
    return [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith((".so", ".pyd"))]


def test_the_sdist_has_what_the_build_needs(source: Path) -> None:
    assert SOURCE in SOURCES
    for name in (*SOURCES, HOOK):
        assert (source / name).read_bytes() == (ROOT / name).read_bytes()
    assert not (source / BINARY).exists()


@needs_compiler
def test_a_wheel_has_the_module_for_its_platform_and_both_kinds_answer_the_same(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = wheel(source, tmp_path / "fast")
    assert binaries(fast) == [BINARY] and not (source / BINARY).exists()
    assert not fast.name.endswith("-none-any.whl") and f"cp{sys.version_info[0]}{sys.version_info[1]}" in fast.name
    monkeypatch.setenv("RULEENGINE_ACCELERATOR", "0")
    pure = wheel(source, tmp_path / "pure")
    assert binaries(pure) == [] and pure.name.endswith("-py3-none-any.whl")
    monkeypatch.delenv("RULEENGINE_ACCELERATOR")
    *said, with_it = answers(fast, tmp_path / "a")
    assert said[0] == "['AWS CloudTrail Stopped, Deleted or Blinded'] []" and said[1] != "[]"
    *plain, without_it = answers(pure, tmp_path / "b")
    assert plain == said
    assert with_it == "yes" and without_it.startswith("no: ")


@pytest.mark.parametrize("compiler", ["/bin/false", "/nowhere/cc"])
def test_without_a_compiler_the_wheel_is_pure_and_one_sentence_says_so(
    compiler: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", compiler)
    pure = wheel(source, tmp_path)
    assert binaries(pure) == [] and pure.name.endswith("-py3-none-any.whl")
    (said,) = capfd.readouterr().err.splitlines()
    assert said.startswith("ruleengine is built without its accelerator, which costs speed and changes no result: ")
    assert compiler in said and len(said) < 300
    said_of_events = answers(pure, tmp_path / "unpacked")
    assert said_of_events[0] == "['AWS CloudTrail Stopped, Deleted or Blinded'] []"


@needs_compiler
def test_an_editable_install_puts_the_module_beside_its_source_and_no_old_one_stays(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(source, tmp_path, "editable")
    assert (source / BINARY).exists()
    ignored = subprocess.run(["git", "check-ignore", "-q", "--no-index", BINARY], cwd=ROOT)
    assert ignored.returncode in (0, 128), "git knows that it is made (128: this is no checkout)"
    monkeypatch.setenv("CC", "/bin/false")
    assert binaries(wheel(source, tmp_path)) == [], "what an editable install left is in no wheel"
    wheel(source, tmp_path, "editable")
    assert not (source / BINARY).exists()


@needs_compiler
def test_the_c_compiles_without_a_warning(tmp_path: Path) -> None:
    warnings = ["-O3", "-Wall", "-Wextra", "-Werror", "-fPIC", "-isystem", HEADERS]  # none about Python's own headers
    done = subprocess.run(
        [*COMPILER, *warnings, "-c", ROOT / SOURCE, "-o", tmp_path / "sieve.o"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
