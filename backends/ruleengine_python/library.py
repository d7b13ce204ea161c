"""The helpers of emitted modules, read from `runtime/` as text: each with the names that it needs itself."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

FILES = ("fields.py", "values.py", "instants.py")
"""In the order in which their parts stand in an emitted module; within it, constants stand before what uses them."""

OPTIONAL = {"field is ANYWHERE": "ANYWHERE", "isinstance(field, tuple)": "called"}
"""Branches of helpers that only some rules need: the test of the `if`, and what it is left out without."""


@dataclass(frozen=True, slots=True)
class Part:
    """A helper, a constant or a method: its lines, the names in it, and the branches that may be left out."""

    name: str
    lines: tuple[str, ...]
    names: frozenset[str]
    branches: tuple[tuple[str, int, int, frozenset[str]], ...] = ()
    """For each: what it is left out without, its first line and the one after it in `lines`, and its names."""
    spaced: bool = True
    """Whether two empty lines stand around it: not around constants."""

    def needs(self, wanted: set[str]) -> set[str]:
        return set(self.names).union(*(names for only, _, _, names in self.branches if only in wanted))

    def text(self, wanted: set[str]) -> str:
        dropped = {at for only, start, end, _ in self.branches if only not in wanted for at in range(start, end)}
        return "\n".join(line for at, line in enumerate(self.lines) if at not in dropped)


@dataclass(frozen=True, slots=True)
class Library:
    """Everything that modules can be made of."""

    parts: tuple[Part, ...]
    imports: dict[str, str]
    """The module that a name is imported from; empty where the name is a module."""

    def closed(self, names: Iterable[str]) -> set[str]:
        """Return the names and all that these need; `Fields.equals` is a method."""
        parts = {part.name: part for part in self.parts}
        wanted: set[str] = set()
        pending = set(names)
        while pending:
            wanted |= pending
            found = set().union(*(parts[name].needs(wanted) for name in wanted if name in parts))
            pending = found - wanted
        return wanted

    def written(self, wanted: set[str]) -> str:
        """Return the source of the parts of these names, in the order of the library."""
        out: list[str] = []
        before = True
        for part in (part for part in self.parts if part.name in wanted):
            method = "." in part.name
            gap = "" if not out else "\n" if method else "\n\n" if part.spaced or before else ""
            out.append(gap + part.text(wanted))
            before = part.spaced or part.lines[-1].endswith('"""')
        return "\n".join(out)

    def import_lines(self, wanted: set[str]) -> str:
        """Return the imports of these names as a formatter would sort them."""
        modules = sorted(name for name in wanted if self.imports.get(name) == "" and name != "re2")
        others: dict[str, list[str]] = {}
        for name in sorted(wanted & set(self.imports), key=lambda name: (name.islower(), name)):
            if self.imports[name]:
                others.setdefault(self.imports[name], []).append(name)
        lines = [f"import {name}" for name in modules]
        lines += [f"from {module} import {', '.join(names)}" for module, names in sorted(others.items())]
        more = ["", "import re2  # pip install google-re2"] if "re2" in wanted else []
        return "\n".join([*lines, *more])


@cache
def library() -> Library:
    """Return the library, read once."""
    parts: list[Part] = []
    imports: dict[str, str] = {}
    for name in FILES:
        source = (files("ruleengine_python") / "runtime" / name).read_text("utf-8")
        lines = source.split("\n")
        body = ast.parse(source).body
        for index, node in enumerate(body):
            match node:
                case ast.Import():
                    imports |= {alias.name: "" for alias in node.names}
                case ast.ImportFrom(module=str(module)) if not module.startswith(("ruleengine", "__future__")):
                    imports |= {alias.name: module for alias in node.names}
                case ast.ClassDef():
                    parts += _class_parts(node, lines)
                case ast.FunctionDef():
                    parts.append(_part(node.name, node, lines))
                case ast.Assign(targets=[ast.Name(id=called)]) | ast.AnnAssign(target=ast.Name(id=called)):
                    after = body[index + 1] if index + 1 < len(body) else node
                    parts.append(_constant(called, node, after, lines))
    return Library(tuple(parts), imports)


def _class_parts(node: ast.ClassDef, lines: list[str]) -> Iterator[Part]:
    """Yield the head of a class, to its constructor, and then each of its methods."""
    methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
    head = next(each for each in methods if each.name == "__init__")
    yield Part(node.name, tuple(lines[node.lineno - 1 : head.end_lineno]), _names(head, node.name))
    for each in methods:
        if each is not head:
            part = _part(f"{node.name}.{each.name}", each, lines, node.name)
            yield Part(part.name, part.lines, part.names | {node.name}, part.branches)


def _part(name: str, node: ast.FunctionDef, lines: list[str], inside: str = "") -> Part:
    start = min(node.lineno, *(each.lineno for each in node.decorator_list)) if node.decorator_list else node.lineno
    branches: list[tuple[str, int, int, frozenset[str]]] = []
    always: set[str] = set()
    for statement in node.body:
        test = ast.unparse(statement.test) if isinstance(statement, ast.If) else ""
        if test in OPTIONAL:
            end = (statement.end_lineno or 0) + 1
            branches.append((OPTIONAL[test], statement.lineno - start, end - start, _names(statement, inside)))
        else:
            always |= _names(statement, inside)
    for each in (node.args, node.returns, *node.decorator_list):
        always |= _names(each, inside) if each is not None else set()
    return Part(name, tuple(lines[start - 1 : node.end_lineno]), frozenset(always), tuple(branches))


def _constant(name: str, node: ast.stmt, after: ast.stmt, lines: list[str]) -> Part:
    """Return a constant with the text that explains it below."""
    explained = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
    end = after.end_lineno if explained else node.end_lineno
    return Part(name, tuple(lines[node.lineno - 1 : end]), _names(node, ""), spaced=False)


def _names(node: ast.AST, inside: str) -> frozenset[str]:
    """Return the names in a node, and the methods of the class that it is inside of."""
    found = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    if inside:
        of_self = (each for each in ast.walk(node) if isinstance(each, ast.Attribute))
        found |= {f"{inside}.{e.attr}" for e in of_self if isinstance(e.value, ast.Name) and e.value.id == "self"}
    return frozenset(found)


@cache
def reserved() -> frozenset[str]:
    """Return the names that nothing made from a rule may have: those of the library, and the builtins that it uses."""
    kept = library()
    named = frozenset(kept.imports) | {part.name for part in kept.parts}
    used = frozenset[str]().union(*(part.names for part in kept.parts))
    return named | (used & set(dir(builtins)))
