"""Keywords: asked of the line as it arrived, which is compact JSON, in the way in which JSON writes each character.

The line also holds the names of fields, so the filter may find more than the rule; it never finds less. What could make
it find less, an anchor or a character that JSON escapes, is left out or written in each of its forms.
"""

from __future__ import annotations

from ruleengine.ir import Like, Regex, Wild
from ruleengine.regex_parse import Alternatives, Anchor, Chars, Concat, Parser, Ranges, Repeat, Tree
from ruleengine.target.letters import spelled
from ruleengine.target.regex_text import character, class_text
from ruleengine_logscale.said import Matched, Said, limited
from ruleengine_logscale.written import DIALECT, RAW

SHORT = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
"""Control characters that JSON may write with a letter."""
ANY_ONE = ".{1,12}"
"""One character of a value: itself, or at most two escapes of six characters."""
ESCAPED = r"\\(?:u[0-9a-fA-F]{4}|[^u])"
"""An escape of JSON; a character above U+FFFF takes two."""
LIMIT = limited("wider", "keyword", "the whole line is searched, and it holds the names of fields, too")


def said_keyword(atom: Like | Regex) -> Said:
    """Return "some value in the event contains this", asked of the line."""
    if isinstance(atom, Regex):
        parser = Parser(atom.source, atom.flags)
        text = _tree(parser.pattern())
        return Said(matched=Matched(RAW, text, "", dotall="s" in parser.flags), limits=(LIMIT,))
    parts = list(atom.pattern)
    while parts and parts[-1] is Wild.MANY:
        parts.pop()
    while parts and parts[0] is Wild.MANY:
        parts.pop(0)
    text = "".join(_part(part, cased=atom.cased) for part in parts)
    dotall = any(isinstance(part, Wild) for part in parts)
    return Said(matched=Matched(RAW, text, "" if atom.cased else "i", dotall), limits=(LIMIT,))


def _part(part: str | Wild, *, cased: bool) -> str:
    if isinstance(part, Wild):
        return ".*" if part is Wild.MANY else ANY_ONE
    return "".join(_letter(letter, cased=cased) for letter in part)


def _letter(letter: str, *, cased: bool) -> str:
    """Return a character as JSON may write it, each of its cases if case is ignored."""
    if " " <= letter <= "~" and letter not in '"\\':
        return character(ord(letter), DIALECT)
    same = letter if cased else spelled(letter)
    forms = [form for each in same for form in _forms(each)]
    return forms[0] if len(forms) == 1 else f"(?:{'|'.join(forms)})"


def _forms(letter: str) -> list[str]:
    """Return how JSON may write a character: as it is, with a letter, or by its number."""
    if letter in '"\\':
        return ["\\\\" + character(ord(letter), DIALECT)]
    units = letter.encode("utf-16-be", "surrogatepass").hex()
    number = "".join(f"\\\\u{_hex(units[at : at + 4])}" for at in range(0, len(units), 4))
    if letter in SHORT:
        return [f"\\\\{SHORT[letter]}", number]
    return [number] if letter < " " else [character(ord(letter), DIALECT), number]


def _hex(digits: str) -> str:
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)


def _tree(tree: Tree) -> str:
    """Return a regular expression over the line: anchors, which hold of values, are left out."""
    match tree:
        case Chars(ranges):
            return _chars(ranges)
        case Anchor():
            return ""
        case Concat(parts):
            texts = (_tree(part) for part in parts)
            grouped = (isinstance(part, Alternatives) for part in parts)
            return "".join(f"(?:{text})" if group else text for text, group in zip(texts, grouped, strict=True))
        case Alternatives(branches):
            return "|".join(_tree(branch) for branch in branches)
        case Repeat(part, least, most):
            count = f"{{{least},{'' if most is None else most}}}"
            return f"(?:{_tree(part)}){count}"


def _chars(ranges: Ranges) -> str:
    plain = class_text(ranges, DIALECT)
    if not ranges or not any(_is_escaped(low, high) for low, high in ranges):
        return plain
    return f"(?:{plain}|(?:{ESCAPED}){{1,2}})"


def _is_escaped(low: int, high: int) -> bool:
    """Say whether JSON may write a character of this range otherwise than as it is."""
    return low < 0x20 or high > 0x7E or any(low <= ord(each) <= high for each in '"\\')
