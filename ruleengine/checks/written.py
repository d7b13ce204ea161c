"""The metadata of a rule with their places, whether it was written in YAML or in the rule language."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from lark import Token

from ruleengine.dsl.build import Builder
from ruleengine.dsl.cut import Statement
from ruleengine.dsl.parse import META, blocks, tree_of
from ruleengine.dsl.parts import LISTS, datum
from ruleengine.dsl.text import name as plain_name
from ruleengine.ir import Rule
from ruleengine.sigma import yaml
from ruleengine.sigma.yaml import Edges
from ruleengine.span import Source, Span

STATES = ("match", "sequence", "rules")
"""What a rule says of events, in the order in which we point at it."""


def in_language(rule: Rule) -> bool:
    """Say whether a rule was written in the rule language."""
    return rule.source is not None and rule.source.in_language


def document(rule: Rule) -> yaml.Mapping | None:
    """Return what a reader wrote beside the conditions, as YAML has it, with places; None for a rule made by code.

    Of a rule in the language, `detection` stands for the first statement that says what it finds.
    """
    if isinstance(rule.document, yaml.Mapping):
        return rule.document
    return _of_language(rule.span) if in_language(rule) and rule.span else None


@lru_cache(maxsize=1 << 14)
def _of_language(span: Span) -> yaml.Mapping | None:
    """Return the metadata of the rule that begins there."""
    _, heads = blocks(span.source)
    found = [(head, below) for head, below in heads if head.span.start == span.start]
    if not found:
        return None
    head, below = found[0]
    root = yaml.Mapping(span.source, span.start)
    _head(root, head)
    for statement in below:
        if statement.word == "logs":
            _logs(root, statement)
        elif statement.word in META or statement.word.startswith("x-"):
            _meta(root, statement)
    said = [each for word in STATES for each in below if each.word == word]
    if said:
        detection = yaml.Mapping(span.source, said[0].span.start)
        _put(detection, "condition", said[0].span.text, said[0].word_span, said[0].span)
        _put(root, "detection", detection, said[0].word_span, said[0].span)
    return root


def _put(mapping: yaml.Mapping, key: str, value: Any, key_span: Span, span: Span) -> None:
    mapping[key] = value
    mapping.edges[key] = Edges(key_span.start, key_span.end, span.start, span.end)


def _read(statement: Statement, start: str) -> tuple[Any, Builder]:
    """Return the tree of a statement and what gives its places; what is wrong with it was told when it was loaded."""
    tree = tree_of(statement, start, lambda _: None)
    return tree, Builder(statement.span.source, statement.span.start, lambda _: None)


def _head(root: yaml.Mapping, statement: Statement) -> None:
    tree, builder = _read(statement, "head")
    _, name, title = tree.children if tree else (None, None, None)
    for key, node in (("title", title), ("name", name)):
        if node is not None:
            value = plain_name(str(node)) if isinstance(node, Token) else builder.text(node.children[0])
            _put(root, key, value, builder.span(node), builder.span(node))


def _meta(root: yaml.Mapping, statement: Statement) -> None:
    tree, builder = _read(statement, "meta")
    key, *given = tree.children if tree else (statement.word,)
    if str(key) in LISTS or len(given) > 1:
        _put(root, str(key), _sequence(given, builder, statement.span.source), statement.word_span, statement.span)
    elif given:
        _put(root, str(key), _data(given[0], builder), statement.word_span, builder.span(given[0]))
    else:
        _put(root, str(key), None, statement.word_span, statement.word_span)


def _data(node: Any, builder: Builder) -> Any:
    """Return a value as the YAML reader has it."""
    inner = node.children[0]
    match inner.data:
        case "sequence":
            return _sequence(inner.children, builder, builder.source)
        case "mapping":
            mapping = yaml.Mapping(builder.source, builder.span(inner).start)
            for pair in inner.children:
                key, value = pair.children
                named = plain_name(str(key)) if isinstance(key, Token) else builder.text(key.children[0])
                _put(mapping, named, _data(value, builder), builder.span(key), builder.span(value))
            return mapping
        case _:
            return datum(node, builder)


def _sequence(nodes: list[Any], builder: Builder, source: Source) -> yaml.Sequence:
    sequence = yaml.Sequence(source, builder.start)
    for node in nodes:
        sequence.append(_data(node, builder))
        sequence.edges.append(builder.span(node)[1:])
    return sequence


def _logs(root: yaml.Mapping, statement: Statement) -> None:
    """Add the log source: each part at its own place."""
    tree, builder = _read(statement, "logs")
    logsource = yaml.Mapping(statement.span.source, statement.span.start)
    for source in tree.children[:-1] if tree else ():
        if source.data == "pair_of":
            keyed = zip(("product", "category"), source.children, strict=True)
        else:
            keyed = zip((str(source.children[0])[:-1],), source.children[1:], strict=True)
        for key, node in keyed:
            if node is not None:
                value = str(node) if isinstance(node, Token) else builder.text(node.children[0])
                _put(logsource, key, value, builder.span(node), builder.span(node))
    _put(root, "logsource", logsource, statement.word_span, statement.span)
