"""The package as others get it: wheel, sdist and editable install hold everything and run outside the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from ruleengine.engine._sieve_build import BINARY
from tests.conftest import ROOT
from tests.test_accelerator_build import COMPILES, HOOK, SOURCES

STARTER = ("rules", "fixtures")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The three archives and the unpacked sdist; hatchling is called as pip and build do, but without the network."""
    folder = tmp_path_factory.mktemp("dist")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RULEENGINE_ACCELERATOR", raising=False)
        sdist = Path(next(SdistBuilder(str(ROOT)).build(directory=str(folder))))
        with tarfile.open(sdist) as archive:
            archive.extractall(folder / "source", filter="data")
        (source,) = (folder / "source").iterdir()
        return {
            "sdist": sdist,
            "source": source,
            "wheel": wheel(ROOT, folder, "standard"),
            "again": wheel(source, folder / "again", "standard"),
            # Not that of the checkout, whose compiled module is in use.
            "editable": wheel(source, folder / "editable", "editable"),
        }


def wheel(source: Path, folder: Path, version: str) -> Path:
    return Path(next(WheelBuilder(str(source)).build(directory=str(folder), versions=[version])))


@pytest.fixture(scope="module")
def installed(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel; the libraries are borrowed from ours, so nothing is downloaded."""
    return environment(tmp_path_factory.mktemp("wheel"), built["wheel"])


def environment(folder: Path, wheel: Path) -> Path:
    """Install a wheel into a fresh environment and return its folder of commands."""
    venv.create(folder / "env", with_pip=False, symlinks=True)
    commands = folder / "env" / "bin"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            f"--python={commands / 'python'}",
            "install",
            "--no-deps",
            "--no-index",
            "-q",
            wheel,
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    # Not a .pth of ours: that would bring in the .pth of the editable install, and with it the checkout.
    (site / "borrowed.pth").write_text(f"import sys; sys.path.append({sysconfig.get_path('purelib')!r})\n")
    return commands


def run(command: Sequence[object], folder: Path) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, env=clean)


def tracked(*folders: str) -> set[str]:
    """Return the files of these folders that git has or would take, or skip where there is no git."""
    try:
        done = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *folders],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        pytest.skip("git is not installed")
    if done.returncode:
        pytest.skip("this is not a git checkout")
    return {name for name in done.stdout.split("\0") if name and (ROOT / name).exists()}


def test_the_wheel_has_the_package_and_the_starter_content_and_nothing_else(built: dict[str, Path]) -> None:
    names = set(zipfile.ZipFile(built["wheel"]).namelist())
    inside = {name for name in names if ".dist-info/" not in name}
    assert {name.split("/")[0] for name in inside} <= {"ruleengine", *packages()}
    expected = {f"ruleengine/_starter/{name}" for name in tracked(*STARTER)} | tracked("ruleengine")
    expected |= {name.removeprefix("backends/") for name in tracked("backends") if not name.endswith(".md")}
    expected |= {name.removeprefix("tests/oracles/") for name in tracked("tests/oracles/ruleengine_oracles")}
    expected -= {*SOURCES, HOOK}
    expected |= {BINARY} if COMPILES else set()
    assert inside == expected
    assert any(name.endswith("licenses/LICENSE") for name in names)


def packages() -> list[str]:
    found = {path.relative_to(ROOT / "backends").parts[0] for path in (ROOT / "backends").rglob("*.py")}
    return sorted({*found, "ruleengine_oracles"})


def test_the_sdist_builds_the_same_wheel(built: dict[str, Path]) -> None:
    assert built["again"].name == built["wheel"].name
    assert zipfile.ZipFile(built["again"]).namelist() == zipfile.ZipFile(built["wheel"]).namelist()


def test_the_wheel_runs_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = run([installed / "python", "-c", "import ruleengine; print(ruleengine.__file__)"], tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(installed.parent), where.stderr
    assert run([installed / "ruleengine", "--help"], tmp_path).returncode == 0
    assert run([installed / "ruleengine", "help", "codes"], tmp_path).stdout.startswith("RE101"), "the table is packed"
    every = "import importlib, pkgutil, ruleengine as r\nfor m in pkgutil.walk_packages(r.__path__, 'ruleengine.'):\n"
    every += "    m.name.endswith('__main__') or importlib.import_module(m.name)"
    done = run([installed / "python", "-c", every], tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_wheel_runs_on_its_starter_content(installed: Path, tmp_path: Path) -> None:
    (starter,) = installed.parent.glob("lib/python*/site-packages/ruleengine/_starter")
    shutil.copytree(starter, tmp_path / "project")
    (tmp_path / "project" / "ruleengine.toml").touch()  # what makes a folder a project
    for words in (["check", "rules"], ["match", "fixtures", "--rules", "rules", "--fail-on-match"], ["test", "rules"]):
        done = run([installed / "ruleengine", *words], tmp_path / "project")
        assert done.returncode == (1 if "--fail-on-match" in words else 0), done.stderr


def test_an_editable_install_sees_its_source(built: dict[str, Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(built["editable"]) as archive:
        (pth,) = (name for name in archive.namelist() if name.endswith(".pth"))
        lines = archive.read(pth).decode().split()
    source = built["source"]
    assert [Path(line) for line in lines] == [source, source / "backends", source / "tests" / "oracles"]
    commands = environment(tmp_path, built["editable"])
    done = run([commands / "python", "-c", "import ruleengine; print(ruleengine.__file__)"], tmp_path)
    assert Path(done.stdout.strip()) == source / "ruleengine" / "__init__.py", done.stderr
    assert run([commands / "ruleengine", "--version"], tmp_path).returncode == 0
