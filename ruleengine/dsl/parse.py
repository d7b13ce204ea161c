"""Reads rule files of the language: statements first, then each by its own grammar, so that one slip stays one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput
from lark.lexer import PatternStr

from ruleengine.dsl import quick, words
from ruleengine.dsl import told as in_braces
from ruleengine.dsl.build import Builder
from ruleengine.dsl.cut import Statement, statements
from ruleengine.dsl.hints import all_slips, unknown_statement
from ruleengine.dsl.misread import misread, too_much
from ruleengine.dsl.names import unknown
from ruleengine.dsl.parts import Parts
from ruleengine.dsl.rule import rule_of
from ruleengine.dsl.slips import Slip
from ruleengine.ir import Expr, NamedRef, Quantified, Rule, Selection
from ruleengine.lower import selected
from ruleengine.problem import Problem, Report, problem
from ruleengine.span import Source, Span
from ruleengine.walk import walk

HEADS = ("rule", "filter")
CONDITIONS = ("use", "let", "match", "having", "sequence")
STATEMENTS = (
    "head",
    "meta",
    "logs",
    "rules",
    "window",
    "timeframe",
    "generate",
    "alert",
    "suppress",
    "every",
    "param",
    "test",
)
IN_BRACES = "told"
"""The start rule of what stands in the braces of an alert's text."""
WORDS = {"within": "window", "tumbling": "window", "session": "window", "rule": "head", "filter": "head"}
"""The start rule of a statement by its first word, where they differ; any other word begins metadata."""

META = frozenset(
    "id name status description license references author date modified tags level falsepositives fields related "
    "taxonomy scope".split()
)


@cache
def parser(name: str) -> Lark:
    """Return the parser of `condition.lark` or `statement.lark`."""
    grammar = (files("ruleengine.dsl") / f"{name}.lark").read_text("utf-8")
    start = [*CONDITIONS, IN_BRACES] if name == "condition" else list(STATEMENTS)
    return Lark(grammar, parser="lalr", start=start, propagate_positions=True, maybe_placeholders=True)


@cache
def keywords(name: str) -> dict[str, str]:
    """Return the terminals of a grammar that are one word or sign."""
    return {each.name: each.pattern.value for each in parser(name).terminals if isinstance(each.pattern, PatternStr)}


SAYS = re.compile(r"^\s*(?:match|sequence|rules)\b", re.M)
"""A statement that says what a rule finds, wherever it stands."""

FindModule = Callable[[str, str], Source | None]
"""From a rule file's path and the name of a module to the module's text."""


def rules(source: Source, report: Report, find: FindModule = lambda _path, _name: None) -> Iterator[Rule]:
    """Yield the rules of a file; whatever cannot be read is reported, and the rest goes on.

    A file that holds only `let` statements is a module for others to `use`, and yields none.
    """
    before, heads = blocks(source)
    if not heads and all(statement.word == "let" for statement in before):
        for statement in before:
            read(statement, Parts(statement.span), report)
        return
    shared = used(before, find, report)
    for head, below in heads:
        found: list[Problem] = []
        parts = Parts(head.span)
        parts.lets.extend(shared)
        for statement in (head, *below):
            read(statement, parts, found.append)
        rule = rule_of(parts, (_nothing if _lost(below, found) else found.append))
        found.extend(unknown(parts, below))
        found.extend(_alert(parts, below, broken=any(each.blocks for each in found)))
        for each in found:
            report(each)
        if rule is not None and not any(each.blocks for each in found):
            yield rule


def _alert(parts: Parts, below: list[Statement], *, broken: bool) -> Iterator[Problem]:
    """Yield what is wrong with the text of an alert; with a `let` that cannot be read, any name is taken."""
    statement = next((each for each in below if each.word == "alert"), None)
    if statement is None or parts.alert is None or parts.alert.text is None:
        return
    tree = tree_of(statement, "alert", _nothing)
    of_rules = bool(parts.rules or parts.any_rule)
    lets = None if broken or of_rules else {let.name for let in parts.lets}
    known = in_braces.Known(
        bool(broken or parts.window or parts.steps or of_rules), lets, {param.name for param in parts.params}
    )
    if tree is not None:
        token = Builder(statement.span.source, statement.span.start, _nothing).span(tree.children[0])
        parse = parser("condition").parse
        yield from in_braces.faults(parts.alert.text, token, lambda text: parse(text, start=IN_BRACES), known)


Block = tuple[Statement, list[Statement]]


def _nothing(_: Problem) -> None:
    """Report nothing."""


def _lost(below: list[Statement], found: list[Problem]) -> bool:
    """Say whether what seems to be missing in a rule may only be broken."""
    broken = any(each.code == "RE801" for each in found)
    return bool(found) and (broken or any(SAYS.search(each.span.text) for each in below))


def blocks(source: Source) -> tuple[list[Statement], list[Block]]:
    """Return the statements before the first rule, and each `rule` or `filter` with the statements below it."""
    before: list[Statement] = []
    heads: list[Block] = []
    for statement in statements(source):
        if statement.word in HEADS:
            heads.append((statement, []))
        else:
            (heads[-1][1] if heads else before).append(statement)
    return before, heads


def used(before: list[Statement], find: FindModule, report: Report) -> list[Selection]:
    """Return what the `use` statements before the first rule take from other files."""
    out: list[Selection] = []
    odd = next((statement for statement in before if statement.word != "use"), None)
    if odd is not None:  # the first is told: all that follow have the same trouble
        report(_before(odd))
    for statement in before:
        if statement.word == "use" and (tree := tree_of(statement, "use", report)) is not None:
            out.extend(taken(tree, statement, find, report))
    return out


def _before(statement: Statement) -> Problem:
    """Return what is wrong with a statement that stands before the first rule."""
    text = statement.span.text
    if re.match(r"(?:---|[\w-]+:(?:\s|\Z))", text):
        where = Span(statement.span.source, statement.span.start, statement.span.start + len(text.split()[0]))
        return problem("RE801", where, "this is YAML, as Sigma's rules are", "such files are named `.yml`")
    hint = unknown_statement(statement.word, HEADS) if statement.word not in (*words.STATEMENTS, *META) else ""
    return problem("RE801", statement.word_span, "a rule begins with `rule`, and only `use` may stand before it", hint)


def taken(tree: Any, statement: Statement, find: FindModule, report: Report) -> Iterator[Selection]:
    """Yield the `let`s that one `use` takes from a module; what is not there is reported."""
    builder = Builder(statement.span.source, statement.span.start, report)
    *names, module = tree.children
    found = find(statement.span.source.path, str(module))
    if found is None:
        hint = f"it would be the file `{module}.rule` in this folder or one above"
        report(problem("RE816", builder.span(module), f"there is no module `{module}`", hint))
        return
    parts = Parts(statement.span)
    for each in statements(found):
        if each.word == "let":
            read(each, parts, report)
        else:
            report(problem("RE801", each.word_span, "a module holds `let` statements alone"))
    known = {let.name: let for let in parts.lets}
    for name in names:
        if str(name) not in known:
            sentence = f"the module `{module}` has no `{name}`"
            report(problem("RE816", builder.span(name), sentence, unknown_statement(str(name), known)))
    wanted = {str(name) for name in names}
    for let in reversed(parts.lets):  # what is named may itself name others, which stand above it
        if let.name in wanted:
            wanted |= _names_in(let.item, tuple(known))
    for let in parts.lets:
        if let.name in wanted:
            yield replace(let, module=str(module))


def _names_in(expr: Expr, names: tuple[str, ...]) -> set[str]:
    """Return which of the names a condition speaks of."""
    out: set[str] = set()
    for node in walk(expr):
        match node:
            case NamedRef(name):
                out.add(name)
            case Quantified(_, pattern):
                out.update(selected(pattern, names))
    return out


def read(statement: Statement, parts: Parts, report: Report) -> None:
    """Add what one statement says to the parts of its rule; a statement that cannot be read is reported."""
    if quick.taken(statement, parts):
        return
    word = statement.word
    start = WORDS.get(word, word) if word in words.STATEMENTS else "meta"
    own = word in META or word.startswith("x-")
    if word in words.LATER_STATEMENTS:
        report(problem("RE826", statement.word_span, f"`{word}` {words.NOT_YET}"))
        return
    if start == "meta" and not own and (hint := unknown_statement(word, (*words.STATEMENTS, *META))):
        report(problem("RE801", statement.word_span, f"no statement begins with `{word}`", hint))
        return
    if start == "use":
        report(problem("RE801", statement.word_span, "`use` stands before the first `rule` of a file"))
        return
    tree = tree_of(statement, start, report)
    slip = next(misread(start, statement.span.text, tree), None) if tree is not None else None
    if slip is not None:
        report(told(slip, statement))
    elif tree is not None:
        parts.add(start, tree, Builder(statement.span.source, statement.span.start, report), statement)


def tree_of(statement: Statement, start: str, report: Report) -> Tree[Token] | None:
    """Return the tree of a statement; None after reporting what stopped the parser."""
    text = statement.span.text
    grammar = "condition" if start in CONDITIONS else "statement"
    if (slip := too_much(text)) is not None:
        report(told(slip, statement))
        return None
    try:
        return _tree(text, start) if len(text) <= SHORT else parser(grammar).parse(text, start=start)
    except UnexpectedInput as error:
        for slip in all_slips(text, error, keywords(grammar), lambda patched: _stopped(grammar, patched, start)):
            report(told(slip, statement))
        return None


def _stopped(grammar: str, text: str, start: str) -> UnexpectedInput | None:
    try:
        parser(grammar).parse(text, start=start)
    except UnexpectedInput as error:
        return error
    return None


SHORT = 200
"""Characters up to which the tree of a statement is kept."""


@lru_cache(maxsize=1 << 12)
def _tree(text: str, start: str) -> Tree[Token]:
    """Return the tree of a short statement: log sources and conditions recur; places count from its beginning."""
    return parser("condition" if start in CONDITIONS else "statement").parse(text, start=start)


def told(slip: Slip, statement: Statement) -> Problem:
    """Return the problem of a slip in a statement."""
    base = statement.span.start
    where = Span(statement.span.source, base + slip.start, base + max(slip.end, slip.start + 1))
    return problem(slip.code, where, slip.message, slip.hint)
