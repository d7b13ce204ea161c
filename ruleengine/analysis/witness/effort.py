"""How hard a search may try, and what it learns about why there is nothing to be found."""

from __future__ import annotations

from dataclasses import dataclass

STEPS = 30_000
"""How many times one search may ask an atom about a value: a fraction of a second."""


@dataclass(slots=True)
class Effort:
    """The bounds of one search.

    `complete` says that nothing was given up unproved, `conflict` what stood in the way.
    """

    steps: int = STEPS
    seed: int = 0
    arrays: bool = False
    complete: bool = True
    conflict: str = ""

    def give_up(self, why: str) -> None:
        """Remember that something was not found, which does not prove that it does not exist."""
        self.complete = False
        self.conflict = self.conflict or why

    def contradict(self, why: str) -> None:
        """Remember a contradiction."""
        self.conflict = why if self.complete else self.conflict or why

    def spend(self, steps: int) -> bool:
        """Take steps; False when there are none left."""
        self.steps -= steps
        if self.steps < 0:
            self.complete = False
            self.conflict = "the rule is too large to be searched through"
        return self.steps >= 0
