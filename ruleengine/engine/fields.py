"""One field for all rules at once: which terms a value of the field leaves standing, as a mask with a bit for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ruleengine.engine.memory import LONGEST, Memory
from ruleengine.engine.terms import Term
from ruleengine.values import DECIMAL, Scalar, fold, number, text


def mask_of(bits: Iterable[int]) -> int:
    """Return the mask of some terms."""
    mask = 0
    for bit in bits:
        mask |= 1 << bit
    return mask


class FieldIndex:
    """The terms that say something of the values of one field."""

    def __init__(self, name: str, terms: Iterable[tuple[int, Term]], decided: int, every: int, memory: Memory) -> None:
        self.name = name
        self._memory = memory
        self._size = every.bit_length() // 8
        self.constrained = 0
        """The terms that ask for certain values."""
        self.decided = decided
        """The terms of rules that the field can decide alone: some value of it may strike them out."""
        self.memo: dict[Any, int] = memory.table()
        """Masks of strings and integers; a boolean or a float may be equal to an integer and has another text."""
        self.values: dict[str, list[int]] = {}
        """The terms that ask for a text, folded."""
        self.tails: dict[str, list[int]] = {}
        """The terms that ask for a text from its last `\\` or `/` on."""
        for bit, term in terms:
            for table, keys in ((self.values, term.values.get(name)), (self.tails, term.tails.get(name))):
                if keys is not None:
                    self.constrained |= 1 << bit
                    for key in keys:
                        table.setdefault(key, []).append(bit)
        self.numbers = any(DECIMAL.match(key) for key in self.values)
        """Whether one of the texts is a number, which other texts can write, too."""
        # A term that asks for values and for tails is satisfied by either: both hold where it holds.
        self.others = every & ~self.constrained
        """The terms that hold whatever the value, also when there is none."""

    def mask(self, value: Any) -> int:
        """Return the terms that a value found in an event leaves standing; it may be a list, an object, or nothing."""
        if isinstance(value, list):
            return self._several(value)
        if value is None or isinstance(value, dict):
            return self.others
        mask = self._mask(value)
        kind = type(value)
        if (kind is str and len(value) <= LONGEST) or (kind is int and abs(value) < 1 << 32):  # large ones share hashes
            self._memory.take(self._size + (len(value) if kind is str else 0))
            self.memo[value] = mask
        return mask

    def strike(self, value: Any, terms: int) -> None:
        """Remember that some terms do not hold where this, and nothing else, is the value of the field."""
        known = self.memo.get(value) if type(value) is str else None
        if known is not None:
            self.memo[value] = known & ~terms

    def _mask(self, value: Scalar) -> int:
        given = value if type(value) is str else text(value)
        given = given.lower() if given.isascii() else fold(given)
        bits = [*self.values.get(given, ())]
        if self.tails:
            last = max(given.rfind("\\"), given.rfind("/"))
            if last >= 0:
                bits += self.tails.get(given[last:], ())
        if self.numbers and given[-1:].isdecimal() and (exact := number(value)) is not None:
            bits += self.values.get(text(exact), ())
        return self.others | mask_of(bits)

    def _several(self, values: list[Any]) -> int:
        mask, pending = self.others, list(values)
        while pending:
            value = pending.pop()
            if isinstance(value, list):
                pending.extend(value)
            else:
                mask |= self._mask(value) if value is not None and not isinstance(value, dict) else 0
        return mask
