"""The formatter, the scaffold and the converter on files: `name.in.rule` becomes `name.out.rule`, also with `.yml`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ruleengine.cli.main import guarded
from ruleengine.formatting import formatted
from ruleengine.problem import Problem
from ruleengine.sigma import format as sigma_format
from ruleengine.span import Source
from tests.conftest import CASES

FOLDER = CASES / "format"
FILES = sorted(FOLDER.glob("*.in.*"))
UGLY = "rule  a   'A'\n  match a=='x'   # why\n"
NEAT = "rule a 'A'\n  match a == 'x'  # why\n"


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_a_file_is_put_into_the_style(path: Path, golden: Callable[[Path, str], None]) -> None:
    problems: list[Problem] = []
    text = formatted(Source(path.name, path.read_text("utf-8")), problems.append)
    assert [each for each in problems if each.severity == "error"] == []
    assert text is not None
    golden(path.with_name(path.name.replace(".in.", ".out.")), text)
    assert formatted(Source(path.name, text), problems.append) == text


def test_fmt_rewrites_checks_and_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.rule"
    path.write_text(UGLY)
    assert guarded(["fmt", ".", "--check"]) == 1
    assert capsys.readouterr().out == "a.rule\n"
    assert guarded(["fmt", "a.rule", "--diff"]) == 1
    assert "\n+  match a == 'x'  # why\n" in capsys.readouterr().out
    assert path.read_text() == UGLY
    assert guarded(["fmt", "a.rule"]) == 0
    assert path.read_text() == NEAT
    before = path.stat().st_mtime_ns
    assert guarded(["fmt", "."]) == 0
    assert guarded(["fmt", ".", "--check"]) == 0
    assert path.stat().st_mtime_ns == before, "a file in the style is not touched"


@pytest.mark.parametrize("text", ["rule a 'A'\n  match  a == \n", "rule a 'A'\n  let  x = b == 1\n", "rule a 'A\n"])
def test_a_file_with_problems_is_left_alone(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.rule"
    path.write_text(text)
    assert guarded(["fmt", str(path)]) == 3
    assert path.read_text() == text
    assert "RE8" in capsys.readouterr().err


def test_what_is_no_rule_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text("services:\n  a:   1\n")
    (tmp_path / "a.test.yml").write_text("version:   1\n")
    assert guarded(["fmt", str(tmp_path)]) == 5
    assert guarded(["fmt", str(tmp_path / "gone")]) == 3


ODD_YAML = (
    "{title: T, logsource: {product: windows}, detection: {s: {Image: a}, condition: s}}\n",
    "title: T\nlogsource: &l\n  product: windows\ndetection:\n  s:\n    Image: a\n  condition: s\n",
    "title: T\nlogsource:\n  product: windows\ndetection:\n  s:\n    -\n      Image: a\n  condition: s\n",
    "title: T\ndescription: |2\n    x\n   y\nlogsource:\n  product: x\ndetection:\n  s:\n    a: b\n  condition: s\n",
    "title: T\nbase: &b {a: a}\nlogsource:\n  product: x\ndetection:\n  s:\n    <<: *b\n    c: d\n  condition: s\n",
)


@pytest.mark.parametrize("text", ODD_YAML)
def test_yaml_that_is_not_moved_about_stays_as_it_is(text: str) -> None:
    assert sigma_format.formatted(Source("a.yml", text)) == text


def test_new_makes_a_rule_that_is_clean_and_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ruleengine.toml").touch()
    sources = (
        "windows/process_creation",
        "linux",
        "platform service:signup",
        "category:webserver",
        "aws service:cloudtrail",
    )
    for number, source in enumerate(sources):
        for form in ((), ("--sigma",)):
            name = f"area_{number}/rule_{number}_{len(form)}"
            assert guarded(["new", "rule", name, "--logs", source, *form]) == 0
            assert (tmp_path / "rules" / f"{name}{'.yml' if form else '.rule'}").exists()
    assert guarded(["check", "--fail-on", "warning", "--ignore", "RE423"]) == 0, capsys.readouterr().out
    assert guarded(["test", "rules"]) == 0, capsys.readouterr().out
    assert guarded(["fmt", "--check"]) == 0


@pytest.mark.parametrize(
    "words",
    [
        ["../x"],
        ["a b"],
        ["x.rule"],
        ["x", "--logs", "#"],
        ["x", "--logs", "a == 1"],
        ["area/there"],
        ["area/there", "--sigma"],
    ],
)
def test_new_refuses_what_it_cannot_do(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ruleengine.toml").touch()
    there = tmp_path / "rules" / "area" / "there.rule"
    there.parent.mkdir(parents=True)
    there.write_text("mine\n")
    assert guarded(["new", "rule", *words]) == 2
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "ruleengine.toml", there]
    assert there.read_text() == "mine\n"


def test_convert_writes_folders_and_never_over_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for area, name in (("a", "one"), ("a/b", "two")):
        (tmp_path / "in" / area).mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / area / f"{name}.rule").write_text(NEAT.replace("rule a", f"rule {name}"))
    words = ["convert", "in", "--to", "sigma"]
    assert guarded(words) == 2, "two files do not fit on stdout"
    assert guarded([*words, "--output", "out"]) == 0
    assert sorted(str(path.relative_to("out")) for path in Path("out").rglob("*.yml")) == ["a/b/two.yml", "a/one.yml"]
    assert guarded([*words, "--output", "out"]) == 0, "the same text again"
    (tmp_path / "out" / "a" / "one.yml").write_text("mine\n")
    assert guarded([*words, "--output", "out"]) == 2
    assert (tmp_path / "out" / "a" / "one.yml").read_text() == "mine\n"
    assert guarded([*words, "--output", "out", "--force"]) == 0
    assert guarded(["convert", "in", "--to", "rule", "--output", "again"]) == 5, "they are of the language already"
    assert guarded(["convert", "in", "gone", "--to", "sigma", "--output", "out"]) == 3
    capsys.readouterr()
