"""Whether a tag names something that exists: its form, and its id in a dated table of ATT&CK, ATLAS, F3 or OWASP.

The tables lie in `taxonomies/`, each with its source, version, the date it was read and its licence above its rows;
`docs/taxonomies.md` says how they are made. The forms are those of the Sigma specification 2.1.0, appendix tags.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

from ruleengine.schema.tables import Table, table
from ruleengine.suggest import nearest

Status = Literal["known", "free", "newer", "malformed", "unknown", "retired"]

_TAG = re.compile(r"[a-z0-9_-]+\.[a-zA-Z0-9._-]+", re.ASCII)
_ID = re.compile(r"(?P<kind>[a-z]+)(?P<number>\d{4})(?P<part>\.\d{3})?", re.ASCII)
_LOOSE = re.compile(r"(?P<kind>[a-z]{1,2})?(?P<number>\d{4})(?:[./_-](?P<part>\d{1,3}))?", re.ASCII)
_DIGIT = re.compile(r"\d")
_WORDS = re.compile(r"[a-z-]+(\|[a-z-]+)*")
_AHEAD = 200
"""How far an id may lie beyond the newest one of a table and still be believed to be newer than the table."""


@dataclass(frozen=True, slots=True)
class TagVerdict:
    """What is known of a tag; `name` is what it stands for, `message` a sentence when something is wrong.

    known: the id exists, or the form is right and there is no table. free: a namespace of one's own. newer: an id
    beyond the newest of the table, which nobody can judge. malformed, unknown: wrong. retired: the publisher withdrew
    the id. `hint` is the tag to write instead, if there is a right one.
    """

    status: Status
    name: str = ""
    message: str = ""
    hint: str = ""

    @property
    def ok(self) -> bool:
        return not self.message


class Entry(NamedTuple):
    """A row of a taxonomy: the id as its publisher writes it, its name, and what became of it.

    status: nothing for one that stands, `older` for one that stood in the release before the table's, `revoked` or
    `deprecated` (then perhaps with its successors, joined by commas).
    """

    id: str
    name: str
    status: str
    successor: str


class _Namespace(NamedTuple):
    table: str
    form: re.Pattern[str]
    example: str

    @property
    def words(self) -> tuple[str, ...]:
        """Return the names themselves where the form is no more than a list of them."""
        return tuple(self.form.pattern.split("|")) if _WORDS.fullmatch(self.form.pattern) else ()


def check(tag: str) -> TagVerdict:
    """Return what is known of a tag such as `attack.t1059.001`."""
    if not _TAG.fullmatch(tag):
        lower = "_".join(tag.strip().lower().split())
        hint = lower if lower != tag and _TAG.fullmatch(lower) and check(lower).ok else ""
        return TagVerdict("malformed", "", f"the tag `{tag}` is not of the form `namespace.name` in lower case", hint)
    name, _, rest = tag.partition(".")
    space = _namespaces().get(name)
    if space is None:
        return TagVerdict("free")
    if space.words and rest not in space.words:
        message = f"there is no `{tag}`; `{name}` has {', '.join(space.words)}"
        return TagVerdict("unknown", "", message, _repair(name, rest))
    if not space.form.fullmatch(rest):
        message = f"the tag `{tag}` is not of the form that `{name}` has, such as `{space.example}`"
        return TagVerdict("malformed", "", message, _repair(name, rest))
    return _look_up(name, rest, tag) if space.table else TagVerdict("known")


def entry(namespace: str, id: str) -> Entry | None:
    """Return the row of an id in the table of a namespace, letter case aside, or None."""
    space = _namespaces().get(namespace)
    row = _rows(space.table).get(id.lower()) if space and space.table else None
    return Entry._make(row) if row else None


def about(namespace: str) -> dict[str, str]:
    """Return what the table of a namespace says of itself: source, version, read, licence; empty without a table."""
    space = _namespaces().get(namespace)
    return _table(space.table).about if space and space.table else {}


def namespaces() -> tuple[str, ...]:
    """Return the namespaces whose tags are checked."""
    return tuple(_namespaces())


def _look_up(name: str, rest: str, tag: str) -> TagVerdict:
    found = entry(name, rest)
    if found is None:
        if _newer(name, rest):
            return TagVerdict("newer")
        message = f"there is no `{tag}` in {about(name)['title']}"
        return TagVerdict("unknown", "", message, _repair(name, rest))
    if found.status in ("", "older"):
        return TagVerdict("known", found.name)
    now = ", ".join(f"`{name}.{successor.lower()}`" for successor in found.successor.split(",") if successor)
    message = f"`{tag}` ({found.name}) is {found.status}" + (f"; it is now {now.replace(', ', ' or ')}" if now else "")
    hint = f"{name}.{found.successor.lower()}" if found.successor and "," not in found.successor else ""
    return TagVerdict("retired", found.name, message, hint)


def _newer(name: str, rest: str) -> bool:
    """Say whether an id may have come after the table was read, so that its absence proves nothing."""
    wanted = _ID.fullmatch(rest)
    if not wanted:
        return False
    if wanted["part"]:
        parent = entry(name, wanted["kind"] + wanted["number"])
        return parent is not None and parent.status == "older"
    newest = [found for key in about(name).get("newest", "").lower().split() if (found := _ID.fullmatch(key))]
    last = [int(found["number"]) for found in newest if _numbered_alike(found, wanted)]
    return bool(last) and last[0] < int(wanted["number"]) <= last[0] + _AHEAD


def _numbered_alike(one: re.Match[str], other: re.Match[str]) -> bool:
    """Say whether two ids count in one series; the techniques of ICS (T0...) have their own."""
    return one["kind"] == other["kind"] and (one["kind"] != "t" or one["number"][0] == other["number"][0])


def _repair(name: str, rest: str) -> str:
    """Return the one tag that was surely meant, or an empty string; digits are never guessed."""
    space = _namespaces()[name]
    known = _rows(space.table) if space.table else {}
    lower = rest.lower().replace("_", "-")
    if lower != rest and space.form.fullmatch(lower) and (not known or lower in known):
        return f"{name}.{lower}"
    if name == "attack" and (tactic := known.get(lower)):  # attack.ta0001
        lower = "-".join(tactic[1].lower().split())
        return f"{name}.{lower}" if lower in known else ""
    loose = _LOOSE.fullmatch(lower)
    if loose and known:
        part = f".{int(loose['part']):03}" if loose["part"] else ""
        spelled = (loose["kind"] or "t") + loose["number"] + part
        prefix = "aml." if name == "atlas" else ""
        return f"{name}.{prefix}{spelled}" if prefix + spelled in known and prefix + spelled != rest else ""
    words = [key for key in known if not _DIGIT.search(key)] or space.words
    found = None if _DIGIT.search(lower) else nearest(lower, words)
    return f"{name}.{found}" if found else ""


@cache
def _namespaces() -> dict[str, _Namespace]:
    rows = table("taxonomies/namespaces.tsv").rows
    return {
        name: _Namespace("" if file == "-" else file, re.compile(form, re.ASCII), example)
        for name, file, form, example in rows
    }


@cache
def _table(file: str) -> Table:
    return table(f"taxonomies/{file}")


@cache
def _rows(file: str) -> dict[str, tuple[str, ...]]:
    return {row[0].lower(): row for row in _table(file).rows}
