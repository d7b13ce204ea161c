"""Reads test files: YAML with places, every slip in the form a problem, the rest of the tests still usable."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ruleengine.load import LANGUAGE_SUFFIX, TEST_SUFFIXES, read_text
from ruleengine.problem import Problem, problem
from ruleengine.sigma import yaml
from ruleengine.span import Place, Source, Span
from ruleengine.suggest import meant
from ruleengine.testing.model import Case, Expect, Given, Kind, Lines, Tests
from ruleengine.testing.paths import inside, is_file
from ruleengine.values import Event

FILE_KEYS = ("version", "rule", "defaults", "tests")
DEFAULT_KEYS = ("event",)
KINDS: tuple[Kind, ...] = ("match", "no_match", "todo_match", "events")
TEST_KEYS = ("name", *KINDS, "because", "expect")
EXPECT_KEYS = ("match", "count")
RULE_SUFFIXES = (".yml", ".yaml", LANGUAGE_SUFFIX)

LINE_RANGE = re.compile(r"([1-9][0-9]{0,17})-([1-9][0-9]{0,17})")


class Faults(list[Problem]):
    """What is wrong with one test, or with the file as a whole."""

    def form(self, where: Span | Place, message: str, hint: str = "") -> None:
        """Report that something is not of the form of a test file."""
        self.append(problem("RE501", where, message, hint))

    def unknown(self, given: yaml.Mapping, known: Iterable[str], of: str) -> None:
        """Report the keys of a mapping that mean nothing there."""
        known = tuple(known)
        for key in given:
            if key not in known:
                hint = meant(key, known) or f"{of} has {', '.join(known)}"
                self.append(problem("RE502", given.key_span(key), f"{of} has no key `{key}`", hint))


def read_tests(path: str) -> Tests:
    """Return the tests of a file; what is wrong is kept with the test or with the file it is about."""
    faults = Faults()
    source = read_text(path, faults.append)
    documents = yaml.read(source, faults.append) if source else []
    root = documents[0].root if documents else None
    if source is None or (faults and not isinstance(root, yaml.Mapping)):
        return _unread(path, faults)
    if not isinstance(root, yaml.Mapping):
        faults.form(Place(path, 1), "a test file is a mapping with `version: 1` and `tests`")
        return _unread(path, faults)
    if len(documents) > 1:
        faults.form(documents[1].span, "a test file is one YAML document", "write one file for each rule")
    faults.unknown(root, FILE_KEYS, "a test file")
    _version(root, faults)
    rule_path, rule_key, rule_place = _rule(root, path, faults)
    cases = tuple(_cases(root, _defaults(root, faults), faults))
    return Tests(path, rule_path, rule_key, rule_place, cases, tuple(faults))


def _unread(path: str, faults: Faults) -> Tests:
    return Tests(path, "", "", Place(path), (), tuple(faults))


def _version(root: yaml.Mapping, faults: Faults) -> None:
    if "version" not in root:
        faults.form(Place(root.source.path, 1), "the file does not say its `version`", "write `version: 1` at its top")
    elif root["version"] != 1 or isinstance(root["version"], bool):
        faults.form(root.value_span("version"), "the only version of test files is 1")


def _rule(root: yaml.Mapping, path: str, faults: Faults) -> tuple[str, str, Place]:
    """Return the file of the rule, its id or name (each may be empty), and where that is said."""
    stem = next(path.removesuffix(suffix) for suffix in (*TEST_SUFFIXES, "") if path.endswith(suffix))
    sibling = next((stem + suffix for suffix in RULE_SUFFIXES if is_file(stem + suffix)), "")
    if "rule" not in root:
        if not sibling:
            sentence = f"there is no rule `{Path(stem).name}.yml` beside the test file"
            faults.append(problem("RE503", path, sentence, "name the rule with `rule:`"))
        return sibling, "", Place(path)
    given, where = root["rule"], root.value_span("rule")
    if not isinstance(given, str) or not given.strip():
        faults.form(where, "`rule` is the id, the name or the path of a rule")
        return "", "", where.place
    if not given.endswith(RULE_SUFFIXES):
        return sibling, given, where.place
    found = inside(given, path, where)
    if isinstance(found, Problem):
        faults.append(found)
        return "", "", where.place
    return found, "", where.place


def _defaults(root: yaml.Mapping, faults: Faults) -> Event:
    given = root.get("defaults")
    if given is None:
        return {}
    if not isinstance(given, yaml.Mapping):
        faults.form(root.value_span("defaults"), "`defaults` is a mapping with `event`")
        return {}
    faults.unknown(given, DEFAULT_KEYS, "`defaults`")
    if given.get("event") is None:
        return {}
    found = _event(given["event"], given.value_span("event"), {}, faults)
    return found.event if found else {}


def _cases(root: yaml.Mapping, defaults: Event, faults: Faults) -> Iterable[Case]:
    given = root.get("tests")
    if not isinstance(given, yaml.Sequence) or not given:
        where = root.value_span("tests") if "tests" in root else Place(root.source.path, 1)
        faults.form(where, "`tests` is a list of tests, and has at least one")
        return
    first: dict[str, int] = {}
    for index, entry in enumerate(given):
        case = _case(entry, given.item_span(index), index + 1, defaults)
        if case.name in first:
            line = first[case.name]
            faults.form(case.place, f"a test is already called `{case.name}`, in line {line}", "give each its own name")
        first.setdefault(case.name, case.place.line)
        yield case


def _case(entry: Any, where: Span, number: int, defaults: Event) -> Case:
    faults = Faults()
    if not isinstance(entry, yaml.Mapping):
        faults.form(where, "a test is a mapping with `name` and `match`, `no_match`, `todo_match` or `events`")
        return Case(f"test {number}", "match", where.place, faults=tuple(faults))
    faults.unknown(entry, TEST_KEYS, "a test")
    name = entry.get("name")
    if not isinstance(name, str) or not name.strip():
        faults.form(entry.value_span("name") if "name" in entry else where, "a test has a `name`, which is a text")
        name = f"test {number}"
    place = entry.key_span("name").place if "name" in entry else where.place
    kinds: list[Kind] = [kind for kind in KINDS if kind in entry]
    if len(kinds) != 1:
        at = entry.key_span(kinds[1]) if kinds else where
        faults.form(at, "a test has exactly one of `match`, `no_match`, `todo_match` and `events`")
        return Case(name, "match", place, faults=tuple(faults))
    kind = kinds[0]
    because = _only_with(entry, "because", kind, "no_match", faults)
    expect = _only_with(entry, "expect", kind, "events", faults)
    if because is not None and (not isinstance(because, str) or not because):
        faults.form(entry.value_span("because"), "`because` is the name of a selection")
        because = None
    recording = _recording(entry, faults) if kind == "events" else ""
    return Case(
        name=name,
        kind=kind,
        place=place,
        events=() if kind == "events" else _events(entry, kind, defaults, faults),
        because=because or "",
        because_place=entry.value_span("because").place if because else place,
        recording=recording,
        expect=None if expect is None else _expect(expect, entry.value_span("expect"), faults),
        faults=tuple(faults),
    )


def _only_with(entry: yaml.Mapping, key: str, kind: Kind, wanted: Kind, faults: Faults) -> Any:
    """Return the value of a key that belongs to one kind of test; None when it is not there, or out of place."""
    if key not in entry:
        return None
    if kind != wanted:
        faults.form(entry.key_span(key), f"`{key}` goes with `{wanted}`, and this test has `{kind}`")
        return None
    if entry[key] is None:
        faults.form(entry.key_span(key), f"`{key}` is empty")
    return entry[key]


# --- events --------------------------------------------------------------------------------------------------------


def _events(entry: yaml.Mapping, kind: Kind, defaults: Event, faults: Faults) -> tuple[Given, ...]:
    """Return the events that a test is about: one, or a list."""
    given, where = entry[kind], entry.value_span(kind)
    if not isinstance(given, yaml.Sequence):
        found = _event(given, where if given is not None else entry.key_span(kind), defaults, faults)
        return (found,) if found else ()
    if not given:
        faults.form(where, f"`{kind}` is an event or a list of events; this list is empty")
    several = (_event(one, given.item_span(index), defaults, faults) for index, one in enumerate(given))
    return tuple(found for found in several if found)


def _event(given: Any, where: Span, defaults: Event, faults: Faults) -> Given | None:
    if not isinstance(given, yaml.Mapping):
        hint = "a file of events goes under `events`" if isinstance(given, str) else ""
        faults.form(where, "an event is a mapping of fields and values", hint)
        return None
    try:
        return Given({**defaults, **json_value(given)}, where.place)
    except OverflowError:
        faults.form(where, "the event holds a number that JSON cannot hold")
        return None


def json_value(value: Any) -> Any:
    """Return data of a rule or a test as the JSON reader would have made them: plain dicts and lists, floats.

    OverflowError for a number that JSON cannot hold.
    """
    if isinstance(value, dict):
        return {key: json_value(member) for key, member in value.items()}
    if isinstance(value, list):
        return [json_value(member) for member in value]
    if value is None or isinstance(value, str | int):
        return value
    number = float(value)
    if number in (float("inf"), float("-inf")):
        raise OverflowError
    return number


def _recording(entry: yaml.Mapping, faults: Faults) -> str:
    given, where = entry["events"], entry.value_span("events")
    if not isinstance(given, str) or not given:
        in_place = isinstance(given, yaml.Sequence | yaml.Mapping)
        hint = "events written here go under `match` or `no_match`" if in_place else ""
        faults.form(where if given is not None else entry.key_span("events"), "`events` is the path of a file", hint)
        return ""
    found = inside(given, entry.source.path, where)
    if isinstance(found, Problem):
        faults.append(found)
        return ""
    return found


def _expect(given: Any, where: Span, faults: Faults) -> Expect | None:
    """Return what a recording is expected to give: `all`, `none`, or a mapping of `match` and `count`."""
    if given in ("all", "none") and isinstance(given, str):
        return Expect("all" if given == "all" else (), None, where.place)
    if not isinstance(given, yaml.Mapping) or not given:
        sentence = "`expect` is `all`, `none`, or a mapping with `match` and `count`"
        faults.form(where, sentence, "write `expect: {match: [2, 5-7]}`")
        return None
    faults.unknown(given, EXPECT_KEYS, "`expect`")
    lines: Lines | str | None = None
    match given.get("match"):
        case None if "match" not in given:
            pass
        case "all":
            lines = "all"
        case "none":
            lines = ()
        case yaml.Sequence() as listed:
            lines = _lines(listed, faults)
        case _:
            sentence = "`match` is `all`, `none`, or a list of line numbers"
            faults.form(given.value_span("match"), sentence, "write `match: [2, 5-7]`")
    count = given.get("count")
    if "count" in given and (not isinstance(count, int) or isinstance(count, bool) or count < 0):
        faults.form(given.value_span("count"), "`count` is a number of lines, 0 or more")
        count = None
    return Expect("all" if isinstance(lines, str) else lines, count, where.place)


def _lines(listed: yaml.Sequence, faults: Faults) -> Lines:
    """Return the ranges of a list such as `[2, 5-7]`, in order and merged."""
    ranges: list[tuple[int, int]] = []
    for index, entry in enumerate(listed):
        found = LINE_RANGE.fullmatch(entry) if isinstance(entry, str) else None
        if isinstance(entry, int) and not isinstance(entry, bool) and entry > 0:
            ranges.append((entry, entry))
        elif found and int(found[1]) <= int(found[2]):
            ranges.append((int(found[1]), int(found[2])))
        else:
            faults.form(listed.item_span(index), "here stands a line number from 1, or a range such as 5-7")
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def seems_ours(source: Source) -> bool:
    """Say whether a `*.test.yml` is a test of ours: it has `version` and `tests` at its root, or a rule beside it.

    Other tools use the same suffix; their files are passed over without being read as YAML.
    """
    if re.search(r"^version[ \t]*:", source.text, re.M) and re.search(r"^tests[ \t]*:", source.text, re.M):
        return True
    stem = next(source.path.removesuffix(suffix) for suffix in (*TEST_SUFFIXES, "") if source.path.endswith(suffix))
    for path in (stem + suffix for suffix in RULE_SUFFIXES):
        beside = read_text(path, lambda _: None) if is_file(path) else None
        if beside and re.search(r"^(?:(?:detection|correlation)[ \t]*:|rule\b)", beside.text, re.M):
            return True
    return False
