"""The literals that are looked for, in a few automata: an event only goes through those that its rules need."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from ruleengine.engine.automaton import Automaton
from ruleengine.engine.fields import mask_of
from ruleengine.engine.terms import Term
from ruleengine.ir import LogSource
from ruleengine.shelf import Store

MANY = 256
"""A term with more literals than this has them in an automaton apart."""


class Sought:
    """Some literals that are looked for together: the automaton that finds them, and the terms of each."""

    def __init__(self, asking: dict[str, list[int]], *, in_keys: bool, store: Store | None) -> None:
        """Take the terms that ask for each literal; `in_keys` says that many of the literals may stand in keys."""
        self.automaton = Automaton.of(list(asking), store)
        self.terms: tuple[Sequence[int], ...] = ((), *asking.values())
        """Terms, by the number that the automaton gives a literal."""
        self.values_only = (True, *(not in_keys or literal.endswith('"') for literal in asking))
        """Whether a literal is worth no look at whether it was found in a key; one that ends a value never is."""
        self.every = mask_of(set(chain.from_iterable(self.terms)))
        self._masks: dict[int, int] = {}

    def mask(self, number: int) -> int:
        """Return the terms of the literal to which the automaton gives a number."""
        known = self._masks.get(number)
        if known is None:
            known = self._masks[number] = mask_of(self.terms[number])
        return known


def sought_of(terms: Sequence[Term], logs: Sequence[LogSource], store: Store | None) -> list[Sought]:
    """Return automata for the literals of some terms, given the log sources of their rules."""
    families: dict[tuple[bool, bool, str], dict[str, list[int]]] = {}
    for bit, (term, log) in enumerate(zip(terms, logs, strict=True)):
        for literal in sorted(term.literals or ()):
            asking = families.setdefault(_family(term, log), {})
            asking.setdefault(literal, []).append(bit)
    return [Sought(asking, in_keys=family[0], store=store) for family, asking in sorted(families.items())]


def _family(term: Term, log: LogSource) -> tuple[bool, bool, str]:
    """Return what kind of events look for the literals of a term: the fewer literals there are, the faster it is.

    Those are all events, events of a log source with a long list of hashes or names, and events of the kinds that many
    rules are about.
    """
    all_events = term.anywhere or not term.needs
    many = len(term.literals or ()) > MANY
    kind = ""
    if not many and (log.product or "").lower() == "windows":
        starts = not all_events and (log.category or "").lower() == "process_creation"
        kind = f"windows {starts}"
    return all_events, many, kind
