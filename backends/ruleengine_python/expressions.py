"""From a lowered expression to Python: a function a selection, whose expressions mirror what the rule says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ruleengine.ir import And, Expr, Leaf, Named, Not, Or
from ruleengine.walk import atom_of
from ruleengine_python.layout import Code, Group, Joined, Negated, laid_out, remark
from ruleengine_python.questions import Module, Question, questions

MOST_INLINE = 12
"""More values than this stand in a table above the functions."""

DEEPEST = 6
"""What nests deeper than this within a function becomes a function of its own."""


@dataclass(slots=True)
class Writer:
    """Writes the functions of one rule into a module; `prefix` stands before their names in a module of many rules."""

    module: Module
    prefix: str = ""
    made: dict[Named, str] = field(default_factory=dict)
    inside: str = ""
    """The name of the function that is being written."""

    def function(self, wanted: str, expr: Expr) -> str:
        """Write a function that says whether an expression holds, and return its name."""
        name = self.module.name(self.prefix + wanted)
        outer, self.inside = self.inside, name
        body = laid_out(self.code(expr), "    ", "return ")
        self.inside = outer
        comment = [f"# `{remark(wanted)}` of the rule"] if name != self.prefix + wanted else []
        self.module.functions.append("\n".join([*comment, f"def {name}(fields: Fields) -> bool:", *body]))
        return name

    def code(self, expr: Expr, depth: int = 0) -> Code:
        """Return what a lowered expression says as a Python expression."""
        match expr := _bare(expr):
            case Named(name, item):
                if expr not in self.made:
                    self.made[expr] = self.function(name, item)
                return f"{self.made[expr]}(fields)"
            case And() | Or() | Not() if depth >= DEEPEST:
                return f"{self.function('part', expr)}(fields)"
            case Not(item):
                inner = self.code(item, depth + 1)
                return inner.item if isinstance(inner, Negated) else Negated(inner)
            case And(items):
                return self._all([self._asked_of(item, depth) for item in _flattened(items, And)])
            case Or(items):
                return self._some(each for item in _flattened(items, Or) for each in self._asked_of(item, depth))
            case _:
                return self._some(self._asked_of(expr, depth))

    def _asked_of(self, expr: Expr, depth: int) -> list[Question | Code]:
        """Return what is asked for a part of a condition, one of which must be so."""
        if isinstance(expr, And | Or | Not | Named):
            return [self.code(expr, depth + 1)]
        return list(questions(atom_of(expr), self.module))

    def _some(self, asked: Iterable[Question | Code]) -> Code:
        """Return an `or`, in which questions of one kind about one field are one."""
        found: dict[object, list[Question | Code]] = {}
        for number, each in enumerate(asked):
            found.setdefault(each.key if isinstance(each, Question) else number, []).append(each)
        return self._joined("or", [self._one(same) for same in found.values()])

    def _all(self, asked: Sequence[list[Question | Code]]) -> Code:
        """Return an `and`, in which words that must all be in one field are one question."""
        found: dict[object, list[Question | Code]] = {}
        for number, each in enumerate(asked):
            match each:
                case [Question("contains") as question] if len(question.values) == 1:
                    found.setdefault(question.key, []).append(question)
                case _:
                    found[number] = [self._some(each)]
        codes = [self._one(same, "contains_all" if len(same) > 1 else None) for same in found.values()]
        return self._joined("and", codes)

    def _joined(self, word: Literal["and", "or"], codes: Sequence[Code]) -> Code:
        """Return some expressions with a word between them; `and` of none is true, `or` of none is false."""
        if not codes:
            return "True" if word == "and" else "False"
        return codes[0] if len(codes) == 1 else Joined(word, codes)

    def _one(self, same: Sequence[Question | Code], method: str | None = None) -> Code:
        """Return questions that differ in their values only as one call; anything else stands alone."""
        first = same[0]
        if not isinstance(first, Question):
            return first
        asked = [each for each in same if isinstance(each, Question)]
        values = dict(pair for each in asked for pair in zip(each.values, each.remarks or each.values, strict=True))
        method = method or first.method
        self.module.needs.add(f"Fields.{method}")
        arguments: list[Code] = [first.field]
        if values:
            remarks = list(values.values()) if first.remarks else []
            arguments.append(self._values(method, first.field, list(values), remarks))
        return Group(f"fields.{method}(", [*arguments, *(["cased=True"] if first.cased else [])])

    def _values(self, method: str, name: str, values: list[str], remarks: list[str]) -> Code:
        """Return values as a tuple, or, when they are many, as a table of their own."""
        if len(values) <= MOST_INLINE:
            return Group("(", values, ")", remarks)
        table = self.module.name(f"{self.inside}_{name}".upper())
        opening, close = ("{", "}") if method in ("equals", "is_number") else ("(", ")")
        self.module.tables.append("\n".join(laid_out(Group(opening, values, close, remarks), "", f"{table} = ")))
        return table


def _flattened(items: Iterable[Expr], kind: type[And | Or]) -> Iterator[Expr]:
    """Yield the parts of an `and` or `or`, and those of others of the same kind among them."""
    for item in items:
        inner = _bare(item)
        if isinstance(inner, kind):
            yield from _flattened(inner.items, kind)
        else:
            yield inner


def _bare(expr: Expr) -> Expr:
    """Return an expression without what does not change its meaning: a leaf's own wrapping, `and` and `or` of one."""
    while True:
        match expr:
            case Leaf(_, inner) | And((inner,)) | Or((inner,)):
                expr = inner
            case _:
                return expr
