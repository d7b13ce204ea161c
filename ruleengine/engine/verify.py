"""Asks one rule exactly: closures that say what `meaning.holds` says, made for the leaves that rules mostly have.

A leaf looks at one text at a time. Most parts of rules look at one field, and most fields have one string: such a part
is asked of that text alone. Whatever else an event holds is asked leaf by leaf, of every value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import Any, Literal

import re2  # noqa: F401  # else the first event would wait for it

from ruleengine.engine.literals import inside_regex
from ruleengine.engine.memory import LONGEST, Memory
from ruleengine.ir import (
    And,
    Atom,
    Equals,
    Exists,
    Expr,
    InList,
    InNetwork,
    Leaf,
    Like,
    Named,
    Not,
    Or,
    Regex,
    SameAs,
    Wild,
)
from ruleengine.meaning import Seen, atom_holds
from ruleengine.regex import parse, regex_test
from ruleengine.values import HINTS, Event, Network, address_in, fold, network, pattern_test
from ruleengine.walk import ATOMS, atom_of

Pair = tuple[str, str]
"""A text, folded and as it is."""

Test = Callable[[Any], bool]
"""A test of a pair, or of an event."""

COSTLY = 12
"""What a test costs, in comparisons of texts, from which on it is worth remembering its answers."""

OF_REGEX, OF_NETWORK, OF_OTHERS = 20, 20, 5
"""What tests of other kinds cost."""


class Asked(Seen):
    """One event and what has been looked up in it, for all rules that are asked about it."""

    __slots__ = ("_all", "_pairs")

    def __init__(self, event: Event) -> None:
        super().__init__(event)
        self._pairs: dict[str | None, list[Pair]] = {}
        self._all: Pair | None = None

    def pairs(self, field: str | None) -> list[Pair]:
        """Return the texts of the values of a field; with no field, those of every value anywhere."""
        found = self._pairs.get(field)
        if found is None:
            value = self.event.get(field) if type(field) is str else None
            if type(value) is str:
                found = [paired(value)]
            elif value is None and type(field) is str and field.partition(".")[0] not in self.event:
                found = []
            else:
                found = list(map(paired, self.texts(field, True)))
            self._pairs[field] = found
        return found

    @property
    def everything(self) -> Pair:
        """The texts of every value anywhere, one a line: a text without a newline is in one of them or in none."""
        if self._all is None:
            values = self.event.values()
            if HINTED.isdisjoint(self.event) and {str, int}.issuperset(map(type, values)):
                self._all = paired("\n".join(map(str, values)))
            else:
                self._all = paired("\n".join(self.texts(None, True)))
        return self._all


HINTED = frozenset(HINTS)


def paired(text: str) -> Pair:
    """Return a text with its fold."""
    return (text.lower() if text.isascii() else fold(text)), text


class Part:
    """Something that must be so for a rule to match."""

    def __init__(self, exprs: list[Expr], field: str | None, memory: Memory) -> None:
        """Take what must be so; a field decides it alone if it is given, and stands at the top of the event."""
        self.field = field
        self._expr = And(tuple(exprs))
        self._memory = memory
        self.cost, made = _of_pair(self._expr, memory) if field is not None else _of_event(self._expr, memory)
        self.of_pair = made
        """Of a pair when there is a field, else of an event."""

    @cached_property
    def of_event(self) -> Test:
        """Of an event: seldom needed when there is a field."""
        return self.of_pair if self.field is None else _test(self._expr, None)[1]


def parts_of(expr: Expr, memory: Memory) -> tuple[Part, ...]:
    """Return the parts of a lowered expression, all of which must be so, the cheapest first: one for each field."""
    together: dict[str | None, list[Expr]] = {}
    for one in conjuncts(expr):
        together.setdefault(only_field(one), []).append(one)
    parts = [Part([one], None, memory) for one in together.pop(None, ())]
    parts += [Part(exprs, field, memory) for field, exprs in together.items()]
    return tuple(sorted(parts, key=lambda part: part.cost))


def conjuncts(expr: Expr, positive: bool = True) -> Iterator[Expr]:
    """Yield the expressions of which an expression (or its negation) is the "and"."""
    match expr:
        case Named(_, item) | Leaf(_, item):
            yield from conjuncts(item, positive)
        case Not(item):
            yield from conjuncts(item, not positive)
        case And(items) | Or(items) if isinstance(expr, And) == positive:
            for item in items:
                yield from conjuncts(item, positive)
        case _:
            yield expr if positive else Not(expr)


def deciding(expr: Expr) -> frozenset[str]:
    """Return the fields that can decide alone that an expression is false."""
    return frozenset(field for one in conjuncts(expr) if (field := only_field(one)) is not None)


def only_field(expr: Expr) -> str | None:
    """Return the field that all leaves of an expression look at; None if they are several or look elsewhere, too."""
    match expr:
        case Leaf(_, item) | Named(_, item) | Not(item):
            return only_field(item)
        case And(items) | Or(items):
            field = None
            for place, item in enumerate(items):
                own = only_field(item)
                if own is None or (place and own != field):
                    return None
                field = own
            return field
        case SameAs() | InList():
            return None
        case _:
            field = atom_of(expr).field
            return field if type(field) is str and "." not in field else None


def _remembering(test: Test, memory: Memory) -> Test:
    """Return a test of pairs that remembers its answers."""
    memo: dict[str, bool] = memory.table()

    def remembered(pair: Pair) -> bool:
        known = memo.get(pair[1])
        if known is None:
            known = test(pair)
            if len(pair[1]) <= LONGEST:
                memory.take(len(pair[1]))
                memo[pair[1]] = known
        return known

    return remembered


# --- logic ---------------------------------------------------------------------------------------------------------


def _of_pair(expr: Expr, memory: Memory) -> tuple[int, Test]:
    """Return the test of an expression of one field as a test of one text; a costly one remembers its answers."""
    cost, test = _test(expr, PAIRS)
    return cost, _remembering(test, memory) if cost >= COSTLY else test


def _of_event(expr: Expr, memory: Memory) -> tuple[int, Test]:
    """Return the test of an expression of any fields; what looks at one field is asked of its text, if it has one."""
    field = only_field(expr)
    if field is None:
        return _test(expr, memory)
    cost, of_pair = _of_pair(expr, memory)
    of_several: list[Test] = []

    def of_field(asked: Asked) -> bool:
        value = asked.event.get(field)
        if type(value) is str:
            return of_pair(asked.pairs(field)[0])
        if not of_several:
            of_several.append(_test(expr, None)[1])
        return of_several[0](asked)

    return cost, of_field


PAIRS: Literal["pairs"] = "pairs"
How = Memory | Literal["pairs"] | None
"""Whether a test is asked of pairs, or of events: with a memory for what looks at one field, or leaf by leaf."""


def _test(expr: Expr, how: How) -> tuple[int, Test]:
    """Return what a test costs, so that cheap ones come first, and the test."""
    match expr:
        case Leaf(_, item) | Named(_, item):
            return _below(item, how)
        case Not(item):
            cost, inner = _below(item, how)
            return cost + 1, lambda given: not inner(given)
        case And(items):
            return _in_turn([_below(item, how) for item in items], until=False)
        case Or(items):
            return _in_turn(_alternatives(items, how), until=True)
        case _:
            return _in_turn(_alternatives((expr,), how), until=True)


def _below(expr: Expr, how: How) -> tuple[int, Test]:
    return _of_event(expr, how) if isinstance(how, Memory) else _test(expr, how)


def _in_turn(tests: list[tuple[int, Test]], *, until: bool) -> tuple[int, Test]:
    """Return the test that asks each in turn, the cheapest first, until one says `until`."""
    tests.sort(key=lambda pair: pair[0])
    if len(tests) == 1:
        return tests[0]
    ordered = tuple(test for _, test in tests)

    def some(given: Any) -> bool:
        for test in ordered:
            if test(given):
                return True
        return False

    def each(given: Any) -> bool:
        for test in ordered:
            if not test(given):
                return False
        return True

    return sum(cost for cost, _ in tests), some if until else each


def _alternatives(items: tuple[Expr, ...], how: How) -> list[tuple[int, Test]]:
    """Return the tests of alternatives; leaves that look at one field in one way are one test."""
    of_pairs = how == PAIRS
    together: dict[tuple[str, str | None], list[Any]] = {}
    tests: list[tuple[int, Test]] = []
    for item in items:
        if type(item) not in ATOMS:
            tests.append(_below(item, how))
        elif (shape := _shape(item)) is not None:
            way, field, sought = shape
            together.setdefault((way, field), []).append(sought)
        elif isinstance(item, Exists) and of_pairs:
            tests.append((0, lambda _: True))
        elif of_pairs:
            tests.append((OF_OTHERS, partial(_by_itself, atom_of(item))))
        else:
            tests.append((OF_OTHERS, partial(atom_holds, atom_of(item))))
    for (way, field), sought in together.items():
        cost, test = _LEAVES[way](sought)
        if field is None and way.startswith("inside") and not any("\n" in literal for literal in sought):
            tests.append((cost, partial(_in_everything, test)))
        else:
            tests.append((cost, test if of_pairs else partial(_some_pair, field, test)))
    return tests


def _in_everything(test: Test, asked: Asked) -> bool:
    return test(asked.everything)


def _by_itself(atom: Atom, pair: Pair) -> bool:
    return atom_holds(atom, Seen({str(atom.field): pair[1]}))


def _some_pair(field: str | None, test: Test, asked: Asked) -> bool:
    for pair in asked.pairs(field):
        if test(pair):
            return True
    return False


# --- leaves --------------------------------------------------------------------------------------------------------


def _shape(expr: Expr) -> tuple[str, str | None, Any] | None:
    """Return how an atom looks at texts, where, and for what; None if it is none of the usual ones."""
    match expr:
        case Regex(field):
            return "regex", field, expr
        case InNetwork(field, written):
            return "network", field, network(written)
        case Like(field, (str(whole),), cased) | Equals(field, str(whole), cased):
            how, literal = "whole", whole
        case Like(field, (), cased):
            how, literal = "whole", ""
        case Like(field, (str(start), Wild.MANY), cased):
            how, literal = "start", start
        case Like(field, (Wild.MANY, str(end)), cased):
            how, literal = "end", end
        case Like(field, (Wild.MANY, str(middle), Wild.MANY), cased):
            how, literal = "inside", middle
        case Like(field, pattern, cased):
            test = pattern_test(pattern, cased)
            return "pattern, cased" if cased else "pattern", field, test
        case _:
            return None
    return (f"{how}, cased", field, literal) if cased else (how, field, fold(literal))


def _whole(side: int, literals: list[str]) -> tuple[int, Test]:
    wholes = frozenset(literals)
    return 1, lambda pair: pair[side] in wholes


def _start(side: int, literals: list[str]) -> tuple[int, Test]:
    starts = tuple(literals)
    return 1, lambda pair: pair[side].startswith(starts)


def _end(side: int, literals: list[str]) -> tuple[int, Test]:
    ends = tuple(literals)
    return 1, lambda pair: pair[side].endswith(ends)


def _inside(side: int, literals: list[str]) -> tuple[int, Test]:
    def inside(pair: Pair) -> bool:
        text = pair[side]
        for literal in literals:
            if literal in text:
                return True
        return False

    return len(literals), inside


def _pattern(side: int, tests: list[Callable[[str], bool]]) -> tuple[int, Test]:
    return OF_OTHERS * len(tests), lambda pair: any(test(pair[side]) for test in tests)


def _network(blocks: list[Network]) -> tuple[int, Test]:
    def within(pair: Pair) -> bool:
        return any(address_in(pair[1], block) for block in blocks)

    return OF_NETWORK * len(blocks), within


def _regex(atoms: list[Regex]) -> tuple[int, Test]:
    """Return the test of some expressions; one is only run where the texts stand that it cannot do without."""
    made = [(inside_regex(parse(atom.source, atom.flags).tree), regex_test(atom.source, atom.flags)) for atom in atoms]

    def found(pair: Pair) -> bool:
        folded = pair[0]
        for needed, search in made:
            for texts in needed:
                for text in texts:
                    if text in folded:
                        break
                else:
                    break
            else:
                if search(pair[1]):
                    return True
        return False

    return OF_REGEX * len(made), found


_LEAVES: dict[str, Callable[[list[Any]], tuple[int, Test]]] = {
    "regex": _regex,
    "network": _network,
    "pattern": partial(_pattern, 0),
    "pattern, cased": partial(_pattern, 1),
    "whole": partial(_whole, 0),
    "whole, cased": partial(_whole, 1),
    "start": partial(_start, 0),
    "start, cased": partial(_start, 1),
    "end": partial(_end, 0),
    "end, cased": partial(_end, 1),
    "inside": partial(_inside, 0),
    "inside, cased": partial(_inside, 1),
}
