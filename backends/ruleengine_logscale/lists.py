"""Lists: as part of the query while they are short, else as a lookup file beside it."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator

from ruleengine.ir import Expr, InList
from ruleengine.target import Limit
from ruleengine.target.regex_text import LETTERS, of_pattern
from ruleengine.values import is_network
from ruleengine.walk import walk
from ruleengine_logscale.merging import filters
from ruleengine_logscale.networks import said_networks
from ruleengine_logscale.said import NEVER, Matched, Said, Ways, bounded
from ruleengine_logscale.written import DIALECT, name, string

INLINE = 500
"""Entries that a query holds itself; a longer list becomes a file."""
COLUMN = "ruleengine_entry"
"""The column of a lookup file; a name that no event has, for `match()` may copy it into the event."""


def said_list(atom: InList) -> Said:
    """Return "some value is an entry that has not expired": texts, networks, and a file where there are many."""
    field = atom.field
    ways: list[tuple[str, ...]] = []
    filed, networked = frozenset(in_file(atom)), False
    limits = {bounded("list", "the list is written into the query", "as_compiled", None): None}
    for expires_us, entries in _by_expiry(entry for entry in atom.entries if entry[0] not in filed):
        live = () if expires_us is None else (f"@timestamp < {-(-expires_us // 1000)}",)
        texts = [_text(field, entry) for entry in entries]
        ways.extend((*live, each) for each in filters(text.matched for text in texts if text.matched))
        ways.extend((*live, text.filter) for text in texts if text.filter)
        limits |= {limit: None for text in texts for limit in text.limits}
        networks = tuple(entry for entry in entries if "/" in entry and is_network(entry))
        if networks:
            networked = True
            said = said_networks(field, networks)
            ways.extend((*live, *way) for way in said.ways)
            limits |= dict.fromkeys(said.limits)
    if filed:
        ways.append((_match(atom),))
        limits |= {bounded("list", LETTERS[1], LETTERS[0], field): None}
    return _plain(tuple(ways), tuple(limits), functions=bool(filed or networked))


def _text(field: str, entry: str) -> Said:
    """Return "some value is this text"."""
    if not entry:
        return Said(f'{name(field)}=""')
    written = of_pattern((entry,), DIALECT, cased=False)
    limits = tuple(bounded("list", reason, bound, field) for bound, reason in written.bounds)
    neutral = entry.isascii() and not any(letter.isalpha() for letter in entry)
    fold = "any" if neutral else "i" if written.ignore_case else ""
    return Said(matched=Matched(field, written.text, fold, begins=True, ends=True), limits=limits)


def _plain(ways: Ways, limits: tuple[Limit, ...], *, functions: bool) -> Said:
    """Return a filter where no way needs a function."""
    if not ways:
        return Said(filter=NEVER, limits=limits)
    if functions:
        return Said(ways=ways, limits=limits)
    texts = [way[0] if len(way) == 1 else f"({' AND '.join(way)})" for way in ways]
    return Said(filter=texts[0] if len(texts) == 1 else f"({' OR '.join(texts)})", limits=limits)


def _by_expiry(entries: Iterable[tuple[str, int | None]]) -> Iterator[tuple[int | None, list[str]]]:
    found: dict[int | None, list[str]] = {}
    for entry, expires_us in entries:
        found.setdefault(expires_us, []).append(entry)
    return iter(found.items())


def _match(atom: InList) -> str:
    return f"match(file={string(file_name(atom))}, field={name(atom.field)}, column={string(COLUMN)}, ignoreCase=true)"


# --- files ---------------------------------------------------------------------------------------------------------


def in_file(atom: InList) -> tuple[str, ...]:
    """Return the entries of a list that stand in its file: texts that never expire, if there are many of them.

    Only ASCII: how `match()` folds other letters is not documented.
    """
    fit = [entry for entry, expires in atom.entries if expires is None and _fits_a_file(entry)]
    return tuple(dict.fromkeys(fit)) if len(fit) > INLINE else ()


def _fits_a_file(entry: str) -> bool:
    return bool(entry) and entry.isascii() and entry.isprintable() and entry == entry.strip() and "/" not in entry


def file_name(atom: InList) -> str:
    """Return the name of the lookup file of a list: other entries, another name."""
    identity = hashlib.sha256("\n".join(in_file(atom)).encode()).hexdigest()[:8]
    return f"ruleengine-{re.sub('[^A-Za-z0-9_-]', '-', atom.name)}-{identity}.csv"


def files(expressions: Iterable[Expr]) -> dict[str, bytes]:
    """Return the lookup files that the queries of some rules need, by name."""
    found: dict[str, bytes] = {}
    for expr in expressions:
        for node in walk(expr):
            if isinstance(node, InList) and (entries := in_file(node)):
                out = io.StringIO(newline="")
                csv.writer(out, lineterminator="\n").writerows([[COLUMN], *([entry] for entry in entries)])
                found[file_name(node)] = out.getvalue().encode()
    return found
