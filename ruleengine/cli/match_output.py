"""Writes what `match` finds: one JSON object a match, an array of them, or a table of the rules that matched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TextIO

from ruleengine.cli.match_rows import Found, Rows
from ruleengine.cli.table import table
from ruleengine.draw import counted, visible
from ruleengine.load import Loaded
from ruleengine.schema.logsources import EventSource, conflict

LEVEL_ORDER = ("critical", "high", "medium", "low", "informational", "")


class Objects:
    """One JSON object a match: by itself on a line, or in one array."""

    def __init__(self, stream: TextIO, *, array: bool) -> None:
        self.stream, self.array, self.first = stream, array, True

    def write(self, _: str, made: str | Rows) -> None:
        """Write the objects of some matches."""
        assert isinstance(made, str)
        if not made:
            return
        if self.array:
            self.stream.write("[\n" if self.first else ",\n")
            self.first = False
        self.stream.write(made)

    def end(self) -> None:
        if self.array:
            self.stream.write("[]\n" if self.first else "\n]\n")


class First(NamedTuple):
    """Where a rule matched first, and the lines that say why."""

    path: str
    line: int
    why: list[str]


class Table:
    """A table of the rules that matched, then what was seen in all; with detail, why each rule's first match is one."""

    def __init__(self, stream: TextIO, rules: Sequence[Loaded]) -> None:
        self.stream, self.rules = stream, rules
        self.first: dict[int, First] = {}
        self.hits: Counter[int] = Counter()

    def write(self, path: str, made: str | Rows) -> None:
        """Count some matches in a file; they are written at the end."""
        assert isinstance(made, Rows)
        self.hits.update(made.counts)
        for rule, line, why in made.first:
            if rule not in self.first:
                self.first[rule] = First(path, line, why)

    def end(self) -> None:
        order = sorted(self.first, key=lambda rule: (self._level(rule), -self.hits[rule], self.rules[rule].rule.title))
        cells_of = [self._cells(rule) for rule in order]
        self.stream.writelines(table(("LEVEL", "MATCHES", "RULE", "FIRST AT"), cells_of) if order else ())
        for rule in order:
            first = self.first[rule]
            if first.why:
                title = visible(self.rules[rule].rule.title)
                self.stream.write(f"\n{title} at {visible(first.path)}:{first.line}\n")
                self.stream.writelines(f"  {visible(line)}\n" for line in first.why)

    def _level(self, rule: int) -> int:
        level = (self.rules[rule].rule.level or "").lower()
        return LEVEL_ORDER.index(level) if level in LEVEL_ORDER else len(LEVEL_ORDER)

    def _cells(self, index: int) -> tuple[str, ...]:
        rule, first = self.rules[index].rule, self.first[index]
        at = visible(f"{first.path}:{first.line}")
        return visible(rule.level or "-"), f"{self.hits[index]:,}", visible(rule.title), at


class Totals:
    """Writes what was found, and counts it."""

    def __init__(self, writers: Sequence[Objects | Table]) -> None:
        self.writers = writers
        self.events = 0
        self.hits = 0
        self.sources: Counter[EventSource] = Counter()

    def add(self, path: str, found: Found) -> None:
        self.events += found.events
        self.hits += found.hits
        self.sources.update(found.sources)
        if found.hits:
            for write, made in zip(self.writers, found.forms, strict=True):
                write.write(path, made)

    def flush(self) -> None:
        """Let those who read along have what was found so far."""
        for write in self.writers:
            write.stream.flush()


def summary(totals: Totals, rules: int, matched: int, broken: int) -> str:
    """Return the last line: what was read, what was found, what was lost."""
    read_in = f"{counted(totals.events, 'event')}, {counted(rules, 'rule')}"
    lost = f"; {counted(broken, 'problem')} in reading" if broken else ""
    return f"{read_in}: {counted(totals.hits, 'match')} of {counted(matched, 'rule')}{lost}\n"


def skipped(rules: Sequence[Loaded], sources: Counter[EventSource]) -> Iterator[str]:
    """Yield a line for each reason why rules were not asked: how many rules, how many events, why."""
    logs = Counter(loaded.rule.logs for loaded in rules)
    reasons: Counter[tuple[str, int]] = Counter()
    for source, events in sources.items():
        for log_source, count in logs.items():
            reason = conflict(log_source, source)
            if reason:
                reasons[reason, events] += count
    for (reason, events), count in sorted(reasons.items()):
        were = "was" if count == 1 else "were"
        yield f"{counted(count, 'rule')} {were} not asked about {counted(events, 'event')}: {visible(reason)}\n"
