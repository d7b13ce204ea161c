"""From the text of a query to its nodes; every name, argument, regex and network is checked here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput, UnexpectedToken

from ruleengine_oracles.cql.arguments import bind
from ruleengine_oracles.cql.nodes import (
    And,
    Assign,
    Call,
    Case,
    Compare,
    Constant,
    Expression,
    FieldValue,
    Filter,
    FreeText,
    Literal,
    Not,
    Operation,
    Or,
    Pipeline,
    Query,
    Run,
    Step,
    Where,
)
from ruleengine_oracles.cql.problems import Unknown
from ruleengine_oracles.cql.regex_read import Regex, read_regex
from ruleengine_oracles.cql.signatures import AGGREGATES, NEGATABLE, RESERVED, SIGNATURES

GRAMMAR = Lark((Path(__file__).parent / "grammar.lark").read_text("utf-8"), parser="lalr", propagate_positions=True)
Part = Tree[Token] | Token


def parse(text: str) -> Query:
    """Return a query; raise Unknown for whatever the oracle does not know."""
    try:
        tree = GRAMMAR.parse(text)
    except UnexpectedInput as error:
        ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        position = len(text) if ended else error.pos_in_stream or 0
        if text[position:].startswith("("):
            raise Unknown("a function, or a word, where a filter is wanted: functions are steps", position) from None
        raise Unknown(f"not of the grammar: {text[position : position + 20]!r}", position) from None
    found = pipeline(branch(tree.children[0]))
    no_free_text_after_aggregates(found)
    return Query(text, found)


def branch(part: Part) -> Tree[Token]:
    """Return a part that is a tree."""
    assert isinstance(part, Tree)
    return part


def leaf(part: Part) -> Token:
    """Return a part that is a token."""
    assert isinstance(part, Token)
    return part


def position(part: Part) -> int:
    """Return where a part begins, in characters of the query."""
    found = part.start_pos if isinstance(part, Token) else part.meta.start_pos
    return found or 0


def unquoted(token: Token) -> str:
    """Return what a quoted string says; \\" \\\\ \\n are its only escapes [D L1]."""
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], token[1:-1])


# --- steps ---------------------------------------------------------------------------------------------------------


def pipeline(tree: Tree[Token]) -> Pipeline:
    return Pipeline(tuple(step(branch(part)) for part in tree.children))


def step(tree: Tree[Token]) -> Step:
    """Return one step of a pipeline."""
    if tree.data == "negated":
        return run(tree)
    if tree.data == "assign":
        name, value = tree.children
        return Assign(field_name(branch(name)), expression(value))
    if tree.data == "piped":
        name, function = tree.children
        return Run(checked_step(branch(function), field_name(branch(name))), negated=False)
    if tree.data == "case":
        return Case(tuple(pipeline(branch(part)) for part in tree.children[1:]))
    return Where(filter_of(tree))


def run(tree: Tree[Token]) -> Run:
    """Return a function as a step, under as many `!` and `not` as stand before it."""
    negations = 0
    while len(tree.children) == 2:
        negations += 1
        tree = branch(tree.children[1])
    function = branch(tree.children[0])
    found = checked_step(function, None)
    if negations and found.name not in NEGATABLE:
        raise Unknown(f"{found.name}() cannot be negated", position(function))
    return Run(found, negated=negations % 2 == 1)


def checked_step(tree: Tree[Token], piped: str | None) -> Call:
    """Return a function that may be a step; `piped` is the field of `field =~ function()`."""
    found = call(tree, piped)
    if not SIGNATURES[found.name].step:
        raise Unknown(f"{found.name}() is an expression, not a step", position(tree))
    return found


def call(tree: Tree[Token], piped: str | None = None) -> Call:
    """Return a function with its arguments bound."""
    name = leaf(tree.children[0])
    if name not in SIGNATURES:
        raise Unknown(f"the function {name}()", position(name))
    given: list[tuple[str | None, Part]] = []
    for argument in map(branch, tree.children[1:]):
        named = argument.data == "named"
        given.append((str(argument.children[0]) if named else None, argument.children[-1]))
    return Call(str(name), bind(str(name), given, piped, position(tree), readers()))


def readers() -> dict[str, Callable[[Part], Pipeline | Expression]]:
    """Return how arguments that are queries or expressions are read."""
    return {"pipeline": subquery, "expression": expression}


def subquery(part: Part) -> Pipeline:
    """Return `{ … }`; free text in it has no event of which it is the start."""
    if not isinstance(part, Tree) or part.data != "subquery":
        raise Unknown("this argument is written { … }", position(part))
    found = pipeline(branch(part.children[0]))
    if any(free_texts(found)):
        raise Unknown("free text in a condition on members of an array", position(part))
    return found


# --- filters -------------------------------------------------------------------------------------------------------


def filter_of(tree: Tree[Token]) -> Filter:
    """Return a filter; precedence is the grammar's: parentheses, NOT, OR, AND [D L1, L2]."""
    match str(tree.data):
        case "conjunction":
            found = tuple(filter_of(branch(part)) for part in tree.children if isinstance(part, Tree))
            return found[0] if len(found) == 1 else And(found)
        case "disjunction":
            found = tuple(filter_of(branch(part)) for part in tree.children if isinstance(part, Tree))
            return found[0] if len(found) == 1 else Or(found)
        case "negation":
            return Not(filter_of(branch(tree.children[1])))
        case "parenthesis":
            return filter_of(branch(tree.children[0]))
        case "compare":
            return compare(tree)
        case _:
            return free(leaf(tree.children[0]))


def free(token: Token) -> Filter:
    """Return free text, `*`, `true` or `false`."""
    if token.type in ("STAR", "TRUE", "FALSE"):
        return Constant(token.type != "FALSE")
    if token.type == "REGEX":
        return FreeText(regex(token))
    text = unquoted(token)
    if not text:
        raise Unknown('free text "" is a wildcard [D L1] or nothing', position(token))
    return FreeText(text)


def compare(tree: Tree[Token]) -> Compare:
    """Return `field operator value`; the right is never a field [D L1]."""
    name, operator, right = tree.children
    if isinstance(right, Token):
        return Compare(field_name(branch(name)), str(operator), Decimal(str(right)))
    token = leaf(right.children[0])
    value: str | Regex
    if token.type == "REGEX":
        value = regex(token)
    elif token.type == "STRING":
        value = unquoted(token)
    else:
        if token in RESERVED:
            raise Unknown(f"the reserved word {token} as a value wants quotes", position(token))  # [D L1]
        value = str(token)
    if str(operator) == "like" and not str(value):
        raise Unknown('like ""', position(token))
    return Compare(field_name(branch(name)), str(operator), value)


def regex(token: Token) -> Regex:
    """Return /…/flags; \\/ is the only way to write / in it [D L1]."""
    source, _, flags = token[1:].rpartition("/")
    return read_regex(source, flags, position(token))


def field_name(tree: Tree[Token]) -> str:
    """Return the name of a field, quoted or not."""
    token = leaf(tree.children[0])
    name = unquoted(token) if token.type == "STRING" else str(token)
    if not name:
        raise Unknown('a field called ""', position(token))
    return name


def free_texts(found: Pipeline) -> Iterator[FreeText]:
    """Yield the free texts of a pipeline, in their order."""
    for each in found.steps:
        if isinstance(each, Where):
            yield from free_in(each.filter)
        elif isinstance(each, Case):
            for below in each.branches:
                yield from free_texts(below)


def free_in(found: Filter) -> Iterator[FreeText]:
    """Yield the free texts of a filter."""
    if isinstance(found, FreeText):
        yield found
    elif isinstance(found, Not):
        yield from free_in(found.filter)
    elif isinstance(found, And | Or):
        for below in found.filters:
            yield from free_in(below)


def no_free_text_after_aggregates(found: Pipeline) -> None:
    """Raise Unknown for free text after `table()` and its like [D L3]."""
    for index, each in enumerate(found.steps):
        if isinstance(each, Run) and each.call.name in AGGREGATES:
            if any(free_texts(Pipeline(found.steps[index + 1 :]))):
                raise Unknown(f"free text after {each.call.name}()", 0)


# --- expressions ---------------------------------------------------------------------------------------------------


def expression(part: Part) -> Expression:
    """Return an expression; there is no AND and no OR in one [D L4]."""
    tree = branch(part)
    children = tree.children
    match str(tree.data):
        case "comparison":
            return Operation(str(children[1]), (expression(children[0]), expression(children[2])))
        case "arithmetic":
            found = expression(children[0])
            for operator, right in zip(children[1::2], children[2::2], strict=True):
                found = Operation(str(operator), (found, expression(right)))
            return found
        case "signed":
            return Operation("sign" if str(children[0]) == "-" else "not", (expression(children[1]),))
        case "number":
            return Literal(Decimal(str(children[0])))
        case "string":
            return Literal(unquoted(leaf(children[0])))
        case "boolean":
            return Literal(str(children[0]) == "true")
        case "name":
            return FieldValue(str(children[0]))
        case "call":
            made = call(tree)
            if not (SIGNATURES[made.name].truth or SIGNATURES[made.name].value):
                raise Unknown(f"{made.name}() has no value", position(tree))
            return made
        case _:
            raise Unknown("a list or a subquery is no expression", position(tree))
