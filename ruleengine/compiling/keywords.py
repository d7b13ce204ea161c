"""Negated keywords for a SIEM: asked so that nothing the rule finds is lost.

A SIEM looks for a keyword in the whole line, which also holds the names of fields, so it finds too much; under a
negation that would lose events. There the word is looked for where it is surely part of a value: in a text of the
line's JSON that follows `":"`. That finds too little, and so its negation too much, which is what is wanted.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ruleengine.ir import And, Expr, Leaf, Like, Named, Not, Or, Regex, Wild
from ruleengine.target import Limit, Line
from ruleengine.target.letters import oddness

IN_A_VALUE = r'":"(?:[^"\\]|\\(?:u[0-9A-Fa-f]{4}|[^u]))*'
r"""A text that is a value, up to some character of it; whole escapes are passed over.

The first quote may be one that a text holds, as in `"\":"`. Then the last one ends that text, and what follows up to
the next quote is numbers, names of constants and signs: a word that has anything else is not there.
"""

OUTSIDE = frozenset("truefalsn0123456789+-.eE{}[]:, TRUFALSN")
"""The characters that JSON has outside of texts, in either case."""

REASON = "a negated word is looked for only where a value of the line's JSON surely holds it"
LETTERS = "the target folds some letters beyond ASCII in its own way"


def with_sure_keywords(expr: Expr, raw: str) -> tuple[Expr, tuple[Limit, ...]]:
    """Return an expression whose negated keywords are asked of the field `raw`, and what that costs.

    Words with quotes, backslashes, wildcards or letters beyond ASCII stay as they are.
    """
    limits: dict[Limit, None] = {}

    def changed(node: Expr, negated: bool) -> Expr:
        match node:
            case And(items) | Or(items):
                return replace(node, items=tuple(changed(item, negated) for item in items))
            case Not(item):
                return replace(node, item=changed(item, not negated))
            case Named(_, item):
                return replace(node, item=changed(item, negated))
            case Leaf(_, test):
                return replace(node, test=changed(test, negated))
            case Like(None) if negated and (word := _plain_word(node)):
                limits[Limit("wider", "keyword", REASON)] = None
                if oddness(word) and not node.cased:
                    limits[Limit("bounded", "keyword", LETTERS, "usual_letters")] = None
                return Regex(Line(raw), IN_A_VALUE + re.escape(word).replace(r"\ ", " "), "" if node.cased else "i")
            case _:
                return node

    return changed(expr, False), tuple(limits)


def _plain_word(atom: Like) -> str:
    """Return the text of a keyword that JSON writes as it is, and that nothing but a text can hold; else nothing."""
    match atom.pattern:
        case (Wild.MANY, str(word), Wild.MANY):
            plain = word.isascii() and word.isprintable() and not set('"\\') & set(word)
            return word if plain and not OUTSIDE.issuperset(word) else ""
        case _:
            return ""
