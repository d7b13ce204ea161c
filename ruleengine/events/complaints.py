"""Says what is wrong in one event file: each complaint at its line, and a count once there are too many."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ruleengine.problem import Report, problem
from ruleengine.span import Place

SHOWN = 1_000
"""So many problems of one code are reported for one file; the rest is counted, so that memory stays small."""


@dataclass(slots=True)
class Complaints:
    """The problems of one file. No excerpt is kept: a broken line may hold what must not be shown."""

    path: str
    report: Report
    counts: Counter[str] = field(default_factory=Counter)

    def say(self, code: str, message: str, line: int = 0, column: int = 0, hint: str = "") -> None:
        """Report a problem at a 1-based line and column (0: the whole file, the whole line)."""
        self.counts[code] += 1
        if self.counts[code] <= SHOWN:
            self.report(problem(code, Place(self.path, line, column), message, hint))

    def finish(self) -> None:
        """Report how many problems of each code were counted and not shown."""
        for code, count in self.counts.items():
            if count > SHOWN:
                more = f"{count - SHOWN:,} more problems {code} in this file are not shown"
                self.report(problem("RE608", self.path, more))
