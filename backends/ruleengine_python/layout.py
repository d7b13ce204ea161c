"""Python source, laid out: texts as literals, and expressions over lines as a formatter would write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

WIDTH = 120
INDENT = "    "


# --- literals ------------------------------------------------------------------------------------------------------


def quoted(text: str) -> str:
    """Return a text as a Python literal in printable characters: raw if it has backslashes, when that can be."""
    plain = text.isprintable() and not text.endswith("\\")
    if plain and "\\" in text and '"' not in text:
        return f'r"{text}"'
    if plain and "\\" in text and "'" not in text:
        return f"r'{text}'"
    mark = "'" if '"' in text and "'" not in text else '"'
    return f"{mark}{escaped(text).replace(mark, chr(92) + mark)}{mark}"


def escaped(text: str) -> str:
    """Return a text in printable characters on one line, as it stands between quotes; quotes are left as they are."""
    if text.isprintable():
        return text.replace("\\", r"\\")
    return "".join(_escape(each) if each == "\\" or not each.isprintable() else each for each in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def remark(text: str) -> str:
    """Return a text as it may stand in a comment: on one line, in printable characters."""
    return text if text.isprintable() else "".join(each if each.isprintable() else _escape(each) for each in text)


def in_docstring(text: str) -> str:
    """Return a text as it may stand in a docstring that does not end with it, on one line."""
    return escaped(" ".join(text.split())).replace('"""', r"\"\"\"")


def value_text(value: object) -> str:
    """Return plain data as a literal on one line."""
    match value:
        case str():
            return quoted(value)
        case list() | tuple():
            return f"[{', '.join(map(value_text, value))}]"
        case dict():
            return f"{{{', '.join(f'{value_text(key)}: {value_text(each)}' for key, each in value.items())}}}"
        case _:
            return repr(value)


# --- expressions ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Group:
    """Things in brackets: the arguments of a call, the members of a tuple, list or set."""

    head: str
    items: Sequence[Code]
    close: str = ")"
    remarks: Sequence[str] = ()
    """A comment above each item, where not empty; with any, the items stand on lines of their own."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Expressions with `and` or `or` between them."""

    word: Literal["and", "or"]
    items: Sequence[Code]


@dataclass(frozen=True, slots=True)
class Negated:
    """`not` and an expression."""

    item: Code


Code = str | Group | Joined | Negated
"""An expression; a text is written as it is."""


def flat(code: Code) -> str:
    """Return an expression on one line, however long."""
    match code:
        case str():
            return code
        case Group(head, items, close):
            comma = "," if head == "(" and len(items) == 1 else ""
            return f"{head}{', '.join(map(flat, items))}{comma}{close}"
        case Joined(word, items):
            return f" {word} ".join(f"({flat(item)})" if isinstance(item, Joined) else flat(item) for item in items)
        case Negated(item):
            return f"not ({flat(item)})" if isinstance(item, Joined) else f"not {flat(item)}"


def laid_out(code: Code, indent: str = "", before: str = "", after: str = "") -> list[str]:
    """Return the lines of an expression, with what stands before it on its first line and after it on its last."""
    whole = f"{indent}{before}{flat(code)}{after}"
    if isinstance(code, str) or (len(whole) <= WIDTH and not _has_remarks(code)):
        return [whole]
    match code:
        case Negated(Joined() as inner):
            return [f"{indent}{before}not (", *_operands(inner, indent + INDENT), f"{indent}){after}"]
        case Negated(item):
            return laid_out(item, indent, f"{before}not ", after)
        case Joined():
            return [f"{indent}{before}(", *_operands(code, indent + INDENT), f"{indent}){after}"]
        case Group():
            return [f"{indent}{before}{code.head}", *_members(code, indent + INDENT), f"{indent}{code.close}{after}"]


def _has_remarks(code: Code) -> bool:
    match code:
        case Group(_, items, _, remarks):
            return any(remarks) or any(map(_has_remarks, items))
        case Joined(_, items):
            return any(map(_has_remarks, items))
        case Negated(item):
            return _has_remarks(item)
        case _:
            return False


def _operands(code: Joined, indent: str) -> list[str]:
    lines: list[str] = []
    for number, item in enumerate(code.items):
        before = f"{code.word} " if number else ""
        if isinstance(item, Joined):  # brackets are needed even where it fits on a line
            before, after = f"{before}(", ")"
            inner = f"{indent}{before}{flat(item)}{after}"
            if len(inner) <= WIDTH and not _has_remarks(item):
                lines.append(inner)
                continue
            lines += [f"{indent}{before}", *_operands(item, indent + INDENT), f"{indent})"]
        else:
            lines += laid_out(item, indent, before)
    return lines


def _members(code: Group, indent: str) -> list[str]:
    together = f"{indent}{', '.join(map(flat, code.items))}"
    is_call = code.head.endswith("(") and code.head != "("
    if is_call and len(together) <= WIDTH and not any(map(_has_remarks, code.items)):
        return [together]
    lines: list[str] = []
    for number, item in enumerate(code.items):
        if code.remarks and code.remarks[number]:
            lines.append(f"{indent}# {code.remarks[number]}")
        lines += laid_out(item, indent, after=",")
    return lines
