"""Reads a regex of LogScale, in the part that its engines V1 and V2 both have; refuses the rest.

Facts of V1 were run for real [R 2.3]; of V2 there is the manual [D L14].
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

from ruleengine_oracles.cql.problems import Unknown

Range: TypeAlias = tuple[int, int]

DIGITS: tuple[Range, ...] = ((48, 57),)
WORDS: tuple[Range, ...] = ((48, 57), (65, 90), (95, 95), (97, 122))
SPACES: tuple[Range, ...] = ((9, 10), (12, 13), (32, 32))
CLASSES = {"d": DIGITS, "w": WORDS, "s": SPACES}
CONTROLS = {"t": 9, "n": 10, "f": 12, "r": 13}
"""Not \\a, whose number the two manuals give differently, nor \\v and \\e [R: silently wrong in V1]."""
MOST = 1000
"""The highest count of a repetition that engines of this family take; more is refused."""


@dataclass(frozen=True)
class Char:
    """One character."""

    code: int


@dataclass(frozen=True)
class Any:
    """`.`."""


@dataclass(frozen=True)
class Set:
    """A class: `spelled` ranges follow the flag i, `named` ones (\\d \\w \\s and their opposites) do not."""

    spelled: tuple[Range, ...]
    named: tuple[Range, ...]
    negated: bool


@dataclass(frozen=True)
class Place:
    """`^ $ \\A \\z \\b \\B`: a place, not a character."""

    kind: str


@dataclass(frozen=True)
class Sequence:
    """Parts that follow each other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Choice:
    """Alternatives, in parentheses or at the top."""

    branches: tuple[Sequence, ...]


@dataclass(frozen=True)
class Repeat:
    """A part some number of times; lazy or not is the same truth."""

    part: Node
    least: int
    most: int | None


Node: TypeAlias = Char | Any | Set | Place | Sequence | Choice | Repeat


@dataclass(frozen=True)
class Regex:
    """A regex with its flags (of d, m, i) and what it uses that engines read differently."""

    source: str
    flags: frozenset[str]
    root: Choice
    uses: frozenset[str]


@dataclass
class Reading:
    """How far a regex has been read."""

    source: str
    position: int
    at: int = 0
    uses: set[str] = field(default_factory=set)

    def peek(self) -> str:
        return self.source[self.at : self.at + 1]

    def take(self, text: str) -> bool:
        """Step over a text, if it is next."""
        found = self.source.startswith(text, self.at)
        self.at += len(text) * found
        return found

    def next(self) -> str:
        found = self.peek()
        if not found:
            raise self.wrong("the regex ends too early")
        self.at += 1
        return found

    def wrong(self, message: str) -> Unknown:
        return Unknown(f"regex: {message}", self.position)


def read_regex(source: str, flags: str, position: int) -> Regex:
    """Return a regex, raise Unknown for what is not in both engines; `position` is where it stands in the query."""
    if strange := sorted(set(flags) - set("dmi")):
        raise Unknown(f"regex: no flag is called {strange[0]}; there are d, m and i", position)  # [D L1, L14]; trap 3
    reading = Reading(source, position)
    root = choice(reading)
    if reading.peek():
        raise reading.wrong("an unbalanced )")
    return Regex(source, frozenset(flags), root, frozenset(reading.uses))


def choice(reading: Reading) -> Choice:
    """Read alternatives up to `)` or the end."""
    branches = [sequence(reading)]
    while reading.take("|"):
        branches.append(sequence(reading))
    return Choice(tuple(branches))


def sequence(reading: Reading) -> Sequence:
    """Read parts, each with its repetition."""
    parts: list[Node] = []
    while reading.peek() not in ("", "|", ")"):
        part = one(reading)
        parts.append(repeated(reading, part))
    return Sequence(tuple(parts))


def one(reading: Reading) -> Node:
    """Read one part, without its repetition."""
    char = reading.next()
    if char == "(":
        if reading.take("?") and not reading.take(":"):
            # [R 2.3] lookaround, (?P<, (?x), (?#), (?| fail in V1, (?i:…) leaks; [D L1] named groups make fields.
            raise reading.wrong("of groups with ? only (?:…) means the same in both engines")
        found = choice(reading)
        if not reading.take(")"):
            raise reading.wrong("a ( is not closed")
        return found
    if char == "[":
        return bracket(reading)
    if char == "\\":
        return escaped(reading)
    if char == ".":
        reading.uses.add("dot")
        return Any()
    if char in "^$":
        reading.uses.add(char)
        return Place(char)
    if char in "*+?{}]":
        raise reading.wrong(f"a {char} that stands for itself is written \\{char}")
    return Char(ord(char))


def repeated(reading: Reading, part: Node) -> Node:
    """Read `* + ? {m,n}` after a part; possessive ones fail in V1 [R 2.3]."""
    least: int
    most: int | None
    counts = re.compile(r"\{([0-9]+)(,([0-9]+)?)?\}").match(reading.source, reading.at)
    if counts:
        reading.at = counts.end()
        least = int(counts[1])
        most = least if not counts[2] else int(counts[3]) if counts[3] else None
    elif reading.peek() and reading.peek() in "*+?":
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[reading.next()]
    else:
        return part
    if least > MOST or (most is not None and not least <= most <= MOST):
        raise reading.wrong("a repetition whose counts are too high or the wrong way round")
    if isinstance(part, Place):
        raise reading.wrong("a repeated place such as ^*")
    reading.take("?")
    if reading.peek() and reading.peek() in "*+?{":
        raise reading.wrong("a repetition of a repetition, or a possessive one")
    return Repeat(part, least, most)


def escaped(reading: Reading) -> Node:
    """Read what follows a backslash, outside brackets."""
    char = reading.next()
    if char.lower() in CLASSES:
        return named(reading, char)
    if char in "AzbB":
        if char in "bB":
            reading.uses.add("word")
        return Place(char)
    return Char(code(reading, char))


def named(reading: Reading, char: str) -> Set:
    """Return a \\d \\w \\s, ASCII in V2 [D L14]; whether \\s has the vertical tab and V1's \\w letters differ."""
    reading.uses.update({"w": {"word"}, "s": {"space"}, "d": set[str]()}[char.lower()])
    ranges = CLASSES[char.lower()]
    return Set((), ranges if char.islower() else opposite(ranges), False)


def opposite(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    """Return the code points outside sorted ranges."""
    starts = [0, *(high + 1 for _, high in ranges)]
    ends = [*(low - 1 for low, _ in ranges), 0x10FFFF]
    return tuple((low, high) for low, high in zip(starts, ends, strict=True) if low <= high)


def code(reading: Reading, char: str) -> int:
    """Return the code point of an escape that stands for one character, the same in both manuals [D L14]."""
    if char in CONTROLS:
        return CONTROLS[char]
    if char in "xu":
        width = 2 if char == "x" else 4
        digits = reading.source[reading.at : reading.at + width]
        if not re.fullmatch(rf"[0-9A-Fa-f]{{{width}}}", digits):
            raise reading.wrong(f"\\{char} wants {width} hexadecimal digits")
        reading.at += width
        return int(digits, 16)
    if char.isascii() and not char.isalnum() and char >= " ":
        return ord(char)
    # [R 2.3] \p \h \R \e \K \k \Z \v …, references to groups: fail, or silently match something else.
    raise reading.wrong(f"\\{char} is not the same in both engines")


def bracket(reading: Reading) -> Set:
    """Read a class; what some engines take for set operations is refused."""
    negated = reading.take("^")
    spelled: list[Range] = []
    ranges: list[Range] = []
    if reading.peek() == "]":
        raise reading.wrong("a ] that stands for itself is written \\]")
    while not reading.take("]"):
        item = member(reading)
        if isinstance(item, Set):
            ranges.extend(item.named)
            if reading.peek() == "-" and not reading.source.startswith("-]", reading.at):
                raise reading.wrong("a range that begins with a class")
            continue
        low = high = item
        if reading.peek() == "-" and not reading.source.startswith("-]", reading.at):
            reading.next()
            last = member(reading)
            if isinstance(last, Set) or last < low:
                raise reading.wrong("a range the wrong way round")
            high = last
        if high > 0xFFFF:
            raise reading.wrong("a class with an astral character, which V1 takes for two")
        spelled.append((low, high))
    return Set(tuple(spelled), tuple(ranges), negated)


def member(reading: Reading) -> int | Set:
    """Read one character of a class, or \\d \\w \\s inside it."""
    char = reading.next()
    if char == "[" or any(reading.source.startswith(twice, reading.at - 1) for twice in ("&&", "||", "--", "~~")):
        raise reading.wrong(f"a {char} in a class is written \\{char}")
    if char != "\\":
        return ord(char)
    char = reading.next()
    return named(reading, char) if char.lower() in CLASSES else code(reading, char)
