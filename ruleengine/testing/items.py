"""Test files as pytest sees them: a file is a collector, each of its tests an item."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ruleengine.config import ConfigError, read_config
from ruleengine.load import LANGUAGE_SUFFIX, read_text
from ruleengine.spell import Placeholders
from ruleengine.testing.inline import has_tests, read_inline
from ruleengine.testing.model import Case, Result, Tests
from ruleengine.testing.read import read_tests, seems_ours
from ruleengine.testing.run import run_case, to_run
from ruleengine.testing.show import SKIPPED, failure
from ruleengine.testing.subject import Rules

RULES = pytest.StashKey[dict[Path, Rules]]()
"""The rules read so far in this session, by project."""


def collector(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Return the collector of a file, if it is a test file of ours, or rules with tests in them."""
    source = read_text(_shown(file_path), lambda _: None)
    ours = has_tests if file_path.suffix == LANGUAGE_SUFFIX else seems_ours
    if source is not None and not ours(source):
        return None
    found: pytest.Collector = RuleTestFile.from_parent(parent, path=file_path)
    return found


class RuleTestFile(pytest.File):
    """A file *.test.yml, or *.rule."""

    def collect(self) -> Iterator[pytest.Item]:
        tests = (read_inline if self.path.suffix == LANGUAGE_SUFFIX else read_tests)(_shown(self.path))
        for case in to_run(tests):
            yield RuleTestItem.from_parent(self, name=case.name, case=case, tests=tests)


class RuleTestItem(pytest.Item):
    """One test of a rule."""

    def __init__(self, *, case: Case, tests: Tests, **given: Any) -> None:
        super().__init__(**given)
        self.case, self.tests = case, tests

    def runtest(self) -> None:
        result = run_case(self.case, self.tests, _rules(self))
        if result.outcome == "todo":
            pytest.xfail(SKIPPED["todo"])
        if result.outcome == "unevaluated":
            pytest.skip(SKIPPED["unevaluated"])
        if result.outcome != "passed":
            raise RuleTestFailure(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, RuleTestFailure):
            return failure(excinfo.value.result)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        return self.path, max(self.case.place.line - 1, 0), self.name


class RuleTestFailure(Exception):
    """A test did not pass; the text is what the verb says in one sentence."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.problem.message if result.problem else result.outcome)
        self.result = result


def _shown(path: Path) -> str:
    """Return a path as people write it: relative to where they are, when it lies below."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _rules(item: pytest.Item) -> Rules:
    """Return the rules of the project of an item, read once a session."""
    known = item.config.stash.setdefault(RULES, {})
    folder = item.path.parent
    if folder not in known:
        known[folder] = Rules(_placeholders(folder))
    return known[folder]


def _placeholders(folder: Path) -> Placeholders:
    try:
        return read_config(folder).placeholders
    except ConfigError as error:
        raise pytest.UsageError(f"{error.problem.place}: {error.problem.message}") from None
