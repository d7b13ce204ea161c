"""The `search` command: literals, any-value semantics, two truth values (siem-semantics 1.1, left column)."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from ruleengine_oracles.spl import number
from ruleengine_oracles.spl.network import Network, lies_in, looks_like_network, network
from ruleengine_oracles.spl.problem import Undecided, Undocumented, Unknown
from ruleengine_oracles.spl.row import DEFAULTS, ENVIRONMENT, Row, holds_for_all, holds_for_any, texts

GRAMMAR = Lark((Path(__file__).parent / "search.lark").read_text("utf-8"), parser="lalr", propagate_positions=True)

MODIFIERS = frozenset(
    "earliest latest _index_earliest _index_latest now starttime endtime timeformat startdaysago enddaysago"
    " starthoursago endhoursago startminutesago endminutesago startmonthsago endmonthsago searchtimespandays"
    " searchtimespanhours searchtimespanminutes searchtimespanmonths starttimeu endtimeu minutesago hoursago daysago"
    " monthsago savedsearch savedsplunk hosttag eventtypetag sourcetypetag readlevel".split()
)
"""Words with a meaning of their own before `=` [D S1]: they limit time, or call other searches."""

ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Literal:
    """A value of the query."""

    text: str
    """The value with its escapes resolved."""
    pattern: re.Pattern[str]
    """What a whole value must match, folded unless `cased`."""
    cased: bool
    network: Network | None
    """The network to lie in, where the value is one."""
    dubious: bool
    """Whether the value resembles a network, but is none in canonical form."""


@dataclass(frozen=True)
class Comparison:
    field: str
    operator: str
    literal: Literal


@dataclass(frozen=True)
class Not:
    operand: Term


@dataclass(frozen=True)
class And:
    operands: tuple[Term, ...]


@dataclass(frozen=True)
class Or:
    operands: tuple[Term, ...]


@dataclass(frozen=True)
class Macro:
    """Stands for search terms that the query's surroundings define."""

    name: str


Term = Comparison | Not | And | Or | Macro


def parse(text: str, start: int) -> Term:
    """Return the expression of a `search`; `start` is where its text stands in the query."""
    try:
        tree = GRAMMAR.parse(text)
    except UnexpectedInput as problem:
        position = problem.pos_in_stream if isinstance(problem.pos_in_stream, int) else len(text)
        raise Unknown("search: not a term, operator or value here", start + min(position, len(text))) from None
    return built(tree.children[0], start)


def built(tree: Tree[Token] | Token, start: int) -> Term:
    """Return the term that a branch of the parse stands for."""
    assert isinstance(tree, Tree)
    children = tree.children
    match tree.data:
        case "negated":
            return Not(built(children[0], start))
        case "conjunction":
            return And(tuple(built(child, start) for child in children))
        case "disjunction":
            return Or(tuple(built(child, start) for child in children))
        case "macro":
            return Macro(str(children[0]))
        case "everything":
            return And(())
        case "comparison":
            return comparison(leaf(children[0]), str(children[1]), leaf(children[2]), start)
        case "membership":  # the same as `=` on each value, joined by OR [D S1]
            return Or(tuple(comparison(leaf(children[0]), "=", leaf(child), start) for child in children[1:]))
    raise AssertionError(tree.data)


def leaf(tree: Tree[Token] | Token) -> Token:
    """Return the only token of a branch."""
    assert isinstance(tree, Tree) and isinstance(tree.children[0], Token)
    return tree.children[0]


def comparison(name: Token, sign: str, value: Token, start: int) -> Comparison:
    """Return a comparison of a field with a literal: the right-hand side is never a field [D S1]."""
    field = str(name)
    if name.type == "STRING":
        field = field[1:-1]
        if not field or set(field) & set('\\"*`|'):
            raise Unknown("search: a field name with such characters", start + (name.start_pos or 0))
    if field in MODIFIERS or field in DEFAULTS or field.startswith("_"):
        raise Unknown(f"search: {field} is not an ordinary field", start + (name.start_pos or 0))
    given = literal(value)
    if sign in ORDERS and (given.cased or "*" in given.text):
        raise Unknown("search: an order with a wildcard or CASE()", start + (value.start_pos or 0))
    return Comparison(field, sign, given)


def literal(token: Token) -> Literal:
    """Return a value of the query: with escapes resolved where it is quoted, `*` a wildcard everywhere.

    A backslash cannot take the meaning of `*` away [D S8]; `?` is no wildcard [K].
    """
    text, cased = str(token), token.type == "CASE"
    if cased:
        text = text[len("CASE(") : -1]
    elif token.type == "STRING":
        text = unescaped(text[1:-1])
    parts = (text if cased else text.casefold()).split("*")
    pattern = re.compile(".*".join(map(re.escape, parts)), re.DOTALL)
    dubious = looks_like_network(text)
    return Literal(text, pattern, cased, network(text) if dubious and not cased else None, dubious)


def unescaped(text: str) -> str:
    """Return the inside of quotes: `\\"`, `\\\\` and `\\|` are expanded, other sequences stay as they are [D S1]."""
    return re.sub(r'\\(["\\|])', r"\1", text)


def holds(term: Term, row: Row, *, negated: bool = False) -> bool:
    """Return whether a row satisfies a term; `negated` says that it stands under an odd number of NOT.

    The environment (index and its like, macros) is taken to be as the query wants it: those terms are true unless
    `row.environment` knows better. Under NOT that would be a guess, and raises Undocumented.
    """
    match term:
        case Not(operand):
            return not holds(operand, row, negated=not negated)
        case And(operands):
            return holds_for_all(partial(holds, part, row, negated=negated) for part in operands)
        case Or(operands):
            return holds_for_any(partial(holds, part, row, negated=negated) for part in operands)
        case Macro(name):
            return assumed(name, negated)
        case Comparison(field=field) if is_environment(field) and field not in row.environment:
            if field in row.values:
                raise Undocumented(f"the event has a field {field}, a name that Splunk uses itself")
            return assumed(field, negated)
        case Comparison(field, sign, given):
            # Any value may do [K]: of a missing field none does, so that `a!=x` needs the field, `NOT a=x` not [D S9].
            values = texts(row.read(field))
            return holds_for_any(partial(compares, value, sign, given) for value in values)


def is_environment(field: str) -> bool:
    return field in ENVIRONMENT or field.startswith("tag::")


def assumed(name: str, negated: bool) -> bool:
    if negated:
        raise Undocumented(f"NOT over {name}: the environment decides")
    return True


def compares(value: str, sign: str, given: Literal) -> bool:
    """Return whether one value of a field compares with a literal as the sign says."""
    if sign in ORDERS:
        return ordered(value, sign, given.text)
    if sign == "!=" and not value:
        raise Undecided("no manual says whether `!=` takes an empty value for an existing one")
    return equals(value, given) is (sign == "=")


def equals(value: str, given: Literal) -> bool:
    """Return whether a value equals a literal: without case [D S1], as text even if both are numbers [D S1].

    A literal that is a network is one [D S1]: a value must be an address in it.
    """
    if not value and given.text and not given.text.strip("*"):
        raise Undecided("no manual says whether `=*` matches an empty value")
    same = bool(given.pattern.fullmatch(value if given.cased else value.casefold()))
    if not given.dubious:
        return same
    if same or given.network is None:
        raise Undecided(f"no manual says whether {given.text!r} is compared as a network or as a text")
    return lies_in(value, given.network)


def ordered(value: str, sign: str, given: str) -> bool:
    """Return how two values compare: as numbers if both are, else as UTF-8 texts [D S1], case undocumented."""
    order = ORDERS[sign]
    try:
        numbers = number.compared(given), number.compared(value)
    except Undocumented as problem:
        raise Undecided(str(problem)) from None
    if numbers[0] is not None and numbers[1] is not None:
        return order(numbers[1], numbers[0])
    as_written = order(value.encode(errors="surrogatepass"), given.encode(errors="surrogatepass"))
    folded = order(*(text.casefold().encode(errors="surrogatepass") for text in (value, given)))
    if as_written is not folded:
        raise Undecided(f"no manual says whether {value!r} {sign} {given!r} regards case")
    return as_written
