"""Strings, names and values of the language: from what is written to what is meant, and back."""

from __future__ import annotations

import re
from decimal import Decimal

from ruleengine.ir import ParamRef, Value
from ruleengine.strings import literal, pattern

ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]{1,6})\}|(.))", re.S)
LETTERS = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
PLAIN_NAME = re.compile(r"[A-Za-z_@][\w@-]*(?:\.[\w@-]+)*\Z")
RESERVED = frozenset(
    "not and or true false null anywhere in contains startswith endswith like matches exists missing cased with "
    "all any field cidr them of windash expand glob base64 base64offset utf16 utf16le utf16be wide list within where "
    "then".split()
)


def raw(written: str) -> str:
    """Return the text of `'…'`: everything as it stands, `''` is one quote."""
    return written[1:-1].replace("''", "'")


def escaped(written: str) -> str:
    """Return the text of `"…"`; ValueError names an escape that does not exist, with its offset."""
    out = []
    at = 0
    body = written[1:-1]
    for found in ESCAPE.finditer(body):
        out.append(body[at : found.start()])
        at = found.end()
        code = found[1] or found[2]
        if code:
            out.append(chr(int(code, 16)))
        elif found[3] in LETTERS:
            out.append(LETTERS[found[3]])
        else:
            raise ValueError(found[0], found.start() + 1)
    return "".join(out) + body[at:]


def block(written: str) -> str:
    """Return the text of a triple-quoted block.

    When the opening quotes end their line, the indentation of the closing quotes is taken off every line.
    """
    body = written[3:-3]
    if body.startswith("\n"):
        lines = body[1:].split("\n")
        indent = len(lines[-1]) if not lines[-1].strip() else 0
        body = "\n".join(line[indent:] if not line[:indent].strip() else line.lstrip(" ") for line in lines)
    return re.sub(r'\\(["\\])', r"\1", body)


def as_block(text: str, indent: str) -> str:
    """Return a text of several lines as a block whose lines are indented."""
    body = re.sub(r'\\(?=["\\])|"""', lambda found: "\\" + found[0] if found[0] == "\\" else '""\\"', text)
    lines = [indent + line if line else "" for line in body.split("\n")[:-1]]
    return '"""\n' + "\n".join([*lines, indent]) + '"""'


def name(written: str) -> str:
    """Return a name without its backticks."""
    return written[1:-1].replace("``", "`") if written.startswith("`") else written


def is_name(given: str) -> bool:
    """Say whether a text can be written as a name: there is something of it, and it is on one line."""
    return bool(given) and "\n" not in given


def quoted_name(given: str, *, always: bool = False) -> str:
    """Return a name as the language writes it: in backticks when it is not plain."""
    plain = not always and PLAIN_NAME.match(given) and given not in RESERVED
    return given if plain else "`" + given.replace("`", "``") + "`"


def quoted(text: str) -> str:
    """Return a text as the language writes it: in single quotes, but for its own ones or what needs an escape."""
    if "'" in text and not any(character in '"\\' or character < " " or character == "\x7f" for character in text):
        return f'"{text}"'
    if all(character >= " " and character != "\x7f" for character in text):
        return "'" + text.replace("'", "''") + "'"
    out = []
    for character in text:
        if character in '"\\':
            out.append("\\" + character)
        elif character >= " " and character != "\x7f":
            out.append(character)
        else:
            out.append({"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character, f"\\x{ord(character):02x}"))
    return '"' + "".join(out) + '"'


def number(written: str) -> int | Decimal:
    """Return the exact number of a literal."""
    return Decimal(written) if re.search(r"[.eE]", written) else int(written)


def as_sigma(text: str) -> str:
    """Return a plain text as a Sigma string: wildcards escaped, and backslashes that would escape."""
    return re.sub(r"\\(?=[\\*?])|[*?]", r"\\\g<0>", text)


def as_plain(sigma: str) -> str | None:
    """Return the plain text of a Sigma string, if it has no wildcard and would be written the same again."""
    text = literal(pattern(sigma))
    return text if text is not None and as_sigma(text) == sigma else None


def value(given: Value) -> str:
    """Return a value of an item as the language writes it; a text that is not plain stands in `glob(…)`."""
    if given is None:
        return "null"
    if isinstance(given, bool):
        return "true" if given else "false"
    if not isinstance(given, str) or isinstance(given, ParamRef):
        return str(given)
    text = as_plain(given)
    return quoted(text) if text is not None else f"glob({quoted(given)})"
