"""The values of expressions. A value is a text, a number or a truth value; None is "no result" [D L4]."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import TypeAlias, cast

from ruleengine_oracles.cql.events import Stored
from ruleengine_oracles.cql.figures import EXACT, compared, read
from ruleengine_oracles.cql.nodes import Call, Expression, FieldValue, Literal, Operation
from ruleengine_oracles.cql.problems import Undocumented
from ruleengine_oracles.cql.signatures import SIGNATURES
from ruleengine_oracles.cql.times import part

Value: TypeAlias = str | Decimal | bool | None
Truth: TypeAlias = Callable[[Call, bool], bool]


def value_of(expression: Expression, event: Stored, negated: bool, truth: Truth) -> Value:
    """Return an expression's value; `truth` answers filter functions, `negated` says that a NOT is above."""
    match expression:
        case Literal():
            return expression.value
        case FieldValue(name):
            return event.get(name)
        case Call():
            return called(expression, event, negated, truth)
        case Operation("sign", (one,)):
            figure = number(value_of(one, event, negated, truth), negated)
            return None if figure is None else -figure
        case Operation("not", (one,)):
            value = value_of(one, event, True, truth)
            if not isinstance(value, bool):
                raise Undocumented(f"! before {value!r}")
            return not value
        case Operation(operator, (left, right)):
            values = [value_of(each, event, negated, truth) for each in (left, right)]
            return operated(operator, values[0], values[1], negated)
        case _:
            raise AssertionError(expression)


def called(call: Call, event: Stored, negated: bool, truth: Truth) -> Value:
    """Return the value of a function."""
    given = call.arguments
    if SIGNATURES[call.name].truth:
        return truth(call, negated)
    if call.name == "getField":
        return event.get(str(given["source"]))
    if call.name == "if":  # [D] `case { test(condition) | y := then; y := else }`
        condition = value_of(cast(Expression, given["condition"]), event, False, truth)
        if condition not in (None, True, False, "true", "false"):
            raise Undocumented(f"if() of {condition!r}, which is neither true nor false")
        chosen = "then" if condition in (True, "true") else "else"
        return value_of(cast(Expression, given[chosen]), event, negated, truth)
    value = event.get(str(given["field"]))
    if value is None:
        return None
    if call.name == "length":
        if any(char > "\uffff" for char in value):
            raise Undocumented("the length of a text with astral characters")
        return Decimal(len(value))
    return cased(call.name, value) if call.name in ("lower", "upper") else part(call.name, value)


def cased(name: str, text: str) -> str:
    """Return a text in lower or upper case; beyond plain pairs of letters nobody says how that is done [?]."""
    chars = [char.lower() if name == "lower" else char.upper() for char in text]
    result = text.lower() if name == "lower" else text.upper()
    if any(len(char) != 1 for char in chars) or "".join(chars) != result:
        raise Undocumented(f"{name}() of {text!r}")
    return result


def operated(operator: str, one: Value, other: Value, negated: bool) -> Value:
    """Return the result of an operator with two operands; without one of them there is none [D L4]."""
    if one is None or other is None:
        return None
    if operator in ("==", "!="):
        return equal(one, other) == (operator == "==")
    left, right = number(one, negated), number(other, negated)
    if left is None or right is None:
        return None
    if operator in ("<", "<=", ">", ">="):
        return compared(operator, left, right)
    return computed(operator, left, right)


def equal(one: str | Decimal | bool, other: str | Decimal | bool) -> bool:
    """Return whether two values are the same; "1" and "1.0" may be [?]."""
    texts = [text_of(one), text_of(other)]
    if texts[0] == texts[1]:
        return True
    figures = [read(text or "").value for text in texts]
    if figures[0] is not None and figures[1] is not None and float(figures[0]) == float(figures[1]):
        raise Undocumented(f"{texts[0]!r} == {texts[1]!r}: the same number, different texts")
    return False


def number(value: Value, negated: bool) -> Decimal | None:
    """Return a value as a number; under a negation nobody says what a text that is none does [D L2, L4, ?]."""
    if value is None or isinstance(value, Decimal):
        return value
    if isinstance(value, bool):
        raise Undocumented("a truth value as a number")
    figure = read(value)
    if figure.value is not None and (not figure.sure or abs(figure.value) > EXACT):
        raise Undocumented(f"{value!r} as a number")
    if figure.value is None and negated:
        raise Undocumented(f"{value!r} as a number, under a negation")
    return figure.value


def computed(operator: str, left: Decimal, right: Decimal) -> Decimal:
    """Return a sum, difference, product or quotient, where doubles give the exact one."""
    if operator == "/" and right == 0:
        raise Undocumented("a division by 0")
    with localcontext(prec=60):
        exact = {
            "+": lambda: left + right,
            "-": lambda: left - right,
            "*": lambda: left * right,
            "/": lambda: left / right,
        }[operator]()
    if exact != exact.to_integral_value() or abs(exact) > EXACT:
        raise Undocumented(f"{left} {operator} {right}, which is no whole number that a double holds")
    return exact


def text_of(value: Value) -> str | None:
    """Return a value as it is kept in a field; whole numbers have no point [D L4]."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value()
        return format(value.to_integral_value() if whole else value.normalize(), "f")
    return value
