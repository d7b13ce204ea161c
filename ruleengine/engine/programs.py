"""Programs: what a rule says, as bytes that the sieve (`_sieve.c`) reads instead of Python's closures.

A node is what it is (a byte), whether case counts (a byte, and two that are zero), its field (four), and its size with
all that is in it (four). Inside are other nodes, or texts: each its size (four bytes) and itself, filled up to four
bytes. What the sieve cannot say is a node of its own; it answers "unknown", and a rule for which that matters is asked
by `verify.py`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from ruleengine.engine.literals import inside_regex
from ruleengine.ir import And, Atom, Call, Equals, Exists, Expr, Leaf, Like, Named, Not, Or, Regex, SameAs, Wild
from ruleengine.regex import parse
from ruleengine.values import fold, text
from ruleengine.walk import ATOMS, atom_of

ANYWHERE = 0xFFFFFFFF
"""The number of no field: any value."""

LARGEST = 1 << 16
"""Bytes of the largest program; longer ones are long lists, which closures look up at once."""

DEEPEST = 40

_HEAD = struct.Struct("=cBxxII")
_SIZE = struct.Struct("=I")

Texts = tuple[bytes, int, int]
"""How some texts are looked for: what (`w`hole, at the `s`tart, at the `e`nd, `i`nside, a `n`umber), case, field."""


def program_of(expr: Expr) -> tuple[bytes, tuple[str, ...]]:
    """Return the program of a lowered expression, and the names of the fields that it numbers."""
    fields: dict[str, int] = {}
    made = _node(expr, fields, 0)
    return (made, tuple(fields)) if len(made) <= LARGEST else (UNKNOWN, ())


def _made(what: bytes, inside: Iterable[bytes] = (), cased: int = 0, field: int = 0) -> bytes:
    content = b"".join(inside)
    return _HEAD.pack(what, cased, field, _HEAD.size + len(content)) + content


UNKNOWN = _made(b"?")


def _node(expr: Expr, fields: dict[str, int], depth: int) -> bytes:
    if depth > DEEPEST:
        return UNKNOWN
    match expr:
        case Leaf(_, item) | Named(_, item):
            return _node(item, fields, depth)
        case Not(item):
            return _made(b"!", [_node(item, fields, depth + 1)])
        case And(items):
            return _several(b"&", [_node(item, fields, depth + 1) for item in items])
        case Or(items):
            return _several(b"|", _alternatives(items, fields, depth + 1))
        case _:
            return _several(b"|", _alternatives((expr,), fields, depth))


def _several(what: bytes, nodes: list[bytes]) -> bytes:
    # What is short is soon answered, so it comes first; what cannot be answered comes last.
    return nodes[0] if len(nodes) == 1 else _made(what, sorted(nodes, key=lambda node: (node == UNKNOWN, len(node))))


def _alternatives(items: tuple[Expr, ...], fields: dict[str, int], depth: int) -> list[bytes]:
    """Return the nodes of alternatives; those that look at one field in one way are one."""
    together: dict[Texts, list[bytes]] = {}
    nodes = []
    for item in items:
        if type(item) not in ATOMS:
            nodes.append(_node(item, fields, depth))
            continue
        atom = atom_of(item)
        sought = _texts(atom)
        if sought is None or not _is_key(atom.field):
            nodes.append(_guarded(atom, fields))
        else:
            what, cased, given = sought
            together.setdefault((what, cased, _number(atom.field, fields)), []).append(_bytes(given))
    for (what, cased, number), texts in together.items():
        nodes.append(_leaf(what, texts, cased, number))
    return nodes


def _leaf(what: bytes, texts: Iterable[bytes], cased: int, number: int) -> bytes:
    return _made(what, (_SIZE.pack(len(one)) + one + b"\0" * (-len(one) % 4) for one in texts), cased, number)


def _guarded(atom: Atom, fields: dict[str, int]) -> bytes:
    """Return the node of an atom that the sieve can only say "no" to: without its field, or without texts it needs."""
    if isinstance(atom.field, Call) or isinstance(atom, SameAs):
        return UNKNOWN
    guards = []
    if _is_key(atom.field):
        needed: Iterable[Iterable[str]] = ()
        if isinstance(atom, Regex):
            needed = inside_regex(parse(atom.source, atom.flags).tree)
        elif isinstance(atom, Like):
            needed = [[fold(part)] for part in atom.pattern if isinstance(part, str)]
        guards = [_leaf(b"i", map(_bytes, texts), 0, _number(atom.field, fields)) for texts in needed]
    if atom.field is not None and not guards:
        # What stands on a path needs the first name on it, or the whole name as a key.
        names = {atom.field, atom.field.partition(".")[0]}
        guards = [_several(b"|", [_leaf(b"x", (), 0, _number(name, fields)) for name in sorted(names)])]
    return _several(b"&", [*guards, UNKNOWN])


def _is_key(field: str | Call | None) -> bool:
    return field is None or (type(field) is str and "." not in field)


def _number(field: str | Call | None, fields: dict[str, int]) -> int:
    return ANYWHERE if field is None else fields.setdefault(str(field), len(fields))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _texts(atom: Atom) -> tuple[bytes, int, str] | None:
    """Return how an atom looks at texts, whether case counts, and for what; None if the sieve cannot."""
    match atom:
        case Exists(str()):
            return b"x", 0, ""
        case Equals(_, bool() as whole, cased):
            what, literal = b"w", text(whole)
        case Equals(_, int() as whole):
            return b"n", 0, str(whole)
        case Like(_, (str(whole),), cased) | Equals(_, str(whole), cased):
            what, literal = b"w", whole
        case Like(_, (), cased):
            what, literal = b"w", ""
        case Like(_, (str(start), Wild.MANY), cased):
            what, literal = b"s", start
        case Like(_, (Wild.MANY, str(end)), cased):
            what, literal = b"e", end
        case Like(_, (Wild.MANY, str(middle), Wild.MANY), cased):
            what, literal = b"i", middle
        case _:
            return None
    return what, int(cased), literal if cased else fold(literal)
