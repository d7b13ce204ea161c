"""Writes patterns and portable regular expressions in the dialect of a target, so that they mean what the law says.

A target's own idea of `.`, `\\d`, `\\w`, `\\s`, `$` and case takes no part: classes are explicit and ends are `\\A` and
`\\z`. Case is left to the target's flag where that is the law's for every event without odd letters (see `letters`);
where it is not, each letter is spelled as a class. What still hangs on the event is told as a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from ruleengine.ir import Pattern, Wild
from ruleengine.regex_parse import TOP, Alternatives, Anchor, Chars, Concat, Parser, Ranges, Repeat, Tree, others
from ruleengine.target.letters import oddness, spelled

Bounded = tuple[str, str]
"""The name of a bound and the reason for it."""

LETTERS: Bounded = ("usual_letters", "the target folds some letters beyond ASCII in its own way")
LINES: Bounded = ("no_line_ends", "`^` and `$` at line ends differ where the text ends with one")
PLANE: Bounded = ("basic_plane", "the target may count a character above U+FFFF as two")
WORDS: Bounded = ("ascii_text", "`\\b` may take letters beyond ASCII as part of a word")


@dataclass(frozen=True, slots=True)
class Dialect:
    """A target's regular expressions, as far as they differ."""

    code: Callable[[int], str]
    """How an unprintable code point is written."""
    nothing: str
    """A class that no character is of."""
    special: str = "\\.^$*+?{}[]|()"
    counts_astral_as_two: bool = False
    unicode_words: bool = False
    """Whether `\\b` takes letters beyond ASCII for word characters, in some version."""


@dataclass(frozen=True, slots=True)
class Written:
    """A regular expression to be searched for: its text, whether it needs the flags, and what it hangs on."""

    text: str
    ignore_case: bool = False
    dotall: bool = False
    """Whether `.` must be any character at all."""
    multiline: bool = False
    bounds: tuple[Bounded, ...] = ()


# --- regular expressions -------------------------------------------------------------------------------------------


def of_regex(source: str, flags: str, dialect: Dialect) -> Written:
    """Return a portable regular expression in a dialect; it is searched for, as in the law."""
    parser = Parser(source, flags)
    folded = parser.pattern()
    given = "".join(sorted(parser.flags))
    plain = _as_written(source, given) if "i" in given else folded
    kind = _foldable(plain, folded) if "i" in given else None
    ignoring = kind is not None
    tree = plain if ignoring else folded
    bounds: dict[Bounded, None] = {LETTERS: None} if kind == "event" else {}
    dotall = any(isinstance(node, Chars) and node.ranges == ALL for node in _nodes(tree))
    multiline = "m" in given and any(isinstance(node, Anchor) and node.kind in "^$" for node in _nodes(tree))
    if multiline:
        bounds[LINES] = None
    if dialect.unicode_words and any(isinstance(node, Anchor) and node.kind == "b" for node in _nodes(tree)):
        bounds[WORDS] = None
    if dialect.counts_astral_as_two and _counts_characters(tree):
        bounds[PLANE] = None
    return Written(_written(tree, dialect, multiline=multiline), ignoring, dotall, multiline, tuple(bounds))


def spelled_out(source: str, flags: str, dialect: Dialect) -> Written:
    """Return a portable regular expression with every fold as a class: the dialect's idea of case takes no part."""
    parser = Parser(source, flags)
    tree = parser.pattern()
    dotall = any(isinstance(node, Chars) and node.ranges == ALL for node in _nodes(tree))
    places = any(isinstance(node, Anchor) and node.kind in "^$" for node in _nodes(tree))
    multiline = "m" in parser.flags and places
    return Written(_written(tree, dialect, multiline=multiline), False, dotall, multiline)


def _as_written(source: str, flags: str) -> Tree:
    """Return the tree of a pattern with its letters as they stand; flags at its beginning have been read."""
    head = source.find(")") + 1 if source.startswith("(?") and source[2:3] in "imsx" and source[2:3] else 0
    return Parser(source[head:], flags.replace("i", "")).pattern()


def _nodes(tree: Tree) -> Iterable[Tree]:
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        match node:
            case Concat(parts) | Alternatives(parts):
                pending.extend(reversed(parts))
            case Repeat(part, _, _):
                pending.append(part)


def needed_text(source: str, flags: str) -> str:
    """Return the longest text that every match of a regular expression holds, in lower case; it may be empty.

    For a target that can look for a text faster than for a regular expression, whatever the case.
    """
    runs = [""]
    pending = [Parser(source, flags).pattern()]
    while pending:
        node = pending.pop()
        letter = _one_letter(node)
        match node:
            case Concat(parts):
                pending.extend(reversed(parts))
            case Anchor():
                pass
            case Chars() if letter:
                runs[-1] += letter
            case Repeat(part, least, most) if least and (letter := _one_letter(part)):
                runs[-1] += letter * least
                runs += [] if least == most else [letter * least]
            case _:
                runs.append("")
    return max(runs, key=len)


def _one_letter(node: Tree) -> str:
    """Return the letter that a class is made of, in whatever case; empty if it is made of others, too."""
    if not isinstance(node, Chars) or not 1 <= _size(node.ranges) <= 2:
        return ""
    codes = [code for low, high in node.ranges for code in range(low, high + 1)]
    letters = {chr(code).lower() for code in codes}
    return letters.pop() if len(letters) == 1 and max(codes) < 0x80 else ""


ALL: Ranges = ((0, TOP),)
SMALL = 4_096
"""A class of more characters is written by those that are not in it."""


def _size(ranges: Ranges) -> int:
    return sum(high - low + 1 for low, high in ranges)


def _foldable(plain: Tree, folded: Tree) -> Literal["", "event"] | None:
    """Say whether a flag that ignores case makes one tree into the other, and whether that hangs on the event.

    None: it does not; letters beyond ASCII are always spelled, for versions of one target differ in them.
    """
    kind: Literal["", "event"] = ""
    for one, other in zip(_nodes(plain), _nodes(folded), strict=True):
        if not isinstance(one, Chars) or not isinstance(other, Chars) or not one.ranges:
            continue
        large = _size(one.ranges) > SMALL
        written, meant = (others(one.ranges), others(other.ranges)) if large else (one.ranges, other.ranges)
        if _size(written) > SMALL:
            return None
        characters = [chr(code) for low, high in written for code in range(low, high + 1)]
        if any(not each.isascii() and len(spelled(each)) > 1 for each in characters):
            return None
        if oddness("".join(characters)) == "rule" or _size(meant) != len({c for e in characters for c in spelled(e)}):
            return None
        kind = kind or ("event" if oddness("".join(characters)) else "")
    return kind


def _counts_characters(tree: Tree) -> bool:
    """Say whether a pattern asks for a number of characters, any of which may be above U+FFFF."""
    match tree:
        case Chars(ranges):
            return any(high > 0xFFFF for _, high in ranges)
        case Repeat(Chars(ranges), least, None) if least <= 1:
            return any(high > 0xFFFF for _, high in ranges) and not any(
                low <= 0x10000 and high == TOP for low, high in ranges
            )
        case Repeat(part, _, _):
            return _counts_characters(part)
        case Concat(parts) | Alternatives(parts):
            return any(_counts_characters(part) for part in parts)
        case _:
            return False


def _written(tree: Tree, dialect: Dialect, *, multiline: bool) -> str:
    match tree:
        case Chars(ranges):
            return class_text(ranges, dialect)
        case Anchor("b"):
            return r"\b"
        case Anchor(kind):
            return kind if multiline else {"^": r"\A", "$": r"\z"}[kind]
        case Concat(parts):
            texts = (_written(part, dialect, multiline=multiline) for part in parts)
            grouped = (isinstance(part, Alternatives) for part in parts)
            return "".join(f"(?:{text})" if group else text for text, group in zip(texts, grouped, strict=True))
        case Alternatives(branches):
            return "|".join(_written(branch, dialect, multiline=multiline) for branch in branches)
        case Repeat(part, least, most):
            text = _written(part, dialect, multiline=multiline)
            return (text if isinstance(part, Chars) else f"(?:{text})") + _count(least, most)


def _count(least: int, most: int | None) -> str:
    simple = {(0, None): "*", (1, None): "+", (0, 1): "?"}
    if (least, most) in simple:
        return simple[least, most]
    return f"{{{least}}}" if least == most else f"{{{least},{'' if most is None else most}}}"


def class_text(ranges: Ranges, dialect: Dialect) -> str:
    """Return a class in a dialect; one character stands for itself."""
    if not ranges:
        return dialect.nothing
    if ranges == ALL:
        return "."
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return character(ranges[0][0], dialect)
    negated = _size(ranges) > SMALL and _size(others(ranges)) <= SMALL
    pieces = []
    for low, high in others(ranges) if negated else ranges:
        dash = "-" if high > low + 1 else ""
        pieces.append(_in_class(low, dialect) + (dash + _in_class(high, dialect) if high > low else ""))
    return f"[{'^' if negated else ''}{''.join(pieces)}]"


def _in_class(code: int, dialect: Dialect) -> str:
    return "\\" + chr(code) if chr(code) in "\\]^[-&~|" else character(code, dialect)


def character(code: int, dialect: Dialect) -> str:
    """Return one character outside a class."""
    written = chr(code)
    if written == " " or (written.isprintable() and not 0xD800 <= code <= 0xDFFF):
        return "\\" + written if written in dialect.special else written
    return dialect.code(code)


# --- patterns ------------------------------------------------------------------------------------------------------


def of_pattern(pattern: Pattern, dialect: Dialect, *, cased: bool) -> Written:
    """Return the regular expression of a pattern that a whole text must be of; ends that are free are left open."""
    parts = list(pattern)
    opened = bool(parts) and parts[0] is Wild.MANY
    closed = len(parts) > 1 and parts[-1] is Wild.MANY
    inner = parts[1 if opened else 0 : len(parts) - 1 if closed else len(parts)]
    literals = "".join(part for part in parts if isinstance(part, str))
    kind = "" if cased else oddness(literals)
    ignoring = not cased and kind != "rule" and any(c.isascii() and c.isalpha() for c in literals)
    text = "".join(_piece(part, dialect, cased=cased, ignoring=ignoring) for part in inner)
    bounds = [LETTERS] if ignoring and kind == "event" else []
    if dialect.counts_astral_as_two and (Wild.ONE in parts or any(letter > "\uffff" for letter in literals)):
        bounds.append(PLANE)
    ends_open = closed or pattern == (Wild.MANY,)
    dotall = any(isinstance(part, Wild) for part in inner)
    return Written(
        ("" if opened else r"\A") + text + ("" if ends_open else r"\z"), ignoring, dotall, False, tuple(bounds)
    )


def _escaped(text: str, special: str) -> str:
    """Return a text with a backslash before each special character; few texts hold any but one or two of them."""
    text = text.replace("\\", "\\\\")
    for each in special:
        if each != "\\" and each in text:
            text = text.replace(each, f"\\{each}")
    return text


def _piece(part: str | Wild, dialect: Dialect, *, cased: bool, ignoring: bool) -> str:
    """Return a part of a pattern: letters that a flag does not fold as the law does are spelled as classes."""
    if isinstance(part, Wild):
        return ".*" if part is Wild.MANY else "."
    if (cased or ignoring) and part.isascii() and part.isprintable():  # nearly all are; a letter at a time is slow
        return _escaped(part, dialect.special)
    out = []
    for letter in part:
        same = letter if cased or (ignoring and letter.isascii()) else spelled(letter)
        out.append(class_text(tuple((ord(each), ord(each)) for each in same), dialect))
    return "".join(out)
