"""Breaks rule files and event files as people, disks and attackers do; always the same for a seed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

Mutation = Callable[[random.Random, str, str], str]
"""Chance, the text, and another text to take parts from; returns the broken text."""

ODD_CHARACTERS = (
    "\0\x01\x07\x0b\x0c\x1b\x7f\x85\u00a0\u200b\u200d\u202e\u2028\u2029\ufeff\ufffd\ufffe\U0001f600\U0010ffff"
    "\t\r\n'\"\\`~!@#$%^&*()[]{}<>|;:,.?/=+-_éÉßſK―–—İıσς日本"
)
WRITTEN = r"""
null ¦ ~ ¦ '' ¦ "" ¦ true ¦ no ¦ 0 ¦ -1 ¦ 1.5 ¦ .5 ¦ 5. ¦ 1e5 ¦ 1e-5 ¦ 1e9999 ¦ -0.0 ¦ .inf ¦ .nan ¦ 0x1F ¦ 0o17
¦ 0b1 ¦ 1_000 ¦ 12:30:45 ¦ 2024-01-01 ¦ 12345678901234567890123 ¦ [] ¦ {} ¦ [[]] ¦ [[a]] ¦ [{}] ¦ {a: b} ¦ [null]
¦ [''] ¦ [a, null] ¦ [1, 2] ¦ ? a ¦ - a ¦ &x a ¦ *x ¦ !!str 5 ¦ !!int 5 ¦ !!binary YQ==
¦ !!python/object:os.system x ¦ !x y ¦ <<: 1 ¦ | ¦ > ¦ %TAG ¦ --- ¦ ... ¦ '*' ¦ '?' ¦ '**' ¦ '\*' ¦ '\' ¦ '%x%'
¦ '\%' ¦ '[' ¦ '(' ¦ '(?' ¦ '(?i)' ¦ 'a{1,}' ¦ 'a{9999}' ¦ '[z-a]' ¦ '((((((((((a*)*)*)*)*)*)*)*)*)*b'
¦ '(a{1000}){1000}' ¦ '.*.*.*.*.*.*=.*' ¦ '(?<=a)b' ¦ '\x{110000}' ¦ '[[:alpha:]]' ¦ '10.0.0.0/8' ¦ '10.0.0.1/8'
¦ '::/0' ¦ '::1%eth0' ¦ '1.2.3.4/33' ¦ ' -a -b -c -d -e -f -g -h' ¦ selection ¦ 1 of them ¦ all of x* ¦ not
¦ not not not a ¦ a and ¦ a or or b ¦ (a ¦ a) ¦ 1 of * ¦ 'a | count() > 5' ¦ any ¦ 5m ¦ 0s ¦ 1w ¦ 99999999999d
"""
ODD_VALUES = (
    *(value.strip() for value in WRITTEN.split("¦")),
    "9" * 4001,
    "0x" + "f" * 3990,
    "'" + " /x" * 40 + "'",
    "'" + "(" * 90 + "a" + ")" * 90 + "'",
    "'" + "not " * 99 + "a'",
    "'" + "(" * 5000 + "'",
)
"""Values to write in the place of others; a broken bar stands between them."""

MODIFIERS = (
    "contains startswith endswith all cased neq exists re i m s cidr fieldref expand windash base64 base64offset utf16"
    " utf16le utf16be wide lt lte gt gte minute hour day week month year containz RE"
).split()
KEYS = (
    "detection condition selection filter correlation rules type timespan group-by aliases generate field logsource"
    " title id name status level tags action timeframe date related falsepositives percentile product category service"
).split()


# --- any text ------------------------------------------------------------------------------------------------------


def cut(chance: random.Random, text: str, other: str) -> str:
    return text[: chance.randrange(len(text) + 1)]


def delete(chance: random.Random, text: str, other: str) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + text[at + chance.choice((1, 1, 2, 5, 40)) :]


def insert(chance: random.Random, text: str, other: str) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(ODD_CHARACTERS) * chance.choice((1, 1, 1, 3)) + text[at:]


def replace(chance: random.Random, text: str, other: str) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(ODD_CHARACTERS) + text[at + 1 :]


def swap(chance: random.Random, text: str, other: str) -> str:
    at = chance.randrange(max(1, len(text) - 1))
    return text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]


def splice(chance: random.Random, text: str, other: str) -> str:
    """The beginning of one file and the end of another."""
    return text[: chance.randrange(len(text) + 1)] + other[chance.randrange(len(other) + 1) :]


def lines_changed(chance: random.Random, text: str, other: str) -> str:
    """A line is doubled, lost, moved, or taken from another file."""
    lines = text.split("\n")
    at, to = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(4):
        case 0:
            lines.insert(to, lines[at])
        case 1:
            del lines[at]
        case 2:
            lines.insert(to, lines.pop(at))
        case _:
            lines.insert(to, chance.choice(other.split("\n")))
    return "\n".join(lines)


def flipped(chance: random.Random, data: bytes) -> bytes:
    """Return the bytes with one bit of some of them turned over."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        if out:
            out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    return bytes(out)


# --- rules ---------------------------------------------------------------------------------------------------------


def indented(chance: random.Random, text: str, other: str) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    shift = chance.choice((-4, -2, -1, 1, 2, 4))
    lines[at] = (
        " " * shift + lines[at] if shift > 0 else lines[at][-shift:] if lines[at][:-shift].isspace() else lines[at]
    )
    return "\n".join(lines)


def value_changed(chance: random.Random, text: str, other: str) -> str:
    """The value of some key or list entry becomes one of another kind."""
    places = list(re.finditer(r"(?m)(?<=:) .*$|(?<=- ).*$", text))
    if not places:
        return text
    chosen = chance.choice(places)
    return f"{text[: chosen.start()]} {chance.choice(ODD_VALUES)}{text[chosen.end() :]}"


def key_changed(chance: random.Random, text: str, other: str) -> str:
    """A key has a slip, becomes another one, or gets a modifier."""
    places = list(re.finditer(r"(?m)^[ -]*([^\s:#'-][^:\n]*):", text))
    if not places:
        return text
    chosen = chance.choice(places)
    key = chosen[1]
    match chance.randrange(4):
        case 0:
            at = chance.randrange(len(key))
            key = key[:at] + chance.choice("abexyz_|.*") + key[at + chance.randrange(2) :]
        case 1:
            key = chance.choice(KEYS)
        case 2:
            key = f"{key.split('|')[0]}|{'|'.join(chance.choices(MODIFIERS, k=chance.choice((1, 1, 2, 3))))}"
        case _:
            key = f"'{'|'.join(['', *chance.choices(MODIFIERS, k=chance.choice((0, 1, 2)))])}'"
    return text[: chosen.start(1)] + key + text[chosen.end(1) :]


def nested(chance: random.Random, text: str, other: str) -> str:
    """Something stands in very many brackets."""
    at = chance.randrange(len(text) + 1)
    depth = chance.choice((5, 99, 101, 2000))
    opening, closing = chance.choice((("[", "]"), ("{a: ", "}"), ("- ", ""), ("(", ")"), ("? ", ""), ("[{a: ", "}]")))
    return text[:at] + opening * depth + "x" + closing * depth + text[at:]


def huge(chance: random.Random, text: str, other: str) -> str:
    """A very long value, key, list, or run of one character."""
    at = text.find("\n", chance.randrange(len(text) + 1)) + 1
    size = chance.choice((1000, 10_000, 60_000))
    forms = (
        f"    big: '{'a*' * size}'\n",
        f"{'k' * size}: x\n",
        f"    Image|contains: [{', '.join(map(str, range(size // 10)))}]\n",
        f"    Image|re: '{'(a|b)?' * (size // 10)}'\n",
        f"    condition: {' or '.join(['selection'] * (size // 10))}\n",
        f"    CommandLine|windash|contains|all: [{', '.join([' -a -b -c -d'] * (size // 1000))}]\n",
        "#" * size + "\n",
        " " * size,
        "\n" * (size // 10),
    )
    return text[:at] + chance.choice(forms) + text[at:]


def aliased(chance: random.Random, text: str, other: str) -> str:
    """Anchors and aliases: harmless, undefined, of themselves, or doubling on and on."""
    bomb = "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9) if i else 'x'}]\n" for i in range(chance.choice((3, 9)))
    )
    forms = (
        bomb,
        "x: &x {y: *x}\n",
        "x: *nowhere\n",
        "x: &x 1\ny: *x\n",
        "<<: {title: t}\n",
        "<<: [1]\n",
        "b: &b {c: d}\n<<: *b\n",
    )
    return chance.choice(forms) + text if chance.random() < 0.5 else text + "\n" + chance.choice(forms)


def documents(chance: random.Random, text: str, other: str) -> str:
    """Several documents in one file, with markers and directives in odd places."""
    forms = (
        "\n---\n",
        "\n...\n",
        "\n--- |\n",
        "\n%YAML 1.2\n---\n",
        "\n---\naction: global\n",
        "\n---\naction: repeat\n",
        "\n---\n---\n",
    )
    return text + chance.choice(forms) + other


TEXT: tuple[Mutation, ...] = (cut, delete, insert, replace, swap, splice, lines_changed)
RULE: tuple[Mutation, ...] = (
    *TEXT,
    *(indented, value_changed, value_changed, value_changed, key_changed, key_changed, key_changed),
    *(nested, huge, aliased, documents),
)


# --- events --------------------------------------------------------------------------------------------------------

JSON_PIECES = (
    *(
        "NaN",
        "Infinity",
        "-0",
        "1e400",
        "1e-400",
        "9" * 5000,
        "0.1" + "0" * 400,
        "01",
        "+1",
        ".5",
        "1.",
        "true",
        "nul",
        "None",
    ),
    *(
        '"\\ud800"',
        '"\\udc00\\ud800"',
        '"\\u12"',
        '"\\x"',
        '"\n"',
        '"\0"',
        "'a'",
        '"',
        '""',
        "{}",
        "[]",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
    ),
    *(
        "[" * 99,
        "[" * 2000,
        '{"a":' * 150 + "1" + "}" * 150,
        "[" * 98 + "]" * 98,
        "/* c */",
        "// c\n",
        "\ufeff",
        "\u2028",
        "\r",
        "\n\n",
    ),
    *(
        '{"a": 1, "a": 2}',
        '{"": ""}',
        '"Event": {"System": 5}',
        '"Event": [1]',
        '"Event": null',
        '"Event": {"EventData": {"Data": [5]}}',
    ),
)


def json_changed(chance: random.Random, text: str, other: str) -> str:
    """Some value becomes something that JSON does, or does not, allow."""
    places = list(re.finditer(r'(?<=[:\[,])\s*("[^"\n]*"|[\w.-]+|[\[{])', text))
    at, end = (0, 0) if not places else chance.choice([found.span() for found in places[:500]])
    return text[:at] + chance.choice(JSON_PIECES) + text[end:]


def crowded(chance: random.Random, text: str, other: str) -> str:
    """A very long value, or very many of them."""
    at = text.find("{", chance.randrange(len(text) + 1)) + 1
    size = chance.choice((1000, 20_000))
    forms = (
        f'"big": "{"a" * size * 5}", ',
        f'"{"k" * size}": 1, ',
        f'"many": [{"1," * size}1], ',
        f'"deep": {"[" * 90}{"]" * 90}, ',
    )
    return text[:at] + chance.choice(forms) + text[at:]


EVENTS: tuple[Mutation, ...] = (*TEXT, json_changed, json_changed, json_changed, crowded)


def mutated(chance: random.Random, texts: Sequence[str], mutations: Sequence[Mutation]) -> bytes:
    """Return one of the texts after one to four mutations, as bytes, of which a few may be damaged as well."""
    text = chance.choice(texts)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        text = chance.choice(mutations)(chance, text, chance.choice(texts))
    data = text.encode("utf-8", "surrogatepass")
    match chance.randrange(40):
        case 0 | 1:
            return flipped(chance, data)
        case 2:
            return text.encode("utf-16", "surrogatepass")
        case 3:
            return data.replace(b"\n", b"\r\n")
        case 4:
            return b"\xef\xbb\xbf" + data
    return data
