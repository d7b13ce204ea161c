"""Portable regular expressions: the subset that means the same in every target, run in linear time.

A pattern is handed to RE2 spelled out, every class and fold explicit, so that no dialect's own idea of `\\s`, `.`, `$`
or case takes part.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from ruleengine.regex_parse import Alternatives, Anchor, Chars, Concat, NotPortable, Parser, Portable, Repeat, Tree

__all__ = ["NotPortable", "Portable", "parse", "regex_test"]


def _written(tree: Tree) -> str:
    """Write a tree for RE2: classes as code points, places as RE2's own."""
    match tree:
        case Chars(()):
            return r"[^\x{0}-\x{10FFFF}]"
        case Chars(ranges):
            return "[" + "".join(f"\\x{{{low:x}}}-\\x{{{high:x}}}" for low, high in ranges) + "]"
        case Anchor("b"):
            return r"\b"
        case Anchor(kind):
            return kind
        case Concat(parts):
            return "".join(_written(part) for part in parts)
        case Alternatives(branches):
            return "(?:" + "|".join(_written(branch) for branch in branches) + ")"
        case Repeat(part, least, most):
            return f"(?:{_written(part)}){{{least},{'' if most is None else most}}}"


@lru_cache(maxsize=1 << 14)
def parse(source: str, flags: str = "") -> Portable:
    """Return the tree of a portable pattern; NotPortable says what is outside the subset, and where."""
    parser = Parser(source, flags)
    return Portable(parser.pattern(), "m" in parser.flags)


@lru_cache(maxsize=1 << 14)
def regex_test(source: str, flags: str = "") -> Callable[[str], bool]:
    """Return the test "some part of this text is as the pattern says"; NotPortable if it cannot be said."""
    import re2

    portable = parse(source, flags)
    options = re2.Options()
    options.log_errors, options.never_capture, options.max_mem = False, True, 16 << 20
    try:
        compiled = re2.compile(("(?m)" if portable.multiline else "") + _written(portable.tree), options)
    except re2.error:
        raise NotPortable("the pattern is too large to run in linear time", 0, len(source)) from None
    search = compiled.search

    def holds(text: str) -> bool:
        try:
            return search(text.encode()) is not None
        except UnicodeEncodeError:  # a lone surrogate is read as U+FFFD
            return search(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()) is not None

    return holds
