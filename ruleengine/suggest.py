"""Did you mean: the one name that is near enough to be worth saying."""

from __future__ import annotations

from collections.abc import Iterable


def distance(one: str, other: str, limit: int) -> int:
    """Return how many single-character slips (swaps of neighbours included) part two words; limit + 1 if more."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, right in enumerate(other, 1):
            step = min(before[j] + 1, row[-1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                step = min(step, older[j - 2] + 1)
            row.append(step)
        if min(row) > limit:
            return limit + 1
    return row[-1]


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice a slip or two away (one for short words); None if there is none, or a tie."""
    limit = 1 if len(word) < 5 else 2
    found: dict[int, set[str]] = {}
    for choice in choices:
        if choice.lower() == word.lower():
            return choice
        apart = distance(word, choice, limit)
        if apart <= limit:
            found.setdefault(apart, set()).add(choice)
    best = found[min(found)] if found else set()
    return best.pop() if len(best) == 1 else None


def meant(word: str, choices: Iterable[str]) -> str:
    """Return the hint "did you mean …?", or nothing."""
    choice = nearest(word, choices)
    return f"did you mean `{choice}`?" if choice else ""
