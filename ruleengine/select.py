"""Selectors: which of the rules that were read are meant.

A word on the command line is a path, or `kind:value`; `!` before it negates. Paths say where to read; every selector
narrows what was read, and a comma in a value means "or".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ruleengine.ir import Rule
from ruleengine.load import Loaded
from ruleengine.suggest import meant

LEVELS = ("informational", "low", "medium", "high", "critical")
COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
}


class SelectorError(ValueError):
    """A selector that cannot be read: a sentence and a hint."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def _name_test(value: str) -> Callable[[Rule], bool]:
    """`rule:x`: an id, a name, a title or the file's stem; `*` and `?` are wildcards."""

    def test(rule: Rule) -> bool:
        path = rule.source.path if rule.source else ""
        stem = path.replace("\\", "/").rpartition("/")[2].partition(".")[0]
        names = (rule.id, rule.name, rule.title, stem)
        return any(fnmatchcase(name.lower(), value.lower()) for name in names if name)

    return test


def _tag_test(value: str) -> Callable[[Rule], bool]:
    return lambda rule: any(fnmatchcase(tag.lower(), value.lower()) for tag in rule.tags)


def _log_source_test(value: str) -> Callable[[Rule], bool]:
    """`logsource:windows/process_creation`: each part is a product, a category or a service."""
    parts = [part.lower() for part in value.split("/") if part]

    def test(rule: Rule) -> bool:
        named = {str(name).lower() for name in (rule.logs.product, rule.logs.category, rule.logs.service) if name}
        return all(any(fnmatchcase(name, part) for name in named) for part in parts)

    return test


def _status_test(value: str) -> Callable[[Rule], bool]:
    return lambda rule: (rule.status or "").lower() == value.lower()


def _level_test(value: str) -> Callable[[Rule], bool]:
    """`level:high` or `level:>=high`."""
    sign = next((sign for sign in COMPARISONS if value.startswith(sign)), "")
    level = value[len(sign) :].lower()
    if level not in LEVELS:
        raise SelectorError(f"`{level}` is not a level", meant(level, LEVELS) or f"levels are {', '.join(LEVELS)}")
    if not sign:
        return lambda rule: (rule.level or "").lower() == level
    compare, bound = COMPARISONS[sign], LEVELS.index(level)
    return lambda rule: (rule.level or "").lower() in LEVELS and compare(LEVELS.index(str(rule.level).lower()), bound)


KINDS: dict[str, Callable[[str], Callable[[Rule], bool]]] = {
    "rule": _name_test,
    "tag": _tag_test,
    "logsource": _log_source_test,
    "status": _status_test,
    "level": _level_test,
}


@dataclass(frozen=True, slots=True)
class Selection:
    """What a command line selects: where to read, and the tests that a rule must pass."""

    paths: tuple[str, ...]
    tests: tuple[Callable[[Rule], bool], ...]

    def chosen(self, rules: Iterable[Loaded]) -> list[Loaded]:
        """Return the rules that pass every test, in their order."""
        return [loaded for loaded in rules if all(test(loaded.rule) for test in self.tests)]


def read_selection(words: Iterable[str]) -> Selection:
    """Return the selection that words of a command line ask for; SelectorError says which cannot be read."""
    paths: list[str] = []
    tests: list[Callable[[Rule], bool]] = []
    for word in words:
        bare = word.removeprefix("!")
        kind, colon, value = bare.partition(":")
        if not colon or kind not in KINDS:
            near = meant(kind, KINDS) if colon and kind.isalpha() and len(kind) > 2 else ""
            if near:
                raise SelectorError(f"there is no selector `{kind}:`", near)
            if word != bare:
                raise SelectorError(f"`{word}`: only a selector can be negated", f"selectors are {', '.join(KINDS)}")
            paths.append(word)
            continue
        if not value:
            raise SelectorError(f"`{word}` selects nothing: a value is missing after the colon")
        tests.append(_either([KINDS[kind](part) for part in value.split(",") if part], negate=word != bare))
    return Selection(tuple(paths), tuple(tests))


def _either(tests: list[Callable[[Rule], bool]], *, negate: bool) -> Callable[[Rule], bool]:
    return lambda rule: any(test(rule) for test in tests) is not negate
