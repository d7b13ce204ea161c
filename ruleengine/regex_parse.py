"""Reads portable regular expressions into trees; whatever lies outside the subset is named, with its place.

The subset is in `docs/meaning.md`, section 2. It is read in full, so that nothing is left to a dialect's own idea.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ruleengine.values import folding, same_fold

LONGEST = 20_000
"""Characters of one pattern."""

LIMIT = 1000
"""The largest count of a repetition."""

Ranges = tuple[tuple[int, int], ...]

DIGIT: Ranges = ((0x30, 0x39),)
WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
SPACE: Ranges = ((0x09, 0x0D), (0x20, 0x20))
TOP = 0x10FFFF


class NotPortable(ValueError):
    """A construct outside the subset: a sentence, a hint, and where it stands in the pattern."""

    def __init__(self, message: str, start: int, end: int, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.start, self.end, self.hint = message, start, end, hint


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of these ranges (both ends included)."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place between characters: `^`, `$` or `\\b`."""

    kind: str


@dataclass(frozen=True, slots=True)
class Concat:
    """The parts one after the other."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One of the branches."""

    branches: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The part `least` to `most` times; no `most` means any number."""

    part: Tree
    least: int
    most: int | None


Tree = Chars | Anchor | Concat | Alternatives | Repeat


@dataclass(frozen=True, slots=True)
class Portable:
    """A parsed pattern: its tree with every fold spelled out, and whether `^` and `$` see lines."""

    tree: Tree
    multiline: bool


# --- ranges --------------------------------------------------------------------------------------------------------


def merged(ranges: Ranges) -> Ranges:
    """Return the same characters as sorted ranges that neither touch nor overlap."""
    out: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return tuple(out)


def others(ranges: Ranges) -> Ranges:
    """Return every character that is not in the ranges."""
    out, position = [], 0
    for low, high in merged(ranges):
        if position < low:
            out.append((position, low - 1))
        position = high + 1
    if position <= TOP:
        out.append((position, TOP))
    return tuple(out)


@lru_cache(maxsize=1 << 12)
def _folded(ranges: Ranges) -> Ranges:
    """Add to the ranges whatever folds to what one of their characters folds to."""
    more = list(ranges)
    if all(high - low < 64 for low, high in ranges):
        singles = {code for low, high in ranges for code in range(low, high + 1)}
        more += [(ord(c), ord(c)) for code in singles for c in same_fold(chr(code))]
    else:
        for upper, lower in folding().items():
            if any(low <= upper <= high or low <= lower <= high for low, high in ranges):
                more += [(upper, upper), (lower, lower)]
    return merged(tuple(more))


# --- parsing -------------------------------------------------------------------------------------------------------

CONTROLS = {"t": 0x09, "n": 0x0A, "r": 0x0D, "f": 0x0C, "v": 0x0B}
CLASSES = {"d": DIGIT, "w": WORD, "s": SPACE, "D": others(DIGIT), "W": others(WORD), "S": others(SPACE)}
GROUPS = {
    "(?=": "look-ahead",
    "(?!": "look-ahead",
    "(?<=": "look-behind",
    "(?<!": "look-behind",
    "(?>": "an atomic group",
    "(?P<": "a named group",
    "(?<": "a named group",
    "(?P=": "a back reference",
    "(?(": "a conditional group",
    "(?#": "a comment",
    "(?R": "recursion",
    "(?|": "a branch reset",
}
ESCAPES = {
    "A": ("`\\A`", "write `^`"),
    "z": ("`\\z`", "write `$`"),
    "Z": ("`\\Z`", "write `$`"),
    "B": ("`\\B`", ""),
    "p": ("a Unicode property", ""),
    "P": ("a Unicode property", ""),
    "k": ("a back reference", ""),
    "g": ("a back reference", ""),
    "Q": ("`\\Q`", "escape each character"),
    "u": ("`\\u`", "write the character itself, or `\\x{…}`"),
    "G": ("`\\G`", ""),
    "K": ("`\\K`", ""),
    "R": ("`\\R`", "write `(\\r\\n|\\n|\\r)`"),
    "h": ("`\\h`", "write `[ \\t]`"),
    "b": ("a backspace", "write `\\x08`"),
}


class Parser:
    """Recursive descent over one pattern; `position` is the next character to read."""

    def __init__(self, source: str, flags: str) -> None:
        self.source = source
        self.position = 0
        self.depth = 0
        self.flags = set(flags)

    def refuse(self, what: str, start: int, end: int | None = None, hint: str = "") -> NotPortable:
        end = max(start + 1, self.position) if end is None else end
        return NotPortable(f"{what} does not mean the same in every target", start, end, hint)

    def peek(self, ahead: int = 0) -> str:
        at = self.position + ahead
        return self.source[at] if at < len(self.source) else ""

    def pattern(self) -> Tree:
        if len(self.source) > LONGEST:
            sentence = f"a pattern may be {LONGEST:,} characters long"
            raise NotPortable(sentence, 0, len(self.source), "split it into a list")
        if self.source.startswith("(?") and self.peek(2) in "imsx" and self.peek(2):
            end = self.source.find(")")
            letters = self.source[2:end]
            if end > 0 and set(letters) <= set("ims"):
                self.flags |= set(letters)
                self.position = end + 1
        tree = self.alternatives()
        if self.position < len(self.source):
            raise NotPortable(
                "this `)` closes nothing", self.position, self.position + 1, "write `\\)` for the character"
            )
        return tree

    def alternatives(self) -> Tree:
        self.depth += 1
        if self.depth > 100:
            raise NotPortable("groups nest more than 100 deep", self.position, self.position + 1)
        branches = [self.concat()]
        while self.peek() == "|":
            self.position += 1
            branches.append(self.concat())
        self.depth -= 1
        return branches[0] if len(branches) == 1 else Alternatives(tuple(branches))

    def concat(self) -> Tree:
        parts: list[Tree] = []
        while self.peek() and self.peek() not in "|)":
            parts.append(self.repeated())
        return parts[0] if len(parts) == 1 else Concat(tuple(parts))

    def repeated(self) -> Tree:
        start = self.position
        part = self.atom()
        bounds = self.quantifier()
        if bounds is None:
            return part
        if isinstance(part, Anchor):
            raise self.refuse("repeating a place such as `^`", start)
        if self.peek() == "?":
            self.position += 1
        after = self.position
        if self.peek() == "+":
            raise self.refuse("a possessive repetition", start, after + 1, "leave out the `+`")
        if self.quantifier() is not None:
            raise self.refuse("repeating a repetition", after, hint="put the inner one in a group")
        return Repeat(part, *bounds)

    def quantifier(self) -> tuple[int, int | None] | None:
        """Read `*`, `+`, `?`, `{m}`, `{m,}` or `{m,n}` if it stands here; any other `{` is a character."""
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if self.peek() in simple and self.peek():
            self.position += 1
            return simple[self.source[self.position - 1]]
        if self.peek() != "{":
            return None
        end = self.source.find("}", self.position)
        inside = self.source[self.position + 1 : end] if end > 0 else ""
        least, comma, most = inside.partition(",")
        if not (inside.replace(",", "", 1).isdigit() and inside.isascii()):
            return None
        start, self.position = self.position, end + 1
        if not least:
            raise self.refuse("`{,n}`", start, hint=f"write `{{0,{most}}}`")
        if max(len(least), len(most)) > 4 or int(least) > LIMIT or (most and int(most) > LIMIT):
            raise NotPortable(f"a repetition counts to {LIMIT} at most", start, self.position)
        if most and int(most) < int(least):
            raise NotPortable(f"`{{{inside}}}` asks for at least {least} and at most {most}", start, self.position)
        return int(least), int(most) if most else None if comma else int(least)

    def atom(self) -> Tree:
        start, character = self.position, self.peek()
        if character in "*+?" or (character == "{" and self.quantifier() is not None):
            raise NotPortable("there is nothing to repeat here", start, max(self.position, start + 1))
        self.position = start + 1
        match character:
            case "(":
                return self.group(start)
            case "[":
                return self.bracket(start)
            case "^" | "$":
                return Anchor(character)
            case ".":
                return Chars(((0, TOP),) if "s" in self.flags else ((0, 0x09), (0x0B, TOP)))
            case "\\" if self.peek() == "b":
                self.position += 1
                return Anchor("b")
            case "\\":
                return self.chars(self.escape(start, in_class=False))
            case _:
                return self.chars(((ord(character), ord(character)),))

    def chars(self, ranges: Ranges) -> Chars:
        return Chars(_folded(ranges) if "i" in self.flags else ranges)

    def group(self, start: int) -> Tree:
        if self.peek() == "?":
            if self.peek(1) == ":":
                self.position += 2
            else:
                opening = max((o for o in GROUPS if self.source.startswith(o, start)), key=len, default="")
                what = GROUPS.get(opening, "a flag in the middle of a pattern")
                hint = "" if opening in GROUPS else "put flags at the very beginning, as `(?i)…`"
                raise self.refuse(
                    what, start, start + max(3, len(opening)), "use a plain group" if "named" in what else hint
                )
        elif self.peek() == "*":
            raise self.refuse("a control verb", start, start + 2)
        tree = self.alternatives()
        if self.peek() != ")":
            raise NotPortable("this `(` is never closed", start, start + 1, "write `\\(` for the character")
        self.position += 1
        return tree

    def escape(self, start: int, *, in_class: bool) -> Ranges:
        """Read what follows a backslash; `start` is the backslash."""
        character = self.peek()
        if not character:
            raise NotPortable("a backslash ends the pattern", start, start + 1, "write `\\\\` for the character")
        self.position += 1
        if character in CLASSES:
            return CLASSES[character]
        if character in CONTROLS:
            return ((CONTROLS[character], CONTROLS[character]),)
        if character == "x":
            return self.hexadecimal(start)
        if character.isdigit():
            what = "an octal escape" if character == "0" or in_class else "a back reference"
            raise self.refuse(what, start, hint="write `\\x00`" if what.startswith("an") else "")
        if character.isascii() and character.isalpha():
            what, hint = ESCAPES.get(character, (f"`\\{character}`", f"write `{character}` for the letter"))
            raise self.refuse(what, start, hint=hint)
        return ((ord(character), ord(character)),)

    def hexadecimal(self, start: int) -> Ranges:
        if self.peek() == "{":
            end = self.source.find("}", self.position)
            digits, self.position = self.source[self.position + 1 : max(end, 0)], max(end + 1, self.position + 1)
        else:
            digits = self.source[self.position : self.position + 2]
            digits = digits if len(digits) == 2 else ""
            self.position += len(digits)
        try:
            code = int(digits, 16) if digits.isalnum() and len(digits) <= 6 else TOP + 1
        except ValueError:
            code = TOP + 1
        if code > TOP or 0xD800 <= code <= 0xDFFF:
            raise NotPortable("`\\x` wants two hexadecimal digits, or a code point in braces", start, self.position)
        return ((code, code),)

    def bracket(self, start: int) -> Tree:
        """Read a class; `start` is its `[`."""
        negated = self.peek() == "^"
        self.position += negated
        ranges: list[tuple[int, int]] = []
        first = True
        while first or self.peek() != "]":
            if not self.peek():
                raise NotPortable("this `[` is never closed", start, start + 1, "write `\\[` for the character")
            first = False
            low_start = self.position
            low = self.class_part()
            if self.peek() != "-" or self.peek(1) in ("]", ""):
                ranges += low
                continue
            self.position += 1
            high = self.class_part()
            if len(low) != 1 or len(high) != 1 or low[0][0] != low[0][1] or high[0][0] != high[0][1]:
                raise self.refuse("a range that ends in a class", low_start)
            if low[0][0] > high[0][0]:
                raise NotPortable("this range runs backwards", low_start, self.position)
            ranges.append((low[0][0], high[0][0]))
        self.position += 1
        closed = _folded(tuple(ranges)) if "i" in self.flags else merged(tuple(ranges))
        chosen = others(closed) if negated else closed
        return Chars(chosen)

    def class_part(self) -> Ranges:
        start, character = self.position, self.peek()
        if not character:
            return ((0x2D, 0x2D),)
        if character == "[" and self.peek(1) in (":", ".", "="):
            raise self.refuse("a POSIX class", start, start + 2, "write the characters out, as `[a-z]`")
        if self.source.startswith(("&&", "--", "~~", "||"), start) and character in "&~|":
            raise self.refuse(f"`{character * 2}` in a class", start, start + 2, "write the character once")
        self.position += 1
        return self.escape(start, in_class=True) if character == "\\" else ((ord(character), ord(character)),)
