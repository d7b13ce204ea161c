"""Finds the rule that a test file is about and loads it; a rule that does not load is said so, never passed over."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ruleengine.engine import Engine
from ruleengine.ir import OVER_TIME, Filter
from ruleengine.load import Change, Loaded, load
from ruleengine.problem import Problem, in_order, problem
from ruleengine.spell import Placeholders
from ruleengine.suggest import meant
from ruleengine.testing.model import Block, Case, OverTime, Subject, Tests

ELSEWHERE = {"RE305", "RE306"}
"""A reference to a rule of another file is no fault of the file when it is loaded alone."""

NO_PLACEHOLDERS: Mapping[str, tuple[str, ...]] = {}


@dataclass(frozen=True, slots=True)
class NoSubject:
    """Why there is no rule to test: the problem at the test file, and those of the rule."""

    problem: Problem
    notes: tuple[Problem, ...] = ()


@dataclass(slots=True)
class Rules:
    """The rule files read so far: several test files may be about one."""

    placeholders: Placeholders = field(default_factory=lambda: NO_PLACEHOLDERS)
    change: Change | None = None
    """What pipelines make of each rule."""
    _read: dict[str, tuple[tuple[Loaded, ...], tuple[Problem, ...]]] = field(default_factory=dict)
    _engines: dict[int, Engine] = field(default_factory=dict)

    def read(self, path: str) -> tuple[tuple[Loaded, ...], tuple[Problem, ...]]:
        """Return the rules of a file or folder, filters left out, and the problems that keep any of it from loading."""
        if path not in self._read:
            found: list[Problem] = []
            loaded = load([path], found.append, self.placeholders, change=self.change).rules
            rules = tuple(one for one in loaded if not isinstance(one.rule.body, Filter))
            self._read[path] = rules, tuple(p for p in in_order(found) if p.blocks and p.code not in ELSEWHERE)
        return self._read[path]

    def subject(self, tests: Tests, case: Case) -> Subject | OverTime | NoSubject:
        """Return the rule of a test: the one it is written in, or for a test file the rule in the file beside it or
        named by it, else by id or name in its folder.
        """
        if case.block:
            return self._in_file(tests.path, tests, case)
        if tests.rule_path:
            rules, faults = self.read(tests.rule_path)
            if faults or not tests.rule_key or any(_is_called(one, tests.rule_key) for one in rules):
                return self._in_file(tests.rule_path, tests, case)
        return self._in_folder(tests, case)

    def _in_file(self, path: str, tests: Tests, case: Case) -> Subject | OverTime | NoSubject:
        rules, faults = self.read(path)
        if faults:
            sentence = f"the rule `{path}` does not load, so this test says nothing"
            return NoSubject(problem("RE504", case.place if case.block else tests.rule_place, sentence), faults)
        if case.block:
            return self._around(case, case.block, rules, tests)
        chosen = [one for one in rules if not tests.rule_key or _is_called(one, tests.rule_key)]
        if len(chosen) == 1:
            return self._subject(chosen[0], path, tests)
        names = ", ".join(f"`{one.rule.name or one.rule.label}`" for one in chosen[:5])
        sentence = f"`{path}` holds {len(chosen) or 'no'} rules{': ' if names else ''}{names}"
        return NoSubject(problem("RE503", tests.rule_place, sentence, "say which with `rule:`" if names else ""))

    def _in_folder(self, tests: Tests, case: Case) -> Subject | OverTime | NoSubject:
        """Look for an id or name in the rules of the folder of the tests; the file that has it is then read alone."""
        folder = str(Path(tests.path).parent)
        rules, faults = self.read(folder)
        paths = list(dict.fromkeys(_path(one) for one in rules if _is_called(one, tests.rule_key)))
        if len(paths) == 1:
            return self._in_file(paths[0], tests, case)
        if paths:
            sentence = f"`{tests.rule_key}` is in `{paths[0]}` and in `{paths[1]}`"
            return NoSubject(problem("RE503", tests.rule_place, sentence))
        known = [name for one in rules for name in (one.rule.id, one.rule.name) if name]
        sentence = f"no rule in the folder `{folder}` has the id or name `{tests.rule_key}`"
        return NoSubject(problem("RE503", tests.rule_place, sentence, meant(tests.rule_key, known)), faults)

    def _around(
        self, case: Case, block: Block, rules: tuple[Loaded, ...], tests: Tests
    ) -> Subject | OverTime | NoSubject:
        """Return the rule that a test is written in; a filter is no rule that could be asked."""
        for one in rules:
            if one.rule.span and one.rule.span.start == block.rule_start:
                return self._subject(one, tests.path, tests)
        return NoSubject(problem("RE503", case.place, "a filter has no truth of its own: test the rules that it names"))

    def _subject(self, loaded: Loaded, path: str, tests: Tests) -> Subject | OverTime | NoSubject:
        if loaded.expr is not None:
            engine = self._engines.get(id(loaded))  # what was read is kept, so no other rule gets its number
            if engine is None:
                engine = self._engines[id(loaded)] = Engine.from_rules([loaded])
            return Subject(loaded.rule, loaded.expr, path, engine)
        if isinstance(loaded.rule.body, OVER_TIME):
            return OverTime(loaded.rule)
        return NoSubject(problem("RE504", tests.rule_place, f"the rule `{path}` does not load"))


def _is_called(loaded: Loaded, key: str) -> bool:
    return key in (loaded.rule.id, loaded.rule.name)


def _path(loaded: Loaded) -> str:
    return os.path.normpath(loaded.rule.source.path) if loaded.rule.source else ""
