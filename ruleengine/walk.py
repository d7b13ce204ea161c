"""The only recursion over expressions: children, walk, and rebuild."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import cast, get_args

from ruleengine.ir import And, Atom, Expr, Leaf, Named, Not, Or

ATOMS = frozenset(get_args(Atom))


def children(expr: Expr) -> tuple[Expr, ...]:
    """Return the expressions directly below one."""
    match expr:
        case And(items) | Or(items):
            return items
        case Not(item) | Named(_, item):
            return (item,)
        case Leaf(_, test):
            return (test,)
        case _:
            return ()


def atom_of(expr: Expr) -> Atom:
    """Return what is left of a lowered expression when it is no logic: an atom; TypeError for anything else."""
    if type(expr) not in ATOMS:
        raise TypeError(f"{type(expr).__name__} is no atom")
    return cast(Atom, expr)


def walk(expr: Expr) -> Iterator[Expr]:
    """Yield an expression and all below it, parents first, left to right."""
    pending = [expr]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(children(current)))


def rebuild(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """Return the expression with `change` applied to every node, leaves first."""
    match expr:
        case And(items) | Or(items):
            return change(replace(expr, items=tuple(rebuild(item, change) for item in items)))
        case Not(item) | Named(_, item):
            return change(replace(expr, item=rebuild(item, change)))
        case Leaf(_, test):
            return change(replace(expr, test=rebuild(test, change)))
        case _:
            return change(expr)


def leaves(expr: Expr) -> Iterator[Leaf]:
    """Yield the leaves of a lowered expression in the order they were written."""
    return (node for node in walk(expr) if isinstance(node, Leaf))
