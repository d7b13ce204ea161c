"""The Python target on rules that mean harm: their texts stay texts, and their size breaks nothing."""

from __future__ import annotations

import ast
import keyword
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from ruleengine.ir import And, Equals, Expr, InList, Like, LogSource, Named, Not, Or, Rule, Single, Wild
from ruleengine.meaning import holds
from ruleengine_python.library import reserved
from ruleengine_python.oracle import Module
from ruleengine_python.questions import OURS
from tests.test_python_target import CONSTRUCTS, MANY, matches, ready, set_text, text_of
from tests.written_rules import ODD, TEXTS

HOSTILE = st.one_of(
    TEXTS,
    st.text(max_size=8),
    st.lists(st.sampled_from([*ODD, "\ud800", "\udc00", '"""', "'''", "\\", "\n", "{", "N{BULLET}", "#"])).map("".join),
    st.sampled_from(['"""\nimport os\nos.abort()\n"""', "# coding: utf-7", "\\", '"', "x\\", "{0}", "{events}", "%s"]),
    st.sampled_from(["matches", "Fields", "any", "len", "def", "None", "__debug__", "match", "RULE", "text", "é", ""]),
)


@settings(max_examples=2 * MANY)
@given(st.data())
def test_hostile_texts_are_only_texts(data: st.DataObject) -> None:
    """Nothing that a rule says becomes code: its module has the statements that the same rule has with plain words."""
    title, selection, field, word, list_name, author = (data.draw(HOSTILE) for _ in range(6))
    atoms = (
        Like(field, (Wild.MANY, word or "x", Wild.ONE)),
        InList(field, list_name, ((word + "1", None), (title + "2", 10**16))),
        Like(None, (word or "x",), cased=True),
    )
    expr = And((Named(selection, And((Or(atoms[:2]), atoms[0]))), Named(selection, Or(atoms)), Not(atoms[2])))
    logs = LogSource(product=title, custom=((field, word),))
    meta = (("author", author), ("description", word))
    rule = Rule(title or "x", logs, Single((), ()), id=word, tags=(field,), meta=meta)
    text = text_of(ready(expr, rule))
    names = Module.parse(text)
    assert names["RULE"]["title"] == rule.title
    assert names["RULE"].get("author", "") == author
    assert [type(node) for node in ast.parse(text).body] == plain_shape()
    assert text.isascii() or all(line.isprintable() for line in text.split("\n"))
    for event in ({field: word}, {field: f"a{word or 'x'}b", "x": word}, {"x": word, field: [title, word + "?"]}, {}):
        assert names["matches"](event) is holds(expr, event)
    assert Module.parse(set_text([ready(expr, rule), ready(expr, rule)]))["matching"]({}) == []


@cache
def plain_shape() -> list[type[ast.stmt]]:
    """Return the statements of a module whose texts are plain words."""
    atoms = (
        Like("f", (Wild.MANY, "w", Wild.ONE)),
        InList("f", "n", (("w", None), ("t", 10**16))),
        Like(None, ("w",), cased=True),
    )
    expr = And((Named("s", And((Or(atoms[:2]), atoms[0]))), Named("s", Or(atoms)), Not(atoms[2])))
    return [type(node) for node in ast.parse(text_of(ready(expr))).body]


def test_selections_may_have_any_name() -> None:
    """A selection that is called like a helper, a builtin or a word of Python takes nothing from the module."""
    names = sorted({*reserved(), *OURS, *keyword.kwlist, "__debug__", "match", "_", "1", "é", "a b", "a_b", "A_B", "A"})
    selections = tuple(Named(name, Equals(f"f{number}", "x")) for number, name in enumerate(names))
    expr = Or((*selections, *CONSTRUCTS.values()))
    says = matches(expr)
    for number in range(len(names)):
        assert says({f"f{number}": "x"})
    for event in ({}, {"EventID": 4688}, {"Url": "https://example.com/"}, {"Image": "a.b.exe"}, {"Count": [1.5, "7"]}):
        assert says(event) is holds(expr, event)


def test_large_and_deep_rules() -> None:
    words = tuple(Like("f", (Wild.MANY, f"w{number}", Wild.MANY)) for number in range(5_000))
    deep: Expr = words[7]
    for number in range(120):
        deep = Or((words[number], Not(And((deep, Not(words[number + 1])))))) if number % 2 else And((deep, words[3]))
    for expr in (Or(words), And(words), Not(Or((words[0], And(words)))), deep, And(()), Or(())):
        says = matches(expr)
        for event in ({"f": "w1"}, {"f": "w3 w7"}, {"f": [f"w{number}" for number in range(0, 5_000, 1)]}, {}):
            assert says(event) is holds(expr, event)
