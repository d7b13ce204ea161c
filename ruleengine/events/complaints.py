"""Says what is wrong in one event file: each complaint at its line, and a count once there are too many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ruleengine.events.turns import AT_ONCE, Turns
from ruleengine.problem import Problem, Report, problem
from ruleengine.span import Place

SHOWN = 1_000
"""So many problems of one code are reported for one file; the rest is counted, so that memory stays small."""


@dataclass(slots=True)
class Complaints:
    """The problems of one file, or of a part of it. No excerpt is kept: a broken line may hold what must not be shown.

    Something is said after all blocks in work are finished: so problems come in the order of the file.
    """

    path: str
    report: Report
    turns: Turns = AT_ONCE
    counts: Counter[str] = field(default_factory=Counter)

    def say(self, code: str, message: str, line: int = 0, column: int = 0, hint: str = "") -> None:
        """Report a problem at a 1-based line and column (0: the whole file, the whole line)."""
        self.turns.settle()
        self._count(problem(code, Place(self.path, line, column), message, hint))

    def join(self, problems: Sequence[Problem], counts: Counter[str]) -> None:
        """Take over what complaints about the next part of the file reported and counted."""
        for found in problems:
            self._count(found)
        for code, count in counts.items():
            self.counts[code] += max(0, count - SHOWN)

    def _count(self, found: Problem) -> None:
        self.counts[found.code] += 1
        if self.counts[found.code] <= SHOWN:
            self.report(found)

    def finish(self) -> None:
        """Report how many problems of each code were counted and not shown."""
        for code, count in self.counts.items():
            if count > SHOWN:
                more = f"{count - SHOWN:,} more problems {code} in this file are not shown"
                self.report(problem("RE608", self.path, more))
