"""The expressions of `where` and `eval`: read into a tree whose conditions and values are told apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from ruleengine_oracles.spl.functions import REFUSED, SIGNATURES, is_replacement
from ruleengine_oracles.spl.network import network
from ruleengine_oracles.spl.number import PLAIN
from ruleengine_oracles.spl.pcre import compiled
from ruleengine_oracles.spl.problem import Unknown
from ruleengine_oracles.spl.row import DEFAULTS, ENVIRONMENT

GRAMMAR = Lark(
    (Path(__file__).parent / "eval.lark").read_text("utf-8"),
    parser="lalr",
    start=["condition", "assignments"],
    propagate_positions=True,
)


@dataclass(frozen=True)
class Field:
    name: str
    position: int


@dataclass(frozen=True)
class Text:
    text: str
    position: int


@dataclass(frozen=True)
class Number:
    number: float
    position: int


@dataclass(frozen=True)
class Minus:
    operand: Node
    position: int


@dataclass(frozen=True)
class Chain:
    """Operands of signs of one precedence, taken from left to right; `.` joins texts."""

    operands: tuple[Node, ...]
    signs: tuple[str, ...]
    position: int


@dataclass(frozen=True)
class Compare:
    left: Node
    sign: str
    right: Node
    position: int


@dataclass(frozen=True)
class Logic:
    """AND, OR, XOR or NOT over conditions."""

    operator: str
    operands: tuple[Node, ...]
    position: int


@dataclass(frozen=True)
class Call:
    name: str
    arguments: tuple[Node, ...]
    position: int


Node = Field | Text | Number | Minus | Chain | Compare | Logic | Call
Assignments = tuple[tuple[str, Node], ...]


def where(text: str, start: int) -> Node:
    """Return the condition of a `where`; `start` is where its text stands in the query."""
    node = built(parsed(text, start, "condition").children[0], start)
    require(node, condition=True)
    return node


def eval_(text: str, start: int) -> Assignments:
    """Return the fields and expressions of an `eval`, from left to right."""
    pairs = []
    for branch in parsed(text, start, "assignments").children:
        assert isinstance(branch, Tree)
        target, expression = branch.children
        assert isinstance(target, Token)
        name = str(target).strip("'")
        if name in ENVIRONMENT or name in DEFAULTS or name.startswith("_"):
            raise Unknown(f"eval: {name} is not an ordinary field", start + (target.start_pos or 0))
        node = built(expression, start)
        require(node, condition=False)  # "The result of an eval expression cannot be a Boolean" [manual of `eval`]
        pairs.append((name, node))
    return tuple(pairs)


def parsed(text: str, start: int, rule: str) -> Tree[Token]:
    try:
        return GRAMMAR.parse(text, start=rule)
    except UnexpectedInput as problem:
        position = problem.pos_in_stream if isinstance(problem.pos_in_stream, int) else len(text)
        raise Unknown("eval: not an expression here", start + min(position, len(text))) from None


def built(branch: Tree[Token] | Token, start: int) -> Node:
    """Return the node that a branch of the parse stands for."""
    assert isinstance(branch, Tree)
    position, children = start + branch.meta.start_pos, branch.children
    first = str(children[0])
    match branch.data:
        case "number":
            return Number(float(first), position)
        case "text":
            return Text(unescaped(first[1:-1]), position)
        case "field":
            return Field(first.strip("'"), position)
        case "call":
            return call(first, tuple(built(child, start) for child in children[1:]), position)
        case "minus":
            if first != "-":
                raise Unknown("eval: a sign `+`", position)
            return Minus(value(built(children[1], start)), position)
        case "concatenation":
            return Chain(
                tuple(value(built(child, start)) for child in children), (".",) * (len(children) - 1), position
            )
        case "sum" | "product":
            operands = tuple(value(built(child, start)) for child in children[::2])
            return Chain(operands, tuple(str(sign) for sign in children[1::2]), position)
        case "comparison":
            left, right = value(built(children[0], start)), value(built(children[2], start))
            return Compare(left, str(children[1]), right, position)
    operator = {"negated": "NOT", "both": "AND", "either": "OR", "exclusive": "XOR"}[branch.data]
    operands = tuple(built(child, start) for child in children)
    for operand in operands:
        require(operand, condition=True)
    return Logic(operator, operands, position)


def unescaped(text: str) -> str:
    """Return the inside of quotes: `\\"`, `\\\\`, newline and tab are expanded ("C:\\\\windows\\temp" has a tab, manual
    "Types of expressions"); other sequences stay, so that `"\\d"` reaches a regular expression whole [K].
    """
    return re.sub(r'\\(["\\nt])', lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), text)


# --- conditions and values --------------------------------------------------------------------------------------------


def is_condition(node: Node) -> bool:
    """Return whether a node is true or false rather than a number or a text."""
    if isinstance(node, Call):
        branches = branches_of(node)
        return is_condition(branches[0]) if branches else SIGNATURES[node.name].condition
    return isinstance(node, Compare | Logic)


def branches_of(node: Call) -> tuple[Node, ...]:
    """Return the arguments of `if` and `case` that may be their result."""
    return {"if": node.arguments[1:], "case": node.arguments[1::2]}.get(node.name, ())


def require(node: Node, *, condition: bool) -> None:
    """Raise Unknown for a value where a condition belongs, and the reverse: what Splunk does then is undocumented."""
    if is_condition(node) is not condition:
        kind = "a condition" if condition else "a value, not a condition,"
        raise Unknown(f"eval: {kind} belongs here", node.position)


def value(node: Node) -> Node:
    require(node, condition=False)
    return node


def call(name: str, arguments: tuple[Node, ...], position: int) -> Call:
    """Return a call of a known function; raise Unknown for others, and for arguments that do not fit."""
    if name not in SIGNATURES:
        raise Unknown(f"eval: {REFUSED.get(name, f'no function {name}()')}", position)
    kinds = SIGNATURES[name].kinds(len(arguments))
    if kinds is None:
        raise Unknown(f"eval: {name}() with {len(arguments)} arguments", position)
    for kind, argument in zip(kinds, arguments, strict=True):
        CHECKS[kind](name, argument)
    node = Call(name, arguments, position)
    if len({is_condition(branch) for branch in branches_of(node)}) > 1:
        raise Unknown(f"eval: {name}() of conditions and values", position)
    if name == "mvfilter" and len({found.name for found in fields(arguments[0])}) != 1:
        raise Unknown("eval: mvfilter() filters one field at a time", position)  # [D manual of mvfilter]
    return node


def fields(node: Node) -> Iterator[Field]:
    """Return the fields that a node reads."""
    match node:
        case Field():
            yield node
        case Minus(operand):
            yield from fields(operand)
        case Compare(left, _, right):
            yield from fields(left)
            yield from fields(right)
        case Chain(operands) | Logic(_, operands) | Call(_, operands):
            for operand in operands:
                yield from fields(operand)


def check_condition(name: str, node: Node) -> None:
    require(node, condition=True)


def check_value(name: str, node: Node) -> None:
    require(node, condition=False)
    if name == "tonumber" and isinstance(node, Text) and not PLAIN.fullmatch(node.text):
        raise Unknown("eval: tonumber() of a literal that is no number is an error", node.position)


def check_either(name: str, node: Node) -> None:
    """Accept conditions and values alike."""


def check_field(name: str, node: Node) -> None:
    if not isinstance(node, Field):
        raise Unknown(f"eval: {name}() of something else than a field", node.position)


def literal_of(name: str, node: Node) -> str:
    if not isinstance(node, Text):
        raise Unknown(f"eval: {name}() needs a literal here", node.position)
    return node.text


def check_regex(name: str, node: Node) -> None:
    compiled(literal_of(name, node), node.position + len('"'))


def check_network(name: str, node: Node) -> None:
    if network(literal_of(name, node)) is None:
        raise Unknown("eval: not a network in canonical CIDR notation", node.position)


def check_pattern(name: str, node: Node) -> None:
    """`like` has `%` and `_`; no manual says how to write either as itself, so that a backslash is refused."""
    if "\\" in literal_of(name, node):
        raise Unknown("eval: a backslash in the pattern of like()", node.position)


def check_replacement(name: str, node: Node) -> None:
    if not is_replacement(literal_of(name, node)):
        raise Unknown("eval: a backslash in the replacement that is not of a group", node.position)


CHECKS = {
    "b": check_condition,
    "v": check_value,
    "e": check_either,
    "f": check_field,
    "r": check_regex,
    "n": check_network,
    "l": check_pattern,
    "g": check_replacement,
}
