"""From the paths that people name to tests: a test file, a rule (the tests in it and beside it), or a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ruleengine.load import LANGUAGE_SUFFIX, SUFFIXES, TEST_SUFFIXES, read_text, rule_files
from ruleengine.problem import Report, problem
from ruleengine.testing.inline import has_tests, read_inline
from ruleengine.testing.model import Case, Tests
from ruleengine.testing.paths import is_file
from ruleengine.testing.read import read_tests, seems_ours


@dataclass(frozen=True, slots=True)
class Wanted:
    """A path of the command line: `x.test.yml`, `x.test.yml:9` (the test at that line), `x.test.yml::its name`."""

    path: str
    line: int = 0
    name: str = ""


def wanted(word: str) -> Wanted:
    """Return what a word of the command line asks for; a file that exists is always just a path."""
    if is_file(word):
        return Wanted(word)
    path, colons, name = word.partition("::")
    if colons and name:
        return Wanted(path, name=name)
    path, _, line = word.rpartition(":")
    if path and line.isdecimal() and line.isascii() and len(line) < 10:
        return Wanted(path, line=int(line))
    return Wanted(word)


def collect(words: Sequence[str], report: Report) -> Iterator[Tests]:
    """Yield the files with tests that the words mean, each once; what names nothing is reported."""
    chosen: dict[Path, list[Wanted]] = {}
    shown: dict[Path, str] = {}
    for word in words:
        want = wanted(word)
        for path in _files(want.path, report):
            real = Path(path).resolve()
            shown.setdefault(real, path)
            chosen.setdefault(real, []).append(want)
    for real, wants in chosen.items():
        path = shown[real]
        tests = read_inline(path) if path.endswith(LANGUAGE_SUFFIX) else read_tests(path)
        yield tests if any(not (want.line or want.name) for want in wants) else _narrowed(tests, wants)


def _narrowed(tests: Tests, wants: Sequence[Wanted]) -> Tests:
    """Return only the tests that are named, or that stand at the lines named."""
    cases = tests.cases
    kept = []
    for case, following in zip(cases, (*cases[1:], None), strict=True):
        end = _begins(following, case) if following else 1 << 30
        if any(_is_named(case, want) or case.place.line <= want.line < end for want in wants):
            kept.append(case)
    return replace(tests, cases=tuple(kept))


def _begins(case: Case, earlier: Case) -> int:
    """Return the line from which on a test is meant: that of its `test`, for the first of several cases."""
    return case.block.line if case.block and case.block != earlier.block else case.place.line


def _is_named(case: Case, want: Wanted) -> bool:
    """Say whether a test is meant by its name, or by the name or the line of the `test` it stands in."""
    if case.block and (want.name == case.block.name or want.line == case.block.line):
        return True
    return want.name == case.name


def _files(path: str, report: Report) -> Iterator[str]:
    """Yield the files with tests that a path means."""
    if is_file(path):
        if path.endswith(TEST_SUFFIXES):
            yield path
        elif path.endswith(SUFFIXES):
            yield from _of_rule(path, report)
        else:
            report(problem("RE514", path, "this is neither a rule nor a test file", "tests are in files *.test.yml"))
        return
    for found, _ in rule_files([path], report, (*TEST_SUFFIXES, LANGUAGE_SUFFIX)):
        source = read_text(found, report)
        if source is None:
            continue
        if found.endswith(LANGUAGE_SUFFIX):
            if has_tests(source):
                yield found
        elif seems_ours(source):
            yield found
        else:
            sentence = "passed over: this file has no `version` and `tests`, and no rule beside it"
            report(problem("RE514", found, sentence))


def _of_rule(path: str, report: Report) -> Iterator[str]:
    """Yield the files that hold the tests of a rule: its own, and those beside it."""
    own = list(beside(path))
    source = read_text(path, report) if path.endswith(LANGUAGE_SUFFIX) else None
    if source is not None and has_tests(source):
        own.insert(0, path)
    if not own:
        where = "in this file or beside it" if source is not None else "file beside this rule"
        report(problem("RE515", path, f"there is no test {where}"))
    yield from own


def beside(rule_path: str) -> Iterator[str]:
    """Yield the test files of a rule: those of the same name in the same folder."""
    stem = next(rule_path.removesuffix(suffix) for suffix in SUFFIXES if rule_path.endswith(suffix))
    yield from (stem + suffix for suffix in TEST_SUFFIXES if is_file(stem + suffix))
