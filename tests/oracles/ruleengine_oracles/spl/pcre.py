"""Regular expressions of `match`, `mvfind`, `replace` and `regex`: PCRE's dialect, checked and put into Python's.

The rules are those of pcrepattern(3) with UTF-8 and without UCP: `\\d \\w \\s \\b` and POSIX classes are ASCII, while
`(?i)` folds all letters ([K]; Python's fold, which takes U+212A for k and U+017F for s, as PCRE's does). Matching is
unanchored and case-sensitive [D S4, S8]. What the two dialects read differently is respelled; what is not listed here
is Unknown: `\\K \\G \\R \\X \\C \\p \\Q`, octal, recursion, conditions, `(?|`, `(?#`, verbs, extended mode.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache

from ruleengine_oracles.spl.charset import POSIX, TYPES, Ranges, complement, union, written
from ruleengine_oracles.spl.problem import Unknown

CONTROLS = {"a": 0x07, "e": 0x1B, "f": 0x0C, "n": 0x0A, "r": 0x0D, "t": 0x09}
# Python's own \B does not match in an empty text.
ANCHORS = {"A": r"\A", "z": r"\Z", "Z": r"(?=\n?\Z)", "b": r"(?a:\b)", "B": r"(?!(?a:\b))"}
OPENINGS = ("(?=", "(?!", "(?<=", "(?<!", "(?>")
NAME = re.compile(r"\(\?(?:P?<)([A-Za-z_][A-Za-z0-9_]{0,31})>", re.ASCII)
FLAGS = re.compile(r"\(\?([ims]*)(?:-([ims]+))?([):])")
COUNT = re.compile(r"\{([0-9]+)(?:(,)([0-9]*))?\}", re.ASCII)
NEARLY_COUNT = re.compile(r"\{[0-9, \t]+\}", re.ASCII)
POSIX_ALONE = re.compile(r"\[([:.=])[^\]]*\1\]")
MOST = 65_535


@dataclass(frozen=True)
class Flags:
    """The options in force: they change within a group and end with it, not with a branch."""

    ignore_case: bool = False
    multiline: bool = False
    dot_all: bool = False


@dataclass
class Reader:
    """A pattern being read, from left to right."""

    pattern: str
    start: int
    """Where the pattern stands in the query."""
    at: int = 0
    flags: Flags = field(default_factory=Flags)
    groups: int = 0
    names: list[str] = field(default_factory=list)
    references: list[int] = field(default_factory=list)
    types: set[str] = field(default_factory=set)
    """The letters of the types it has, such as `d`."""

    def unknown(self, message: str) -> Unknown:
        return Unknown(f"regular expression: {message}", self.start + self.at)

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def take(self, found: re.Match[str] | None) -> re.Match[str] | None:
        """Go past what was found."""
        if found:
            self.at = found.end()
        return found


@cache
def compiled(pattern: str, start: int = 0) -> re.Pattern[str]:
    """Return Python's form of a PCRE pattern; raise Unknown, with the place in the query, for what is not listed."""
    reader = Reader(pattern, start)
    text = alternatives(reader)
    if reader.at < len(pattern):
        raise reader.unknown("`)` without `(`")
    if any(reference > reader.groups for reference in reader.references):
        raise reader.unknown("a reference to no group")
    if "S" in reader.types and reader.types & set("hv"):  # PCRE2 10.42: `\S+\h` does not match `b` and U+3000
        raise reader.unknown("`\\S` beside `\\h` or `\\v`, which PCRE reads wrongly")
    try:
        return re.compile(text)
    except re.error as problem:  # a look-behind of varying width, which PCRE refuses too, or allows for branches only
        raise Unknown(f"regular expression: {problem.msg}", start) from None


def alternatives(reader: Reader) -> str:
    """Return the branches up to `)` or the end; options set inside end with the group."""
    before, parts = reader.flags, []
    while reader.at < len(reader.pattern) and reader.peek() != ")":
        if reader.peek() == "|":
            reader.at += 1
            parts.append("|")
        else:
            parts.append(repeated(reader))
    reader.flags = before
    return "".join(parts)


def repeated(reader: Reader) -> str:
    """Return an item and its quantifier."""
    item, repeatable = atom(reader)
    count = quantifier(reader)
    if not count:
        return item
    if not repeatable:
        raise reader.unknown("a quantifier after nothing that it can repeat")
    return f"(?:{item}){count}"


def quantifier(reader: Reader) -> str:
    """Return the quantifier that stands here with its `?` (lazy) or `+` (possessive), or an empty text."""
    if reader.peek() and reader.peek() in "*+?":
        count = reader.peek()
        reader.at += 1
    elif found := reader.take(COUNT.match(reader.pattern, reader.at)):
        low, comma, high = found.groups()
        if int(low) > MOST or (high and (int(high) > MOST or int(high) < int(low))):
            raise reader.unknown("the numbers of the quantifier")
        count = f"{{{int(low)}{comma or ''}{int(high) if high else ''}}}"
    else:
        return ""
    if reader.peek() and reader.peek() in "?+":
        count += reader.peek()
        reader.at += 1
    return count


def atom(reader: Reader) -> tuple[str, bool]:
    """Return the next item and whether a quantifier may follow it."""
    char = reader.peek()
    if char == "(":
        return group(reader)
    if char == "[":
        return bracket(reader), True
    if char == "\\":
        return escape(reader)
    if NEARLY_COUNT.match(reader.pattern, reader.at) and not COUNT.match(reader.pattern, reader.at):
        raise reader.unknown("`{` which versions of PCRE read differently")
    if char in "*+?" or COUNT.match(reader.pattern, reader.at):
        raise reader.unknown("a quantifier after nothing, or after another")
    reader.at += 1
    flags = reader.flags
    if char == ".":
        return (r"[\s\S]" if flags.dot_all else r"[^\n]"), True
    if char == "^":  # in multi-line mode PCRE does not match it after a newline that ends the text; Python does
        return (r"(?:\A|(?<=\n)(?!\Z))" if flags.multiline else r"\A"), False
    if char == "$":
        return (r"(?=\n|\Z)" if flags.multiline else r"(?=\n?\Z)"), False
    return literal(char, flags), True


def literal(char: str, flags: Flags) -> str:
    """Return a character that stands for itself."""
    return f"(?i:{re.escape(char)})" if flags.ignore_case else re.escape(char)


def group(reader: Reader) -> tuple[str, bool]:
    """Return a group, an assertion, or nothing for an option setting such as `(?i)`."""
    if found := reader.take(FLAGS.match(reader.pattern, reader.at)):
        return options(reader, *found.groups())
    opening = next((text for text in OPENINGS if reader.pattern.startswith(text, reader.at)), "")
    if opening:
        reader.at += len(opening)
    elif found := reader.take(NAME.match(reader.pattern, reader.at)):
        if found[1] in reader.names:
            raise reader.unknown("two groups of one name")
        reader.names.append(found[1])
        reader.groups += 1
        opening = f"(?P<{found[1]}>"
    elif reader.pattern[reader.at + 1 : reader.at + 2] in ("?", "*"):
        raise reader.unknown("a group that opens like this")
    else:
        reader.at += 1
        reader.groups += 1
        opening = "("
    return f"{opening}{closed(reader)})", opening in ("(?>", "(") or opening.startswith("(?P")


def options(reader: Reader, on: str, off: str | None, end: str) -> tuple[str, bool]:
    """Set options, to the end of the group they stand in or for a group of their own."""
    if end == ")" and not on and not off:
        raise reader.unknown("an empty option setting")
    before = reader.flags
    for letters, value in ((on, True), (off or "", False)):
        for letter in letters:
            name = {"i": "ignore_case", "m": "multiline", "s": "dot_all"}[letter]
            reader.flags = replace(reader.flags, **{name: value})
    if end == ")":
        return "", False
    inner = closed(reader)
    reader.flags = before
    return f"(?:{inner})", True


def closed(reader: Reader) -> str:
    """Return what stands up to the `)` of a group, and go past it."""
    inner = alternatives(reader)
    if reader.peek() != ")":
        raise reader.unknown("`(` without `)`")
    reader.at += 1
    return inner


def escape(reader: Reader) -> tuple[str, bool]:
    """Return what a backslash and what follows it mean outside a class."""
    char = reader.pattern[reader.at + 1 : reader.at + 2]
    if char in ANCHORS:
        reader.at += 2
        return ANCHORS[char], False
    if char and char in "123456789":
        return back_reference(reader, char)
    if char == "N":
        if reader.pattern[reader.at + 2 : reader.at + 3] == "{":
            raise reader.unknown("`\\N{`")
        reader.at += 2
        return r"[^\n]", True
    if char in TYPES:
        reader.at += 2
        reader.types.add(char)
        return f"[{written(TYPES[char])}]", True
    return literal(chr(code_point(reader)), reader.flags), True


def back_reference(reader: Reader, digit: str) -> tuple[str, bool]:
    """Return a reference to one of the first nine groups; more digits may be octal."""
    if reader.pattern[reader.at + 2 : reader.at + 3].isdigit():
        raise reader.unknown("a reference or octal number of two digits")
    reader.at += 2
    reader.references.append(int(digit))
    return (f"(?i:\\{digit})" if reader.flags.ignore_case else f"(?:\\{digit})"), True


def code_point(reader: Reader) -> int:
    """Return the character that an escape stands for, in a class or outside, and go past it."""
    char = reader.pattern[reader.at + 1 : reader.at + 2]
    if char in CONTROLS:
        reader.at += 2
        return CONTROLS[char]
    if char == "x":
        found = re.compile(r"\\x(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))").match(reader.pattern, reader.at)
        value = int(found[1] or found[2], 16) if found else -1
        if not 0 <= value <= 0x10FFFF or 0xD800 <= value <= 0xDFFF:
            raise reader.unknown("`\\x` without two digits or `{…}`")
        reader.take(found)
        return value
    if not char or (char.isascii() and char.isalnum()):
        raise reader.unknown(f"`\\{char}`")
    reader.at += 2
    return ord(char)


@dataclass
class Members:
    """What a class lists: characters, which `(?i)` folds, and types such as `\\d`, which it does not."""

    chars: list[tuple[int, int]] = field(default_factory=list)
    types: list[tuple[int, int]] = field(default_factory=list)
    posix: bool = False
    negative: bool = False
    """Whether a POSIX class, or a negative type such as `\\D`, is among them."""


def bracket(reader: Reader) -> str:
    """Return a class in Python's spelling."""
    if POSIX_ALONE.match(reader.pattern, reader.at):
        raise reader.unknown("a POSIX class outside `[…]`")
    reader.at += 1
    negated = reader.peek() == "^"
    reader.at += negated
    members, first = Members(), True
    while first or reader.peek() != "]":
        if not reader.peek():
            raise reader.unknown("`[` without `]`")
        member(reader, members)
        first = False
    if negated and members.posix and members.negative:  # PCRE2 10.42: `[^\D[:lower:]]` matches U+017F, as if by mistake
        raise reader.unknown("`[^…]` of a POSIX class and a negative type, which PCRE reads wrongly")
    reader.at += 1
    if not reader.flags.ignore_case:
        parts = union([*members.chars, *members.types])
        return as_class(complement(parts) if negated else parts)
    folded = f"(?i:{as_class(union(members.chars))})"
    either = f"(?:{folded}|{as_class(union(members.types))})"
    return rf"(?:(?!{either})[\s\S])" if negated else either


def as_class(parts: Ranges) -> str:
    return f"[{written(parts)}]" if parts else r"(?!)"


def member(reader: Reader, members: Members) -> None:
    """Read one member of a class: a type, a POSIX class, a character or a range."""
    char, after = reader.peek(), reader.pattern[reader.at + 1 : reader.at + 2]
    if char == "[" and after and after in ":.=":
        members.types += posix(reader)
        members.posix = True
        only_type = True
    elif char == "\\" and after in TYPES:
        reader.at += 2
        members.types += TYPES[after]
        members.negative |= after.isupper()
        reader.types.add(after)
        only_type = True
    else:
        only_type = False
    if only_type:
        if reader.peek() == "-" and reader.pattern[reader.at + 1 : reader.at + 2] != "]":
            raise reader.unknown("`-` after a type, which versions of PCRE read differently")
        return
    low = high = class_char(reader)
    if reader.peek() == "-" and reader.pattern[reader.at + 1 : reader.at + 2] not in ("]", ""):
        reader.at += 1
        if reader.peek() == "[" and reader.pattern[reader.at + 1 : reader.at + 2] in (":", ".", "="):
            raise reader.unknown("a range that ends in a class")
        high = class_char(reader)
        if high < low:
            raise reader.unknown("a range whose end is before its start")
    members.chars.append((low, high))


def class_char(reader: Reader) -> int:
    """Return one character of a class; `\\b` is a backspace here."""
    if reader.peek() != "\\":
        reader.at += 1
        return ord(reader.pattern[reader.at - 1])
    if reader.pattern[reader.at + 1 : reader.at + 2] == "b":
        reader.at += 2
        return 0x08
    return code_point(reader)


def posix(reader: Reader) -> Ranges:
    """Return a POSIX class; ignoring case makes `upper` and `lower` mean `alpha`."""
    found = re.compile(r"\[:(\^?)([a-z]+):\]").match(reader.pattern, reader.at)
    if not found or found[2] not in POSIX:
        raise reader.unknown("a POSIX class")
    reader.take(found)
    name = "alpha" if reader.flags.ignore_case and found[2] in ("upper", "lower") else found[2]
    return complement(POSIX[name]) if found[1] else POSIX[name]
