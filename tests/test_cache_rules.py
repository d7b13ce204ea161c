"""Rules mean the same and are complained of alike with and without the cache, whatever is changed between two runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ruleengine import beside
from ruleengine.engine.cache import Cache
from ruleengine.load import RuleSet, load
from ruleengine.problem import Problem
from ruleengine.shelf import KIND, Shelf, identity
from ruleengine.spell import Placeholders
from tests.conftest import ROOT
from tests.corpora import shared
from tests.exactly import same
from tests.test_codec import MISSHAPEN


@pytest.fixture
def store(tmp_path: Path) -> Cache:
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    return Cache(folder, pytest.fail)


# --- rules with and without ----------------------------------------------------------------------------------------

KEPT_BODY = "KeptSingle"
"""What the body of a rule that was known is called; to its users it is a Single."""


KNOWN = {"known": ("a", "b")}
"""The placeholders of the configuration."""


def read(
    folders: list[str], store: Cache | None, placeholders: Placeholders = KNOWN, *, evaluating: bool = True
) -> tuple[RuleSet, list[Problem]]:
    """Return the rules of folders, and every problem in the order it was told."""
    beside._read.cache_clear()  # lists are read once in a process, and a new command is a new process
    problems: list[Problem] = []
    shelf = Shelf(store, folders) if store else None
    return load(folders, problems.append, placeholders, evaluating=evaluating, shelf=shelf), problems


def check(
    folders: list[str], store: Cache, placeholders: Placeholders = KNOWN, *, evaluating: bool = True
) -> list[str]:
    """Compare loading with and without the cache; return the file of each rule that was read anew."""
    plain, told = read(folders, None, placeholders, evaluating=evaluating)
    cached, told_again = read(folders, store, placeholders, evaluating=evaluating)
    assert told_again == told
    assert [found.place.excerpt for found in told_again] == [found.place.excerpt for found in told]
    assert plain.passed_over == cached.passed_over
    for one, other in zip(plain.rules, cached.rules, strict=True):
        assert one.askable is other.askable is (one.expr is not None)
    for one, other in zip(plain.rules, cached.rules, strict=True):
        same((one.rule, one.expr), (other.rule, other.expr))
        assert one == other and other == one
    bodies = [(loaded.rule.source, loaded.rule.body) for loaded in cached.rules]
    return [source.path for source, body in bodies if source and type(body).__name__ != KEPT_BODY]


@pytest.mark.parametrize("folder", ["rules", "tests/cases"])
def test_our_rules_mean_the_same_from_the_cache(folder: str, store: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    first, second = check([folder], store), check([folder], store)
    assert 0 < len(second) < len(first), "most files are known the second time"
    assert check([f"{folder}/."], store) == second, "the same set"
    assert len(check([folder, "pyproject.toml"], store)) == len(first), "another set"


SIGMAHQ = ("rules", "rules-compliance", "rules-emerging-threats", "rules-placeholder", "rules-threat-hunting")


@pytest.mark.parametrize("name", SIGMAHQ)
def test_the_rules_of_sigmahq_mean_the_same_from_the_cache(name: str, store: Cache) -> None:
    folder = str(shared("sigmahq") / name)
    before = read([folder], store)[0]
    assert check([folder], store) == []
    after = read([folder], store)[0]
    assert [loaded.identity for loaded in after.rules] == [loaded.identity for loaded in before.rules]
    assert len({loaded.identity for loaded in after.events}) == len(after.events)


def sigma(name: str, value: str = "a", logs: str = "product: x") -> str:
    return f"title: {name}\nname: {name}\nlogsource: {{{logs}}}\ndetection: {{s: {{f: {value}}}, condition: s}}\n"


def filters(rules: str) -> str:
    return f"title: G\nlogsource: {{product: x}}\nfilter: {{rules: {rules}, s: {{u: me}}, condition: not s}}\n"


UNTITLED = "logsource: {product: x}\ndetection: {s: {f: b}, condition: s or t}\n"
PROJECT = {
    "ruleengine.toml": "",
    "rules/plain.yml": sigma("a", "1.50") + "date: 2024-01-01\n",
    "rules/untitled.yml": UNTITLED,
    "rules/note.yml": "a: note\n",
    "rules/filtered.yml": sigma("b"),
    "rules/broken.yml": "title: [\n",
    "rules/open.yml": sigma("c").replace("f: a", "f|expand: '%known%%un%'"),
    "rules/given.yml": sigma("d").replace("f: a", "f|expand: '%known%'"),
    "rules/counted.yml": "title: D\ncorrelation:\n  {type: event_count, rules: [b], group-by: [u], timespan: 1m, "
    "condition: {gte: 2}}\n",
    "rules/many.yml": f"{sigma('e')}---\ntitle: F\ndetection: 1\n",
    "rules/lib/shared.rule": "let office = host in ['a', 'b']\n",
    "rules/uses.rule": "use office from lib/shared\n\nrule uses\n  logs product:x\n  match office and f == 'x'\n",
    "rules/listed.rule": "rule listed\n  logs product:x\n  match f in list('bad')\n",
    "rules/limited.rule": "rule limited\n  logs product:x\n  param most = 10\n  match f > most\n",
    "rules/tested.rule": "rule tested\n  logs product:x\n  match len(f) > 5 and f in ['a', 'b*']\n"
    "  test 'it is long'\n    match {f: [b, 1.5, null]}\n",
    "rules/lists/bad.txt": "one\ntwo\n",
    "params.yaml": "limited: {most: 20}\n",
}
"""A project in which rules depend on files beside them, each in its own way; some of it is wrong on purpose."""

EDITS: dict[str, dict[str, str | None]] = {
    "a rule": {"rules/plain.yml": sigma("a", "1.5")},
    "a comment": {"rules/plain.yml": "# new\n" + sigma("a", "1.5")},
    "a rule comes": {"rules/new.yml": sigma("h")},
    "a rule goes": {"rules/new.yml": None},
    "a rule without a title is renamed": {"rules/untitled.yml": None, "rules/renamed.yml": UNTITLED},
    "a rule moves": {"rules/plain.yml": None, "rules/below/plain.yml": sigma("a", "1.5")},
    "a list": {"rules/lists/bad.txt": "one\n"},
    "a list goes": {"rules/lists/bad.txt": None},
    "a parameter": {"params.yaml": "limited: {most: 30}\n"},
    "a wrong parameter": {"params.yaml": "limited: {most: a}\nno_rule: {a: 1}\n"},
    "no parameters": {"params.yaml": None},
    "a module": {"rules/lib/shared.rule": "let office = host in ['c']\n"},
    "a module goes": {"rules/lib/shared.rule": None},
    "a module comes": {"rules/lib/shared.rule": "let office = host in ['d']\n"},
    "a filter": {"rules/filter.yml": filters("[b]")},
    "a filter of any rule": {"rules/filter.yml": filters("any")},
    "what a correlation and a filter name": {"rules/filtered.yml": sigma("z"), "rules/filter.yml": filters("[b]")},
    "the filter goes": {"rules/filter.yml": None},
    "a note becomes a rule": {"rules/note.yml": sigma("i")},
    "rules become notes": {"rules/note.yml": "a: note\n", "rules/many.yml": "b: note\n"},
    "no text": {"rules/filtered.yml": "\0"},
}


def write(folder: Path, files: dict[str, str | None] | dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")


def test_the_project_has_the_faults_that_are_meant(store: Cache, tmp_path: Path) -> None:
    write(tmp_path, PROJECT)
    rules, problems = read([str(tmp_path / "rules")], store)
    assert sorted({found.code for found in problems}) == ["RE103", "RE213", "RE223", "RE226", "RE302"]
    assert (len(rules.rules), len(rules.events), rules.passed_over) == (11, 8, 1)


def test_after_every_edit_rules_mean_the_same(store: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "project"
    write(project, PROJECT)
    monkeypatch.chdir(project)
    everything = check(["rules"], store)
    known = {"rules/plain.yml", "rules/untitled.yml", "rules/open.yml", "rules/listed.rule", "rules/tested.rule"}
    assert known <= set(everything)
    assert known.isdisjoint(check(["rules"], store))
    meant: dict[bytes, str] = {}
    for what, files in EDITS.items():
        write(project, files)
        check(["rules"], store)
        assert known.isdisjoint(check(["rules"], store)), what
        check(["rules/note.yml", "rules"], store)
        for loaded in read(["rules"], store)[0].events:
            said = repr((loaded.rule.logs, loaded.expr))
            assert meant.setdefault(loaded.identity, said) == said, what


def test_with_other_placeholders_rules_mean_the_same(store: Cache, tmp_path: Path) -> None:
    write(tmp_path, PROJECT)
    folders = [str(tmp_path / "rules")]
    given: tuple[Placeholders, ...] = (KNOWN, {"known": ("c",)}, {"known": ("a",), "un": ("d", "e")}, {})
    for placeholders in given:
        for evaluating in (True, False):
            check(folders, store, placeholders, evaluating=evaluating)


def test_files_differ_in_content_in_name_and_in_being_named() -> None:
    given = [("a/x.yml", False, b""), ("a/y.yml", False, b""), ("a/x.yml", True, b""), ("a/x.yml", False, b"x")]
    assert len({identity(*each) for each in given}) == 4
    assert identity("b/x.yml", False, b"") == identity(*given[0]), "a file may move"


def test_a_changed_rule_is_the_only_one_read(store: Cache, tmp_path: Path) -> None:
    for number in range(9):
        write(
            tmp_path, {f"rules/{number}.yml": sigma("x", str(number)), f"rules/{number}.rule": "rule y\n  match a == 1"}
        )
    folder = str(tmp_path / "rules")
    assert len(check([folder], store)) == 18
    assert check([folder], store) == []
    write(tmp_path, {"rules/4.yml": sigma("y"), "rules/5.rule": None})
    assert check([folder], store) == [f"{folder}/4.yml"]
    os.utime(f"{folder}/6.yml", (0, 0))
    assert check([folder], store) == []
    write(tmp_path, {"rules/4.yml": sigma("x", "4")})
    assert check([folder], store) == [f"{folder}/4.yml"], "what was not used is not kept"


# --- as a command does it ------------------------------------------------------------------------------------------

CHOOSE = """
import argparse, sys
from ruleengine.cli.rules import cache_of, choose, tell
chosen = choose(sys.argv[2:], cache=cache_of(argparse.Namespace(no_cache=sys.argv[1] == "--no-cache")))
tell(chosen.problems, notices=True)
print(*sorted({"yaml", "lark"} & set(sys.modules)))
for loaded in chosen.rules:
    print(loaded.rule.source.path, loaded.rule.label, loaded.expr)
"""


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start a process that chooses rules, with the cache in a folder."""
    return subprocess.Popen(
        [sys.executable, "-c", CHOOSE, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        env={**os.environ, "RULEENGINE_CACHE": str(folder), "PYTHONIOENCODING": "utf-8:backslashreplace"},
    )


def test_processes_at_once_say_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    rules = "tests/cases"
    without = start(folder, "--no-cache", rules).communicate()
    assert not folder.exists()
    cold = [start(folder, "", rules) for _ in range(3)]
    assert [one.communicate() for one in cold] == [without] * 3
    assert len(list(folder.iterdir())) == 1
    assert start(folder, "", rules).communicate() == without


def test_what_is_known_needs_no_reader_of_rules(tmp_path: Path) -> None:
    write(tmp_path, {"rules/a.yml": sigma("a"), "rules/b.rule": "rule y\n  match a == 1", "rules/c.yml": "a: note"})
    words = ["", str(tmp_path / "rules")]
    cold, warm = (start(tmp_path / "cache", *words).communicate() for _ in range(2))
    assert cold[1] == warm[1] == ""
    assert cold[0].startswith("lark yaml\n") and warm[0].startswith("\n")
    assert cold[0].splitlines()[1:] == warm[0].splitlines()[1:]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes of this kind")
def test_a_folder_that_is_refused_is_told_and_rules_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(0o777)
    write(tmp_path, {"rules/a.yml": sigma("a")})
    out, said = start(folder, "", str(tmp_path / "rules")).communicate()
    assert said == f"ruleengine: the cache folder `{folder}` may be written by others; `chmod 700` it\n"
    assert len(out.splitlines()) == 2
    assert list(folder.iterdir()) == []


# --- what is not believed ------------------------------------------------------------------------------------------


@given(st.one_of(st.binary(max_size=40), MISSHAPEN.map(msgspec.msgpack.encode)))
def test_bytes_that_are_no_rules_are_as_good_as_none(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """The digest of what is put here is right; the content is not."""
    folder = tmp_path_factory.mktemp("hostile")
    write(folder, {"rules/plain.yml": PROJECT["rules/plain.yml"]})
    store = Cache(folder, pytest.fail)
    paths = [str(folder / "rules")]
    store.put(KIND, "\0".join(paths).encode(), content)
    assert len(check(paths, store)) == 1
    assert check(paths, store) == []
