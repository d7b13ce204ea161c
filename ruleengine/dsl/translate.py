"""The rules of one file in the other language: Sigma's YAML as rule text, rule text as Sigma's YAML."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace

from ruleengine.dsl import parse
from ruleengine.dsl.comments import notes, with_notes
from ruleengine.dsl.show import show
from ruleengine.ir import And, Expr, Filter, Item, NamedRef, Not, Or, Quantified, Rule, Single
from ruleengine.lower import selected
from ruleengine.problem import Problem, Report, problem
from ruleengine.sigma import build, export, yaml
from ruleengine.span import Place, Source
from ruleengine.walk import walk

SUFFIXES = {"rule": ".rule", "sigma": ".yml"}
"""The two languages, and the suffix of a file of each."""


def translated(rules: Sequence[Rule], language: str, report: Report) -> str:
    """Return the rules of one file as text of a language, one file again; empty when none of them can be said in it.

    What a language cannot say is reported as RE806 (Sigma) or RE807, and that rule is left out. Every text is read
    back and compared before it is returned, so that what comes out means, and says, the same.
    """
    texts = [text for rule in rules if (text := _written(rule, language, report))]
    return ("---\n" if language == "sigma" else "\n").join(texts)


def _written(rule: Rule, language: str, report: Report) -> str:
    text = WRITERS[language](rule, report)
    if not text:
        return ""
    again = _again(text, rule, language)
    if again is not None:
        found = notes(rule)
        above = [note._replace(path=("rule",), where="before") for note in found]  # where none can do harm
        tried = (with_notes(again, each) for each in (found, above)) if found else iter((text,))
        kept = next((each for each in tried if _keeps(each, rule, language, len(found))), "")
        if kept:
            return kept
    report(
        problem(
            "RE807",
            _place(rule),
            f"{NAMES[language]} would not say the same as `{rule.label}`",
            _why(rule, text, language),
        )
    )
    return ""


def _keeps(text: str, rule: Rule, language: str, count: int) -> bool:
    """Say whether a text with comments is still the rule, and has so many of them."""
    again = _again(text, rule, language)
    return again is not None and len(notes(again)) == count


def _again(text: str, rule: Rule, language: str) -> Rule | None:
    """Return the rule that a text says, if it says what this one does; Sigma may need more selections to say it."""
    found = READERS[language](Source(rule.label, text))
    if len(found) != 1:
        return None
    again = found[0]
    equal = same(again, rule) or (language == "sigma" and _spelled(again) == _spelled(rule))
    return again if equal and dict(again.meta) == dict(rule.meta) else None


def same(one: Rule, other: Rule) -> bool:
    """Say whether two rules are equal as written; keys of metadata may stand in another order."""
    return _plain(one) == _plain(other) and dict(one.meta) == dict(other.meta)


def _plain(rule: Rule) -> Rule:
    return replace(rule, meta=(), filters=())


def _spelled(rule: Rule) -> tuple[Rule, object]:
    """Return a rule without its conditions, and what these say once every name is replaced by what it names."""
    match rule.body:
        case Single():
            said: object = _said(rule.body)
        case Filter(_, body):
            said = (rule.body.rules, rule.body.any_rule, _said(body))
        case _:
            said = rule.body
    return replace(_plain(rule), body=Single((), ())), said


def _said(body: Single) -> object:
    named = {selection.name: selection.item for selection in body.selections}
    return frozenset(_flat(condition, named) for condition in body.conditions)


def _flat(expr: Expr, named: Mapping[str, Expr]) -> Hashable:
    """Return an expression with its names replaced, and with `and` in `and`, `or` in `or`, made one."""
    match expr:
        case And(items) | Or(items):
            word = "and" if isinstance(expr, And) else "or"
            parts: set[Hashable] = set()
            for part in (_flat(item, named) for item in items):
                inner = part[1] if isinstance(part, tuple) and part[0] == word else {part}
                parts |= inner
            return (word, frozenset(parts)) if len(parts) != 1 else parts.pop()
        case Not(item):
            return ("not", _flat(item, named))
        case NamedRef(name) if name in named:
            return _flat(named[name], {key: value for key, value in named.items() if key != name})
        case Quantified(quantifier, pattern):
            refs = tuple(NamedRef(name) for name in selected(pattern, tuple(named)))
            return _flat(And(refs) if quantifier == "all" else Or(refs), named)
        case _:
            return expr


def _why(rule: Rule, text: str, language: str) -> str:
    """Return a hint about what would be lost."""
    found = READERS[language](Source(rule.label, text))
    if len(found) != 1:
        return "a name holds a character that cannot stand in one" if _odd_names(rule) else ""
    given, got = dict(rule.meta), dict(found[0].meta)
    lost = next((key for key in given if key not in got or got[key] != given[key]), None)
    return f"`{lost}` would become something else" if lost is not None else ""


def _odd_names(rule: Rule) -> bool:
    """Say whether a name of the rule cannot be written in one of the two languages."""
    body = rule.body.body if isinstance(rule.body, Filter) else rule.body
    if not isinstance(body, Single):
        return False
    exprs = (*body.conditions, *(selection.item for selection in body.selections))
    fields = [node.field for expr in exprs for node in walk(expr) if isinstance(node, Item) and node.field]
    names = [selection.name for selection in body.selections]
    return any("\n" in name or "|" in name for name in fields) or not all(
        re.fullmatch(r"[\w.-]+", name) for name in names
    )


def _place(rule: Rule) -> Place:
    return rule.span.place if rule.span else Place(rule.label)


def _sigma(rule: Rule, report: Report) -> str:
    document = export.document(rule, report)
    return export.text(document) if document is not None else ""


def _of_rule(source: Source) -> list[Rule]:
    found: list[Problem] = []
    rules = list(parse.rules(source, found.append))
    return [] if any(each.blocks for each in found) else rules


def _of_sigma(source: Source) -> list[Rule]:
    found: list[Problem] = []
    rules = list(build.rules(yaml.read(source, found.append), found.append))
    return [] if any(each.blocks for each in found) else rules


WRITERS: dict[str, Callable[[Rule, Report], str]] = {"rule": lambda rule, _: show(rule), "sigma": _sigma}
READERS: dict[str, Callable[[Source], list[Rule]]] = {"rule": _of_rule, "sigma": _of_sigma}
NAMES = {"rule": "the rule language", "sigma": "Sigma"}
