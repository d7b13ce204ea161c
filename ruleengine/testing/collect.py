"""From the paths that people name to test files: a test file itself, a rule (its tests), or a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ruleengine.load import SUFFIXES, TEST_SUFFIXES, read_text, rule_files
from ruleengine.problem import Report, problem
from ruleengine.testing.model import Tests
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
    """Yield the test files of the words, each once; what names nothing is reported."""
    chosen: dict[Path, list[Wanted]] = {}
    shown: dict[Path, str] = {}
    for word in words:
        want = wanted(word)
        for path in _files(want.path, report):
            real = Path(path).resolve()
            shown.setdefault(real, path)
            chosen.setdefault(real, []).append(want)
    for real, wants in chosen.items():
        tests = read_tests(shown[real])
        yield tests if any(not (want.line or want.name) for want in wants) else _narrowed(tests, wants)


def _narrowed(tests: Tests, wants: Sequence[Wanted]) -> Tests:
    """Return only the tests that are named, or that stand at the lines named."""
    cases = tests.cases
    kept = []
    for case, following in zip(cases, (*cases[1:], None), strict=True):
        end = following.place.line if following else 1 << 30
        if any(want.name == case.name or case.place.line <= want.line < end for want in wants):
            kept.append(case)
    return replace(tests, cases=tuple(kept))


def _files(path: str, report: Report) -> Iterator[str]:
    """Yield the test files that a path means."""
    if is_file(path):
        if path.endswith(TEST_SUFFIXES):
            yield path
        elif path.endswith(SUFFIXES):
            own = list(beside(path))
            if not own:
                report(problem("RE515", path, "there is no test file beside this rule"))
            yield from own
        else:
            report(problem("RE514", path, "this is neither a rule nor a test file", "tests are in files *.test.yml"))
        return
    for found, _ in rule_files([path], report, TEST_SUFFIXES):
        source = read_text(found, report)
        if source is None:
            continue
        if seems_ours(source):
            yield found
        else:
            sentence = "passed over: this file has no `version` and `tests`, and no rule beside it"
            report(problem("RE514", found, sentence))


def beside(rule_path: str) -> Iterator[str]:
    """Yield the test files of a rule: those of the same name in the same folder."""
    stem = next(rule_path.removesuffix(suffix) for suffix in SUFFIXES if rule_path.endswith(suffix))
    yield from (stem + suffix for suffix in TEST_SUFFIXES if is_file(stem + suffix))
