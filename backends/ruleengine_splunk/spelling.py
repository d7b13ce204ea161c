"""How names and texts are written in SPL: in the terms of a search, and in the expressions of `where`."""

from __future__ import annotations

import re
from functools import lru_cache

from ruleengine.ir import Pattern, Wild
from ruleengine.target.letters import oddness
from ruleengine.target.regex_text import Dialect
from ruleengine.values import same_fold

BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
"""Field names that need no quotes in a search."""

QUOTABLE = re.compile(r"[\w .:{}@/-]+")
"""Field names that a search takes in quotes; others stand in `where`."""

NAMEABLE = re.compile(r"[\w .:{}@/#%&+=,()-]+")
"""Field names that an expression takes in single quotes; `|`, `[` and `"` would end a stage even there."""

WORDS = frozenset({"and", "or", "not", "in", "as", "by", "case", "term", "xor", "like"})
"""Names that a search takes for its own words unless they are quoted."""

TIMES = frozenset(
    """daysago earliest enddaysago endhoursago endminutesago endmonthsago endtime endtimeu hoursago index_earliest
    index_latest _index_earliest _index_latest latest minutesago monthsago searchtimespandays searchtimespanhours
    searchtimespanminutes searchtimespanmonths startdaysago starthoursago startminutesago startmonthsago starttime
    starttimeu timeformat
    """.split()
)
"""Names that set the time range of a search, in any case to be sure."""

OWN = frozenset({"eventtype", "eventtypetag", "hosttag", "savedsearch", "savedsplunk", "splunk_server_group", "tag"})
"""Names that a search looks up in Splunk's own settings."""

GIVEN = OWN | frozenset(
    """_raw _time date_hour date_mday date_minute date_month date_second date_wday date_year date_zone host index
    linecount punct source sourcetype splunk_server timeendpos timestartpos
    """.split()
)
"""Names of fields that Splunk itself gives events; a key of an event that is called so is not what they hold."""

NETWORK_LIKE = re.compile(r"[0-9A-Fa-f:.]+/[0-9]+")
"""Values that a search may take for a network."""

LEFT_OUT = frozenset("*`")
"""Characters that a search cannot take as they are: `*` cannot be escaped, and a backtick begins a macro."""

SHORT = {0x09: r"\t", 0x0A: r"\n", 0x0D: r"\r"}
PCRE = Dialect(code=lambda code: SHORT.get(code) or f"\\x{{{code:X}}}", nothing=r"[^\s\S]", unicode_words=True)


def quoted(text: str) -> str:
    """Return a text between quotes, as in a search and in an expression."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def regex_literal(text: str, flags: str = "") -> str:
    """Return a regular expression as a text of an expression: first SPL's escapes are read, then the expression's."""
    return quoted((f"(?{flags})" if flags else "") + text.replace("`", r"\x60"))


@lru_cache(maxsize=1 << 12)
def search_field(name: str) -> str | None:
    """Return a field's name in a search; None if it cannot stand there."""
    if not QUOTABLE.fullmatch(name) or name.lower() in TIMES or name in OWN:
        return None
    return name if BARE.fullmatch(name) and name.lower() not in WORDS else f'"{name}"'


def eval_field(name: str) -> str | None:
    """Return a field's name in an expression; None if it cannot be written."""
    return f"'{name}'" if NAMEABLE.fullmatch(name) else None


def _is_plain(character: str) -> bool:
    """Say whether a search takes a character as it is, ignoring its case as the law does or finding no case in it."""
    if character in LEFT_OUT or not character.isprintable():
        return False
    return character.isascii() or len(same_fold(character)) == 1


def _all_plain(text: str) -> bool:
    if text.isascii():
        return text.isprintable() and LEFT_OUT.isdisjoint(text)
    return all(map(_is_plain, set(text)))


@lru_cache(maxsize=1 << 16)
def search_value(pattern: Pattern) -> tuple[str, bool] | None:
    """Return a pattern as the value of a search term, and whether that hangs on the letters in the event.

    None if a search cannot say it: `?`, a `*` that is meant, a letter that Splunk may fold otherwise than the law. Nor
    does it say `*` in the middle: the manual warns that what it finds then hangs on how the line was cut into words.
    """
    literals = [part for part in pattern if isinstance(part, str)]
    text = "".join(literals)
    if not pattern or Wild.ONE in pattern or Wild.MANY in pattern[1:-1] or not _all_plain(text):
        return None
    if pattern == (Wild.MANY,):
        return "*", False
    kind = oddness(text)
    if kind == "rule" or (len(pattern) == 1 and NETWORK_LIKE.fullmatch(text)):
        return None
    return quoted("".join("*" if part is Wild.MANY else str(part) for part in pattern)), bool(kind)


SHORTEST = 3
"""Characters of a piece that is worth looking for."""


@lru_cache(maxsize=1 << 14)
def wider_value(pattern: Pattern) -> str | None:
    """Return the value of a search term that finds all that a pattern does, and more: its longest piece, if any."""
    pieces: list[str] = [""]
    for part in pattern:
        for each in [part] if isinstance(part, Wild) else part:
            if isinstance(each, Wild) or not _is_plain(each) or (not each.isascii() and oddness(each) == "rule"):
                pieces.append("")
            else:
                pieces[-1] += each
    longest = max(range(len(pieces)), key=lambda at: len(pieces[at]))
    text = pieces[longest]
    if len(text) < SHORTEST:
        return None
    before = "*" if longest > 0 else ""
    after = "*" if longest < len(pieces) - 1 or NETWORK_LIKE.fullmatch(text) else ""
    return quoted(f"{before}{text}{after}")
