"""Keywords: texts anywhere in an event. They are looked for in the raw line, in the form that JSON gives them."""

from __future__ import annotations

import re
from functools import lru_cache

from ruleengine.ir import Atom, Like, Pattern, Regex, Wild
from ruleengine.target import Limit
from ruleengine.target.letters import spelled
from ruleengine.target.regex_text import Written, character
from ruleengine_splunk.reasons import LINE, unsupported
from ruleengine_splunk.spelling import PCRE

SHORT = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f", '"': '"', "\\": "\\"}
"""What JSON writes after a backslash for a character."""

ANY_ONE = r"(?:\\u[0-9a-f]{4}|\\.|.)"
SIMPLE = re.compile(r"(?:[A-Za-z0-9 _:;,=@%#&<>~'!|-]|\\[.()\[\]{}*+?$^|-]|\.[*+]|\((?:\?:)?|\))+")
"""Regular expressions of letters, digits, `.*` and the like: escapes in the line make no difference to them."""

LONGEST = 8_000


def limits(atom: Atom) -> list[Limit]:
    """Return what keeps a keyword from being exact."""
    wider = Limit("wider", "keyword", LINE)
    match atom:
        case Like(None, pattern):
            if any(0xD800 <= ord(each) <= 0xDFFF for part in pattern if isinstance(part, str) for each in part):
                return [unsupported("keyword", "half of a surrogate pair is no character in Splunk")]
            if len(_regex(pattern, cased=atom.cased)) > LONGEST:
                return [unsupported("keyword", f"its regular expression would be longer than {LONGEST:,} characters")]
            return [wider]
        case Regex(None, source, flags) if SIMPLE.fullmatch(source) and "m" not in flags:
            return [wider]
        case _:
            reason = "in the raw line it would meet keys, quotes and escapes, and could miss what it finds in a text"
            return [unsupported("keyword", reason)]


def regex_of(atom: Atom) -> Written | None:
    """Return the regular expression that finds a keyword in the raw line."""
    match atom:
        case Like(None, pattern, cased):
            return Written(_regex(pattern, cased), not cased, any(isinstance(part, Wild) for part in pattern[1:-1]))
        case Regex(None, source, flags):
            return Written(source, "i" in flags, dotall=True)
        case _:
            return None


@lru_cache(maxsize=1 << 12)
def _regex(pattern: Pattern, cased: bool) -> str:
    """Return the regular expression of a pattern as it stands in the raw line, open at both ends."""
    parts = list(pattern)
    while parts and parts[0] is Wild.MANY:
        parts.pop(0)
    while parts and parts[-1] is Wild.MANY:
        parts.pop()
    out = []
    for part in parts:
        if isinstance(part, Wild):
            out.append(".*" if part is Wild.MANY else ANY_ONE)
        else:
            out.extend(_escaped(each, cased) for each in part)
    return "".join(out)


def _escaped(each: str, cased: bool) -> str:
    """Return a character as JSON writes it, in each way that it may."""
    if each in '"\\':
        return rf"\\{character(ord(each), PCRE)}"
    if each.isascii() and each.isprintable():
        return character(ord(each), PCRE)
    ways = []
    for one in each if cased else spelled(each):
        units = one.encode("utf-16-be", "surrogatepass")
        ways.append("".join(rf"\\u(?i:{units[at : at + 2].hex()})" for at in range(0, len(units), 2)))
        ways.append(rf"\\{SHORT[one]}" if one in SHORT else character(ord(one), PCRE))
    return f"(?:{'|'.join(ways)})"
