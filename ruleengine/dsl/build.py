"""From the trees of conditions to the IR."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lark import Token, Tree

from ruleengine.dsl import leaf, text
from ruleengine.functions import ARGUMENTS
from ruleengine.ir import And, Call, Expr, Item, NamedRef, Not, Or, ParamRef, Quantified, Value
from ruleengine.modifiers import faults
from ruleengine.problem import Report, problem
from ruleengine.span import Source, Span


class Builder:
    """Makes expressions of the trees of one statement, which begins at an offset of the source."""

    def __init__(self, source: Source, start: int, report: Report) -> None:
        self.source, self.start, self.report = source, start, report

    def span(self, node: Any) -> Span:
        if isinstance(node, Token):
            return Span(self.source, self.start + (node.start_pos or 0), self.start + (node.end_pos or 0))
        return Span(self.source, self.start + node.meta.start_pos, self.start + node.meta.end_pos)

    def expr(self, tree: Any) -> Expr:
        """Return the expression of a tree."""
        place = self.span(tree)
        match tree.data:
            case "disjunction":
                return Or(tuple(self.expr(branch) for branch in _trees(tree)), span=place)
            case "conjunction":
                return And(tuple(self.expr(branch) for branch in _trees(tree)), span=place)
            case "any_of_one":
                return Or((self.expr(_trees(tree)[0]),), span=place)
            case "all_of_one":
                return And((self.expr(_trees(tree)[0]),), span=place)
            case "negated":
                return Not(self.expr(_trees(tree)[0]), span=place)
            case "reference":
                return NamedRef(text.name(str(tree.children[0])), span=place)
            case "quantified":
                return Quantified(
                    "1" if tree.children[0] == "1" else "all", text.name(str(tree.children[1])), span=place
                )
            case _:
                return self.item(tree)

    def item(self, tree: Any) -> Item:
        """Return the item of a leaf."""
        parts = tree.children
        field = self.field(parts[1] if tree.data == "time_part" else parts[0])
        modifiers, given = self._apart(str(tree.data), parts)
        listed = isinstance(given, list)
        values = given if isinstance(given, list) else [given]
        if field is None and tree.data == "matched":  # that is what a keyword means; after `with` stands Sigma's own
            modifiers = tuple(name for name in modifiers if name != "contains")
        self._check(tree, field, modifiers)
        return Item(
            field,
            modifiers,
            tuple(value for value, _ in values),
            listed,
            span=self.span(tree),
            value_spans=tuple(span for _, span in values),
        )

    def _check(self, tree: Any, field: str | None, modifiers: tuple[str, ...]) -> None:
        """Report modifiers that do not exist, or do not go together; a list in a file is no modifier of Sigma."""
        if "list" in modifiers:
            return
        where = self.span(tree.children[1] if tree.data == "chained" else tree)
        found = faults(field, modifiers)
        if field is None and (tree.data in ("equals", "within") or any(fault.code == "RE203" for fault in found)):
            hint = "write `not anywhere contains …`" if "neq" in modifiers else ""
            self.report(problem("RE203", where, "after `anywhere` stands `contains`, `like` or `matches`", hint))
            return
        for fault in found:
            self.report(problem(fault.code, where, fault.message, fault.hint))

    def field(self, tree: Any) -> str | None:
        """Return the field of a leaf: its name, a function of it, or None for anywhere."""
        token, *arguments = tree.children
        if token.type == "CALL":
            name, number = arguments
            given: list[str | int] = [text.name(str(name))]
            if number is not None:
                given.append(int(text.number(str(number.children[0]))))
            if len(given) != ARGUMENTS[str(token)]:
                wants = "a field and a number" if ARGUMENTS[str(token)] == 2 else "a field alone"
                self.report(problem("RE813", self.span(tree), f"`{token}` takes {wants}"))
            return Call(str(token), *given)
        return None if token.type == "ANYWHERE" else text.name(str(token))

    def _apart(self, kind: str, parts: Sequence[Any]) -> tuple[tuple[str, ...], Placed | list[Placed]]:
        """Return the modifiers and the value or values of a leaf of some kind."""
        match kind:
            case "exists" | "not_exists":
                return ("exists",), (kind == "exists", self.span(parts[-1]))
            case "missing":
                return (), (None, self.span(parts[-1]))
            case "equals":
                return self._equals(parts)
            case "compares":
                return (leaf.SIGNS[str(parts[1])],), self.value(parts[2])
            case "within":
                return self._within(parts)
            case "in_network":
                return ("cidr", *(("neq",) if parts[1] else ())), self.given(parts[3], verbatim=True)
            case "in_list":
                return ("list", *(("neq",) if parts[1] else ())), self.value(parts[3], verbatim=True)
            case "matched":
                return self._matched(parts)
            case "regex":
                return self._regex(parts)
            case "chained":
                chain = str(parts[1])
                return tuple(chain.split("|")) if chain != "plain" else (), self.given(parts[2], verbatim=True)
            case _:
                sign = leaf.SIGNS.get(str(parts[2]))
                return (str(parts[0]), *((sign,) if sign else ())), self.value(parts[3])

    def _equals(self, parts: Sequence[Any]) -> tuple[tuple[str, ...], Placed | list[Placed]]:
        _, cased, sign, value = parts
        negated = ("neq",) if sign == "!=" else ()
        if isinstance(value, Tree) and value.data == "field_call":
            return ("fieldref", *(("cased",) if cased else ()), *negated), self._field_call(value)
        functions, inner = self._functions(value)
        return leaf.chain(leaf.Written(bool(negated), bool(cased), "", functions)), self.given(inner)

    def _within(self, parts: Sequence[Any]) -> tuple[tuple[str, ...], Placed | list[Placed]]:
        _, negated, cased, values = parts
        functions, inner = self._functions(values)
        given = self.given(inner)
        if not isinstance(given, list):
            self.report(problem("RE805", self.span(inner), "`in` takes a list", "write it in brackets: `[…]`"))
        return leaf.chain(leaf.Written(bool(negated), bool(cased), "", functions)), given

    def _matched(self, parts: Sequence[Any]) -> tuple[tuple[str, ...], Placed | list[Placed]]:
        _, negated, cased, word, values = parts
        every = False
        if isinstance(values, Tree) and values.data == "quantified_values":
            every = str(values.children[0]) == "all"
            values = values.children[1]
        if isinstance(values, Tree) and values.data == "field_call":
            return (
                "fieldref",
                str(word),
                *(("cased",) if cased else ()),
                *(("neq",) if negated else ()),
            ), self._field_call(values)
        functions, inner = self._functions(values)
        matcher = "" if word == "like" else str(word)
        chain = leaf.chain(leaf.Written(bool(negated), bool(cased), matcher, functions, every))
        return chain, self.given(inner, verbatim=word == "like")

    def _regex(self, parts: Sequence[Any]) -> tuple[tuple[str, ...], Placed | list[Placed]]:
        _, negated, _, patterns = parts
        every = listed = False
        given = [patterns]
        if isinstance(patterns, Tree) and patterns.data == "quantified_values":
            every, listed = str(patterns.children[0]) == "all", True
            given = [each for each in patterns.children[1:] if each is not None]
        found = [self._pattern(each) for each in given]
        flags = {flag for _, each, _ in found for flag in each}
        if any(set(each) != flags for _, each, _ in found):
            sentence = "the regular expressions of one leaf have one set of flags, and these differ"
            self.report(
                problem(
                    "RE202",
                    self.span(parts[3]),
                    sentence,
                    f"write `{''.join(sorted(flags))}` behind each, or two leaves",
                )
            )
        modifiers = (
            "re",
            *(flag for flag in "ims" if flag in flags),
            *(("all",) if every else ()),
            *(("neq",) if negated else ()),
        )
        values: list[Placed] = [(source, span) for source, _, span in found]
        return modifiers, values if listed else values[0]

    def _pattern(self, node: Any) -> tuple[str, str, Span]:
        if isinstance(node, Token):
            body, _, flags = str(node)[1:].rpartition("/")
            return body.replace("\\/", "/"), flags, self.span(node)
        value, span = self.value(node, verbatim=True)
        return str(value), "", span

    def _functions(self, node: Any) -> tuple[tuple[str, ...], Any]:
        """Return the functions around a value, the innermost first, and the value; `glob` is not one of them."""
        names: list[str] = []
        while isinstance(node, Tree) and node.data == "call" and node.children[0] != "glob":
            names.append(str(node.children[0]))
            node = node.children[1]
        return tuple(reversed(names)), node

    def _field_call(self, tree: Any) -> Placed:
        return text.name(str(tree.children[0])), self.span(tree)

    def given(self, node: Any, *, verbatim: bool = False) -> Placed | list[Placed]:
        """Return a value, or the values of a list."""
        if isinstance(node, Tree) and node.data == "list":
            return [self.value(each, verbatim=verbatim) for each in node.children if each is not None]
        if isinstance(node, Tree) and node.data == "call" and node.children[0] == "glob":
            return self.given(node.children[1], verbatim=True)
        return self.value(node, verbatim=verbatim)

    def value(self, node: Any, *, verbatim: bool = False) -> Placed:
        """Return one value with its span; a text is written as Sigma writes it, unless it is so already."""
        place = self.span(node)
        if isinstance(node, Token):
            return (None if node.type == "NULL" else node == "true"), place
        match node.data:
            case "number":
                return text.number(str(node.children[0])), place
            case "parameter":
                return ParamRef(str(node.children[0])), place
            case "string":
                plain = self.text(node.children[0])
                return plain if verbatim else text.as_sigma(plain), place
            case "call" if node.children[0] == "glob":
                return self.value(node.children[1], verbatim=True)
            case _:
                sentence = f"`{node.children[0]}` stands around all values of a leaf, not around one of a list"
                self.report(problem("RE810", place, sentence, "write it around the list"))
                return "", place

    def text(self, token: Token) -> str:
        """Return what a string says; a wrong escape is reported."""
        if token.type == "RAW":
            return text.raw(str(token))
        if token.type == "BLOCK":
            return text.block(str(token))
        try:
            return text.escaped(str(token))
        except ValueError as error:
            written, offset = error.args
            start = self.start + (token.start_pos or 0) + offset
            sentence = f"`{written}` is no escape"
            hint = "single quotes take backslashes as they are"
            self.report(problem("RE811", Span(self.source, start, start + 2), sentence, hint))
            return str(token)[1:-1]


Placed = tuple[Value, Span]
"""A value and where it stands."""


def _trees(tree: Any) -> list[Any]:
    return [child for child in tree.children if isinstance(child, Tree)]
