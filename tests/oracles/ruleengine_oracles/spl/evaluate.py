"""What an expression of `where` or `eval` gives for a row: NULL included, three-valued up to AND, OR and NOT."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from ruleengine_oracles.spl import number
from ruleengine_oracles.spl.expression import Call, Chain, Compare, Field, Logic, Minus, Node, Number, Text, fields
from ruleengine_oracles.spl.functions import MULTIVALUE, Result, numeric, one, simple
from ruleengine_oracles.spl.problem import Undecided, Undocumented
from ruleengine_oracles.spl.row import Row, Scalar, Value, holds_for_all, holds_for_any, packed, text, texts
from ruleengine_oracles.spl.search import ORDERS

EQUALITY = ("=", "==", "!=")


def truth(node: Node, row: Row) -> bool | None:
    """Return what a condition gives, None for NULL: `where` drops the row then [K], `if` takes its third argument."""
    result = evaluate(node, row)
    assert result is None or isinstance(result, bool), "told apart when the query was read"
    return result


def value(node: Node, row: Row) -> Value:
    """Return what an expression that is no condition gives."""
    result = evaluate(node, row)
    assert not isinstance(result, bool), "told apart when the query was read"
    return result


def evaluate(node: Node, row: Row) -> Result:
    """Return what a node gives."""
    match node:
        case Field(name):
            return row.read(name)
        case Text(literal):
            return literal
        case Number(literal):
            return literal
        case Minus(operand):
            given = one(value(operand, row))
            return None if given is None else -numeric(given)
        case Chain(operands, signs):
            return chained([one(value(operand, row)) for operand in operands], signs)
        case Compare(left, sign, right):
            return compared(left, sign, right, row)
        case Logic(operator, operands):
            return logic(operator, operands, row)
        case Call(name, arguments):
            if name in SPECIAL:
                return SPECIAL[name](arguments, row)
            given_values = [value(argument, row) for argument in arguments]
            return MULTIVALUE[name](*given_values) if name in MULTIVALUE else simple(name, given_values)


def logic(operator: str, operands: tuple[Node, ...], row: Row) -> bool:
    """Return what AND, OR, XOR or NOT make of conditions [D S2]; with a NULL among them that is undocumented."""

    def condition(node: Node) -> bool:
        result = truth(node, row)
        if result is None:
            raise Undocumented(f"NULL reaches {operator}")
        return result

    waiting = [partial(condition, operand) for operand in operands]
    match operator:
        case "AND":
            return holds_for_all(waiting)
        case "OR":
            return holds_for_any(waiting)
        case "XOR":
            return sum(given() for given in waiting) % 2 == 1
        case _:
            return not waiting[0]()


# --- comparisons ------------------------------------------------------------------------------------------------------


def compared(left: Node, sign: str, right: Node, row: Row) -> bool | None:
    """Return how two values compare; NULL if either is NULL [K].

    Two numbers compare as numbers, anything else as texts, case-sensitive [D S2; numbers K]. Fields hold texts: one
    that spells a number is a number beside a number. Where both sides are texts that spell numbers, or one is a
    quoted literal, no manual says which comparison it is: both must agree.
    """
    a, b = one(value(left, row)), one(value(right, row))
    if a is None or b is None:
        return None
    x, y = as_number(a), as_number(b)
    if x is None or y is None:
        if sign in EQUALITY and not (isinstance(a, str) and isinstance(b, str)):
            return sign == "!="  # a number, and a text that spells none
        return ordered(sign, text(a), text(b))
    if isinstance(x, Undecided) or isinstance(y, Undecided):
        if a == b and sign in EQUALITY:
            return sign != "!="
        raise Undecided(f"no manual says whether {a!r} and {b!r} compare as numbers")
    result = ordered(sign, x, y)
    if isinstance(left, Text) or isinstance(right, Text) or (isinstance(a, str) and isinstance(b, str)):
        if ordered(sign, text(a), text(b)) is not result:
            raise Undecided(f"no manual says whether {a!r} and {b!r} compare as numbers or as texts")
    return result


def equal(left: Node, right: Node, row: Row) -> bool:
    """Return whether two values are equal, neither of them NULL."""
    return bool(compared(left, "=", right, row))


def as_number(given: Scalar) -> float | Undecided | None:
    """Return the number of a side of a comparison, None if it is none, or the doubt about it."""
    if not isinstance(given, str):
        return given
    try:
        return number.compared(given)
    except Undocumented as problem:
        return Undecided(str(problem))


def ordered(sign: str, a: Scalar, b: Scalar) -> bool:
    """Return whether two texts, by their UTF-8 [D S1], or two numbers compare as a sign says."""
    if sign in EQUALITY:
        return (a == b) is (sign != "!=")
    if isinstance(a, str) and isinstance(b, str):
        return ORDERS[sign](a.encode(errors="surrogatepass"), b.encode(errors="surrogatepass"))
    return ORDERS[sign](a, b)


# --- arithmetic -------------------------------------------------------------------------------------------------------


def chained(operands: list[Scalar | None], signs: tuple[str, ...]) -> Scalar | None:
    """Return a sum, a product or joined texts; NULL if an operand is NULL [K]."""
    first, *rest = operands
    if first is None or any(operand is None for operand in rest):
        return None
    result: Scalar = first
    for sign, operand in zip(signs, rest, strict=True):
        assert operand is not None
        result = text(result) + text(operand) if sign == "." else arithmetic(sign, numeric(result), numeric(operand))
    return result


def arithmetic(sign: str, a: float, b: float) -> float:
    """Return what a sign makes of two double-precision numbers [manual of `eval`]."""
    if sign in "/%" and b == 0:
        raise Undocumented("division by zero")
    if sign == "%" and (a < 0 or b < 0):
        raise Undocumented("the remainder of negative numbers")
    result = {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "/": lambda: a / b,
        "%": lambda: math.fmod(a, b),
    }[sign]()
    if not math.isfinite(result):
        raise Undocumented("a number beyond double precision")
    return result


# --- functions that choose which arguments they look at ---------------------------------------------------------------


def if_(arguments: tuple[Node, ...], row: Row) -> Result:
    """The second argument if the first is TRUE, otherwise the third [D S3]: also if the first is NULL."""
    return evaluate(arguments[1] if truth(arguments[0], row) else arguments[2], row)


def case_(arguments: tuple[Node, ...], row: Row) -> Result:
    """The value after the first condition that is TRUE, or NULL if none is [D S3]."""
    for condition, result in zip(arguments[::2], arguments[1::2], strict=True):
        if truth(condition, row):
            return evaluate(result, row)
    return None


def coalesce(arguments: tuple[Node, ...], row: Row) -> Result:
    """The first value that is not NULL [D S3]."""
    return next((found for argument in arguments if (found := value(argument, row)) is not None), None)


def in_(arguments: tuple[Node, ...], row: Row) -> Result:
    """Whether a value equals one of a list: with case, without wildcards [D S3]; NULL if it is NULL [K]."""
    subject, *rest = arguments
    if one(value(subject, row)) is None:
        return None
    if any(one(value(argument, row)) is None for argument in rest):
        raise Undocumented("NULL in the list of in()")
    return holds_for_any(partial(equal, subject, node, row) for node in rest)


def mvmap(arguments: tuple[Node, ...], row: Row) -> Result:
    """The results of an expression for each value of a field [D manual of `mvmap`]."""
    field, expression = arguments
    assert isinstance(field, Field)
    results = [one(value(expression, row.put(field.name, item))) for item in texts(row.read(field.name))]
    if any(result is None for result in results):
        raise Undocumented("no manual says what mvmap() does with a result that is NULL")
    return packed([text(result) for result in results if result is not None])


def mvfilter(arguments: tuple[Node, ...], row: Row) -> Result:
    """The values of a field for which a condition holds [D manual of `mvfilter`]."""
    name = next(fields(arguments[0])).name
    kept = []
    for item in texts(row.read(name)):
        holds = truth(arguments[0], row.put(name, item))
        if holds is None:
            raise Undocumented("no manual says what mvfilter() does with a condition that is NULL")
        kept += [item] * holds
    return packed(kept)


SPECIAL: dict[str, Callable[[tuple[Node, ...], Row], Result]] = {
    "if": if_,
    "case": case_,
    "coalesce": coalesce,
    "in": in_,
    "mvmap": mvmap,
    "mvfilter": mvfilter,
}
