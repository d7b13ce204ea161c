"""From files and folders to rules, with every problem of every file."""

from __future__ import annotations

import enum
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from ruleengine.beside import PARAMS, beside, list_entries, set_params, settings_of_nothing
from ruleengine.codec import FileRead, RuleRead
from ruleengine.config import shown
from ruleengine.ir import Correlation, Expr, Filter, Item, Reference, Rule, Single
from ruleengine.lower import Surroundings, lower
from ruleengine.problem import Problem, Report, problem
from ruleengine.shelf import Shelf, identity
from ruleengine.span import Place, Source
from ruleengine.spell import Placeholders
from ruleengine.suggest import meant
from ruleengine.walk import walk

if TYPE_CHECKING:  # the readers of rules take a moment to import; when all is known from the last run, none is needed
    from ruleengine.sigma import yaml

LANGUAGE_SUFFIX = ".rule"
SUFFIXES = (".yml", ".yaml", LANGUAGE_SUFFIX)
TEST_SUFFIXES = (".test.yml", ".test.yaml")
FILE_LIMIT = 4 << 20
"""Bytes that a rule file may have; `sigma.yaml` bounds texts likewise."""


class _Later(enum.Enum):
    """What stands for an expression that is only spelled out when somebody asks for it."""

    LATER = "later"


class Loaded:
    """A rule, and what it says; `expr` is None for correlations and filters, and for what could not be lowered."""

    __match_args__ = ("rule", "expr")
    __slots__ = ("_expr", "_identity", "rule")

    def __init__(self, rule: Rule, expr: Expr | None, identity: bytes = b"") -> None:
        """Take a rule and what it says, and an identity when one is known already."""
        self.rule = rule
        self._expr: Expr | _Later | None = expr
        self._identity = identity

    @classmethod
    def later(cls, rule: Rule, identity: bytes) -> Loaded:
        """Return a rule that says something by its text alone; it is spelled out when somebody asks for it."""
        made = cls(rule, None, identity)
        made._expr = _Later.LATER
        return made

    @property
    def expr(self) -> Expr | None:
        if isinstance(self._expr, _Later):
            self._expr = lower(self.rule, lambda _: None)
        return self._expr

    @property
    def askable(self) -> bool:
        """Whether it can be asked about one event: `expr is not None`, but nothing is spelled out to know."""
        return self._expr is not None

    @property
    def identity(self) -> bytes:
        """16 bytes that differ when what the rule says differs, or the log source it is said of; for caches.

        When they come from its file they are known at once; they may also differ between rules that say the same.
        """
        if not self._identity:
            said = repr((self.rule.logs, self.expr)).encode("utf-8", "surrogatepass")
            self._identity = blake2b(said, digest_size=16).digest()
        return self._identity

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Loaded):
            return NotImplemented
        return (self.rule, self.expr) == (other.rule, other.expr)

    def __hash__(self) -> int:
        return hash((self.rule, self.expr))

    def __repr__(self) -> str:
        return f"Loaded({self.rule!r}, {self.expr!r})"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Everything that was read: the rules in the order of their files, and how many YAML files were no rules."""

    rules: tuple[Loaded, ...]
    passed_over: int

    @property
    def events(self) -> tuple[Loaded, ...]:
        """The rules about one event that can be evaluated."""
        return tuple(loaded for loaded in self.rules if loaded.askable)


@dataclass(slots=True)
class _File:
    """A rule file: its identity, its text, and what it says by itself."""

    identity: bytes
    source: Source
    read: FileRead
    known: bool
    """Whether that was on the shelf."""
    alone: bool
    """Whether nothing but the file was read to know it: no module."""


Change = Callable[[Rule, Report, Sequence[Rule]], Rule | None]
"""What pipelines make of a rule, given all that were read; None when they refuse it, which they report."""


def load(
    paths: Sequence[str],
    report: Report,
    placeholders: Placeholders | None = None,
    *,
    evaluating: bool = True,
    change: Change | None = None,
    shelf: Shelf | None = None,
) -> RuleSet:
    """Return the rules of some files and folders; what cannot be read is reported, and the rest goes on.

    When evaluating, an unresolved placeholder is an error (RE213); else it is a notice (RE212). `change` is applied to
    each rule as written, its filters attached, before it is lowered. Unless there is one, what is on the shelf is not
    read anew, and what is not is put there; the result is the same, but that metadata has no places, and rules from the
    shelf have no `document`.
    """

    def told(found: Problem) -> None:
        report(replace(found, code="RE213") if evaluating and found.code == "RE212" else found)

    if change is not None:
        shelf = None
    settings: list[str] = []
    files = list(_files(paths, settings, told, shelf))
    rules = [one.rule for file in files for one in file.read.rules]
    around = Surroundings(
        placeholders or {},
        lambda rule: set_params(rule, told) if rule.params and rule.source else {},
        lambda rule, name: list_entries(rule.source.path, name) if rule.source else None,
    )
    for path in settings:
        settings_of_nothing(path, {rule.name for rule in rules if rule.name}, told)
    all_rules = linked(rules, told)
    passed_over = sum(file.read.passed_over for file in files)
    if change is not None:
        changed = [made for rule in all_rules if (made := change(rule, told, all_rules)) is not None]
        return RuleSet(tuple(Loaded(rule, lower(rule, told, around)) for rule in changed), passed_over)
    loaded = tuple(_loaded(files, all_rules, told, around, shelf))
    if shelf is not None:
        shelf.save()
    return RuleSet(loaded, passed_over)


def _files(paths: Sequence[str], settings: list[str], told: Report, shelf: Shelf | None) -> Iterator[_File]:
    """Yield what each rule file says, and put the files of parameters into `settings`."""
    here = str(Path.cwd())
    seen: set[str] = set()
    for path, named in rule_files(paths, told):
        where = str(Path(path).absolute()) if named else os.path.join(here, path)  # noqa: PTH118  # thousands of paths
        if where in seen:  # a file and its folder were both given
            continue
        if where.endswith(PARAMS) and Path(where).name == PARAMS:  # read for each rule that it may concern
            settings.extend([] if named else [path])
            continue
        seen.add(where)
        data = read_bytes(path, told)
        source = text_of(path, data, told) if data is not None else None
        if data is None or source is None:
            continue
        own = identity(path, named, data)
        read = shelf.find(own, source) if shelf is not None else None
        file = _File(own, source, read, known=True, alone=True) if read is not None else _read(own, source, named=named)
        for found in file.read.problems:
            told(found)
        yield file


def _read(own: bytes, source: Source, *, named: bool) -> _File:
    """Return what a rule file says by itself."""
    problems: list[Problem] = []
    if source.path.endswith(LANGUAGE_SUFFIX):
        from ruleengine.dsl import parse  # its grammars take a moment to build

        modules: list[str] = []
        find = module(problems.append)

        def asked(path: str, name: str) -> Source | None:
            modules.append(name)
            return find(path, name)

        rules = tuple(parse.rules(source, problems.append, asked))
        return _File(own, source, _as_read(rules, problems), known=False, alone=not modules)
    from ruleengine.sigma import build, yaml

    documents = yaml.read(source, problems.append)
    if not named and documents and not any(is_rule(document) for document in documents):
        return _File(own, source, FileRead((), True, tuple(problems)), known=False, alone=True)
    rules = tuple(build.rules(documents, problems.append))
    return _File(own, source, _as_read(rules, problems), known=False, alone=True)


def _as_read(rules: Sequence[Rule], problems: Sequence[Problem]) -> FileRead:
    return FileRead(tuple(RuleRead(rule) for rule in rules), False, tuple(problems))


def _loaded(
    files: Sequence[_File], rules: Sequence[Rule], told: Report, around: Surroundings, shelf: Shelf | None
) -> Iterator[Loaded]:
    """Yield the rules of the files with what they say, and put new files on the shelf.

    `rules` are those of the files, in their order, with their filters.
    """
    following = iter(rules)
    for file in files:
        results: list[RuleRead] = []
        new = not file.known
        for index, read in enumerate(file.read.rules):
            rule = next(following)
            unfiltered = rule is read.rule
            own = blake2b(file.identity, digest_size=16, salt=index.to_bytes(8, "little")).digest()
            if unfiltered and read.settled:
                results.append(read)
                for found in read.problems:
                    told(found)
                yield Loaded.later(rule, own) if read.said else Loaded(rule, None, own)
                continue
            problems: list[Problem] = []
            expr = lower(rule, problems.append, around)
            for found in problems:
                told(found)
            settled = shelf is not None and file.alone and unfiltered and is_settled(rule)
            new = new or settled
            results.append(RuleRead(read.rule, settled, expr is not None, tuple(problems) if settled else ()))
            yield Loaded(rule, expr, own if settled else b"")
        if shelf is not None and file.alone and new:
            shelf.keep(file.identity, replace(file.read, rules=tuple(results)), file.source)


def is_settled(rule: Rule) -> bool:
    """Say whether a rule's own text alone says what it means: no parameter, list or placeholder, and no filter."""
    if not isinstance(rule.body, Single) or rule.params or rule.filters:
        return False
    written = (*(selection.item for selection in rule.body.selections), *rule.body.conditions)
    items = (node for expr in written for node in walk(expr) if isinstance(node, Item))
    return not any("list" in item.modifiers or "expand" in item.modifiers for item in items)


def module(report: Report) -> Callable[[str, str], Source | None]:
    """Return the function that finds a module of the rule language."""

    def find(path: str, name: str) -> Source | None:
        found = beside(path, f"{name}{LANGUAGE_SUFFIX}")
        return read_text(shown(found), report) if found is not None else None

    return find


def is_rule(document: yaml.Document) -> bool:
    """Say whether a YAML document is a rule, or was meant to be one; without any key of a rule it is something else."""
    from ruleengine.sigma import build, yaml

    keys = {"title", "logsource", *build.BODIES}
    return isinstance(document.root, yaml.Mapping) and not keys.isdisjoint(document.root)


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
        for folder, folders, names in os.walk(Path(given)):
            lead = "" if folder == "." else folder.removeprefix(f".{os.sep}")
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                tests = name.endswith(TEST_SUFFIXES) and suffixes is SUFFIXES
                if name.endswith(suffixes) and not name.startswith(".") and not tests:
                    yield os.path.join(lead, name), False  # noqa: PTH118  # thousands of paths


def read_text(path: str, report: Report) -> Source | None:
    """Return a file's text; None after reporting why it cannot be read."""
    data = read_bytes(path, report)
    return text_of(path, data, report) if data is not None else None


def read_bytes(path: str, report: Report) -> bytes | None:
    """Return a file's content; None after reporting why it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as stream:  # noqa: PTH123  # thousands of files at each start
            if os.fstat(stream.fileno()).st_size > FILE_LIMIT:
                report(problem("RE102", path, f"the file is larger than {FILE_LIMIT >> 20} MiB"))
                return None
            return stream.readall()
    except OSError as error:
        report(problem("RE101", path, f"the file cannot be read: {error.strerror or error}"))
        return None


def text_of(path: str, data: bytes, report: Report) -> Source | None:
    """Return a file's content as text; None after reporting why it is none."""
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
