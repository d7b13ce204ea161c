"""From files and folders to rules, with every problem of every file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ruleengine.beside import PARAMS, beside, list_entries, set_params, settings_of_nothing
from ruleengine.config import shown
from ruleengine.ir import Correlation, Expr, Filter, Reference, Rule
from ruleengine.lower import Surroundings, lower
from ruleengine.problem import Problem, Report, problem
from ruleengine.sigma import build, yaml
from ruleengine.span import Place, Source
from ruleengine.spell import Placeholders
from ruleengine.suggest import meant

LANGUAGE_SUFFIX = ".rule"
SUFFIXES = (".yml", ".yaml", LANGUAGE_SUFFIX)
TEST_SUFFIXES = (".test.yml", ".test.yaml")
RULE_KEYS = frozenset({"title", "logsource", *build.BODIES})
"""A YAML document in a folder that has none of these is something else, and is passed over."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A rule, and what it says; `expr` is None for correlations and filters, and for what could not be lowered."""

    rule: Rule
    expr: Expr | None


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Everything that was read: the rules in the order of their files, and how many YAML files were no rules."""

    rules: tuple[Loaded, ...]
    passed_over: int

    @property
    def events(self) -> tuple[Loaded, ...]:
        """The rules about one event that can be evaluated."""
        return tuple(loaded for loaded in self.rules if loaded.expr is not None)


Change = Callable[[Rule, Report, Sequence[Rule]], Rule | None]
"""What pipelines make of a rule, given all that were read; None when they refuse it, which they report."""


def load(
    paths: Sequence[str],
    report: Report,
    placeholders: Placeholders | None = None,
    *,
    evaluating: bool = True,
    change: Change | None = None,
) -> RuleSet:
    """Return the rules of some files and folders; what cannot be read is reported, and the rest goes on.

    When evaluating, an unresolved placeholder is an error (RE213); else it is a notice (RE212). `change` is applied to
    each rule as written, its filters attached, before it is lowered.
    """

    def told(found: Problem) -> None:
        report(replace(found, code="RE213") if evaluating and found.code == "RE212" else found)

    rules: list[Rule] = []
    settings: list[str] = []
    passed_over = 0
    seen: set[Path] = set()
    for path, named in rule_files(paths, report):
        where = Path(path).absolute()
        if where in seen:  # a file and its folder were both given
            continue
        if where.name == PARAMS:  # read for each rule that it may concern
            settings.extend([] if named else [path])
            continue
        seen.add(where)
        source = read_text(path, report)
        if source is None:
            continue
        if path.endswith(LANGUAGE_SUFFIX):
            from ruleengine.dsl import parse  # its grammars take a moment to build

            rules.extend(parse.rules(source, told, module(report)))
            continue
        documents = yaml.read(source, told)
        if not named and documents and not any(is_rule(document) for document in documents):
            passed_over += 1
            continue
        rules.extend(build.rules(documents, told))
    around = Surroundings(
        placeholders or {},
        lambda rule: set_params(rule, told) if rule.params and rule.source else {},
        lambda rule, name: list_entries(rule.source.path, name) if rule.source else None,
    )
    for path in settings:
        settings_of_nothing(path, {rule.name for rule in rules if rule.name}, told)
    all_rules = linked(rules, told)
    if change is not None:
        all_rules = [made for rule in all_rules if (made := change(rule, told, all_rules)) is not None]
    return RuleSet(tuple(Loaded(rule, lower(rule, told, around)) for rule in all_rules), passed_over)


def module(report: Report) -> Callable[[str, str], Source | None]:
    """Return the function that finds a module of the rule language."""

    def find(path: str, name: str) -> Source | None:
        found = beside(path, f"{name}{LANGUAGE_SUFFIX}")
        return read_text(shown(found), report) if found is not None else None

    return find


def is_rule(document: yaml.Document) -> bool:
    """Say whether a YAML document is a rule, or was meant to be one."""
    return isinstance(document.root, yaml.Mapping) and not RULE_KEYS.isdisjoint(document.root)


def rule_files(
    paths: Sequence[str], report: Report, suffixes: tuple[str, ...] = SUFFIXES
) -> Iterator[tuple[str, bool]]:
    """Yield the files to read, sorted in each folder, and whether each was named itself; hidden ones are left out."""
    for given in paths:
        if not Path(given).is_dir():
            if Path(given).exists():
                yield given, True
            else:
                report(problem("RE101", given, "there is no such file or folder"))
            continue
        for folder, folders, names in os.walk(given):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                tests = name.endswith(TEST_SUFFIXES) and suffixes is SUFFIXES
                if name.endswith(suffixes) and not name.startswith(".") and not tests:
                    yield str(Path(folder) / name), False


def read_text(path: str, report: Report) -> Source | None:
    """Return a file's text; None after reporting why it cannot be read."""
    try:
        if Path(path).stat().st_size > yaml.MAX_BYTES:
            report(problem("RE102", path, f"the file is larger than {yaml.MAX_BYTES >> 20} MiB"))
            return None
        data = Path(path).read_bytes()
    except OSError as error:
        report(problem("RE101", path, f"the file cannot be read: {error.strerror or error}"))
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        line = 0 if utf16 else data.count(b"\n", 0, error.start) + 1
        hint = "it looks like UTF-16: save it as UTF-8" if utf16 else "save it as UTF-8"
        report(problem("RE101", Place(path, line), "the file is not UTF-8 text", hint))
        return None
    return Source(path, text)


# --- references between rules --------------------------------------------------------------------------------------


def linked(rules: Sequence[Rule], report: Report) -> list[Rule]:
    """Return the rules with the filters that name them; references to nothing are reported."""
    known: dict[str, list[int]] = {}
    for index, rule in enumerate(rules):
        for key in {rule.id, rule.name} - {None}:
            known.setdefault(str(key), []).append(index)
    filters: dict[int, list[Rule]] = {}
    for rule in rules:
        match rule.body:
            case Filter(references, _, any_rule):
                chosen = [index for reference in references for index in _found(reference.key, known, rules)]
                if any_rule:
                    chosen = [index for index, other in enumerate(rules) if _same_source(rule, other)]
                for index in dict.fromkeys(chosen):
                    filters.setdefault(index, []).append(rule)
                _unknown(rule.body.rules, known, report, "RE305")
            case Correlation():
                _unknown(rule.body.rules, known, report, "RE306")
    return [
        replace(rule, filters=tuple(filters[index])) if index in filters else rule for index, rule in enumerate(rules)
    ]


def _found(key: str, known: dict[str, list[int]], rules: Sequence[Rule]) -> list[int]:
    return [index for index in known.get(key, ()) if not isinstance(rules[index].body, Filter)]


def _same_source(given: Rule, rule: Rule) -> bool:
    """Say whether a filter for any rule of its log source is meant for this one."""
    if isinstance(rule.body, Filter | Correlation):
        return False
    wanted, has = given.logs, rule.logs
    pairs = ((wanted.category, has.category), (wanted.product, has.product), (wanted.service, has.service))
    return all(want is None or want == have for want, have in pairs)


def _unknown(references: Sequence[Reference], known: dict[str, list[int]], report: Report, code: str) -> None:
    dead = [reference for reference in references if reference.key not in known and reference.span]
    for index, reference in enumerate(dead):
        assert reference.span is not None
        hint = meant(reference.key, known) if index < 20 else ""  # comparing all with all would take minutes
        sentence = f"no rule that was read has the id or name `{reference.key}`"
        report(problem(code, reference.span, sentence, hint))
