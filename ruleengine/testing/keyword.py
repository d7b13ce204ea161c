"""The expression after `-k`: words of a test's path, name or rule, joined by `and`, `or`, `not` and parentheses."""

from __future__ import annotations

import re
from collections.abc import Callable

Test = Callable[[str], bool]

TOKEN = re.compile(r"""\s*(?:(?P<quoted>'[^']*'|"[^"]*")|(?P<mark>[()])|(?P<word>[^\s()'"]+))""")
OPERATORS = {"and", "or", "not", "(", ")"}
DEEPEST = 50


class KeywordError(ValueError):
    """The expression cannot be read; the text is a sentence."""


def keyword(expression: str) -> Test:
    """Return whether a text satisfies an expression; a word, or words in quotes, is a part of the text in any case."""
    reader = _Reader(expression)
    test = reader.either(0)
    if reader.tokens:
        raise KeywordError(f"`{reader.tokens[0][0]}` is not expected there; join words by `and` or `or`, or quote them")
    return test


class _Reader:
    """Recursive descent: or, and, not, parentheses."""

    def __init__(self, expression: str) -> None:
        self.tokens: list[tuple[str, bool]] = []
        at, text = 0, expression.rstrip()
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                raise KeywordError("a quote is not closed")
            quoted = found["quoted"]
            self.tokens.append((quoted[1:-1], True) if quoted else (found["mark"] or found["word"], False))
            at = found.end()
        if not self.tokens:
            raise KeywordError("it is empty")

    def take(self, *words: str) -> bool:
        if self.tokens and self.tokens[0][0] in words and not self.tokens[0][1]:
            self.tokens.pop(0)
            return True
        return False

    def either(self, depth: int) -> Test:
        tests = [self.both(depth)]
        while self.take("or"):
            tests.append(self.both(depth))
        return tests[0] if len(tests) == 1 else lambda text: any(test(text) for test in tests)

    def both(self, depth: int) -> Test:
        tests = [self.one(depth)]
        while self.take("and"):
            tests.append(self.one(depth))
        return tests[0] if len(tests) == 1 else lambda text: all(test(text) for test in tests)

    def one(self, depth: int) -> Test:
        if depth > DEEPEST:
            raise KeywordError(f"it nests more than {DEEPEST} deep")
        if self.take("not"):
            negated = self.one(depth + 1)
            return lambda text: not negated(text)
        if self.take("("):
            inner = self.either(depth + 1)
            if not self.take(")"):
                raise KeywordError("a parenthesis is not closed")
            return inner
        if not self.tokens or (self.tokens[0][0] in OPERATORS and not self.tokens[0][1]):
            where = f"before `{self.tokens[0][0]}`" if self.tokens else "at its end"
            raise KeywordError(f"a word is missing {where}")
        word = self.tokens.pop(0)[0].lower()
        return lambda text: word in text.lower()
