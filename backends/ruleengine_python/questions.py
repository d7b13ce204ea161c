"""From an atom of a rule to what is asked of a field, with its values as Python literals."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from ruleengine.ir import (
    Atom,
    Call,
    Compare,
    Equals,
    Exists,
    InList,
    InNetwork,
    Like,
    Pattern,
    Regex,
    SameAs,
    TimePart,
    Wild,
)
from ruleengine.target.regex_text import Dialect, spelled_out
from ruleengine.times import moment
from ruleengine.values import fold, is_network, text
from ruleengine_python.layout import Code, Group, quoted, remark
from ruleengine_python.library import reserved

RE2 = Dialect(code=lambda code: f"\\x{{{code:x}}}", nothing=r"[^\x{0}-\x{10ffff}]")

FUNCTIONS = {"len": "length", "lower": "lower", "domain": "domain", "net": "net"}
"""The functions of the rule language, as the library calls them."""

OURS = frozenset({"matches", "matching", "among", "fields", "event", "each", "rule", "RULE", "RULES", "CONDITIONS"})
"""The names that every module uses, or may."""


@dataclass(slots=True)
class Module:
    """What a module is made of so far: its names, tables and functions, and what it needs of the library."""

    taken: set[str] = field(default_factory=lambda: {*reserved(), *OURS, *keyword.kwlist})
    tables: list[str] = field(default_factory=list)
    lists: dict[tuple[str, tuple[tuple[str, int], ...]], str] = field(default_factory=dict)
    """The tables of lists: name and entries → how it is called."""
    functions: list[str] = field(default_factory=list)
    needs: set[str] = field(default_factory=lambda: {"Any", "Event", "Fields"})

    def name(self, wanted: str) -> str:
        """Return an identifier like the text wanted that nothing else in the module has."""
        plain = re.sub(r"[\W_]+", "_", wanted, flags=re.ASCII).strip("_")[:60] or "selection"
        plain = f"selection_{plain}" if plain[0].isdigit() else plain
        found, number = plain, 1
        while found in self.taken:
            number += 1
            found = f"{plain}_{number}"
        self.taken.add(found)
        return found


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a field, with the values as literals; questions that differ only in these can be one."""

    method: str
    field: str
    cased: bool
    values: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    """A comment to each value, where not empty."""

    @property
    def key(self) -> tuple[str, str, bool]:
        return self.method, self.field, self.cased


def questions(atom: Atom, module: Module) -> Iterator[Question | Code]:
    """Yield what is asked for an atom, one of which must be so."""
    name = field_text(atom.field, module)
    match atom:
        case Equals(_, bool() | str() as value, cased):
            wanted = text(value)
            yield Question("equals", name, cased, (quoted(wanted if cased else fold(wanted)),))
        case Equals(_, int() | Decimal() as value):
            yield Question("is_number", name, False, (number_text(value, module),))
        case Like(_, pattern, cased):
            yield _of_pattern(name, pattern if cased else _folded(pattern), cased)
        case Regex(_, source, flags):
            written, comment = regex_text(source, flags)
            yield Question("search", name, False, (quoted(written),), (remark(comment),))
        case Compare(_, sign, bound):
            module.needs.add("Fields.numbers")
            yield f"any(each {sign} {number_text(bound, module)} for each in fields.numbers({name}))"
        case TimePart(_, part, sign, bound):
            module.needs.add("Fields.time_parts")
            yield f"any(each {sign} {bound} for each in fields.time_parts({name}, {quoted(part)}))"
        case InNetwork(_, written):
            yield Question("in_network", name, False, (quoted(written),))
        case Exists():
            module.needs.add("Fields.exists")
            yield f"fields.exists({name})"
        case SameAs(_, other, how, cased):
            module.needs.add("Fields.same")
            more = [quoted(how)] if how != "equals" else []
            yield Group("fields.same(", [name, field_text(other, module), *more, *(["cased=True"] if cased else [])])
        case InList():
            yield from _of_list(atom, name, module)


def field_text(name: str | None, module: Module) -> str:
    """Return how a field is written; a function of one as `(length, "CommandLine")`."""
    if name is None:
        module.needs.add("ANYWHERE")
        return "ANYWHERE"
    if not isinstance(name, Call):
        return quoted(name)
    field, *rest = name.arguments
    module.needs |= {"called", FUNCTIONS[name.function]}
    arguments = [quoted(str(field)), *(quoted(each) if isinstance(each, str) else str(each) for each in rest)]
    return f"({FUNCTIONS[name.function]}, {', '.join(arguments)})"


def number_text(value: int | Decimal, module: Module) -> str:
    """Return a number as a literal."""
    if isinstance(value, int):
        return str(value)
    module.needs.add("Decimal")
    return f"Decimal({quoted(str(value))})"


# --- patterns and regular expressions --------------------------------------------------------------------------------


@lru_cache(maxsize=1 << 16)
def _folded(pattern: Pattern) -> Pattern:
    return tuple(part if isinstance(part, Wild) else fold(part) for part in pattern)


def _of_pattern(name: str, pattern: Pattern, cased: bool) -> Question:
    """Return the plainest question that says the same as a pattern."""
    match pattern:
        case ():
            return Question("equals", name, cased, ('""',))
        case (str(whole),):
            return Question("equals", name, cased, (quoted(whole),))
        case (Wild.MANY,):
            return Question("has_value", name, False, ())
        case (Wild.MANY, str(tail)):
            return Question("ends_with", name, cased, (quoted(tail),))
        case (str(head), Wild.MANY):
            return Question("starts_with", name, cased, (quoted(head),))
        case (Wild.MANY, str(middle), Wild.MANY):
            return Question("contains", name, cased, (quoted(middle),))
        case _:
            return Question("like", name, cased, (pattern_text(pattern),))


def pattern_text(pattern: Pattern) -> str:
    """Return a pattern as a tuple: `...` for `*`, None for `?`."""
    parts = [quoted(part) if isinstance(part, str) else {"*": "...", "?": "None"}[part.value] for part in pattern]
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


@lru_cache(maxsize=1 << 14)
def regex_text(source: str, flags: str) -> tuple[str, str]:
    """Return a regular expression for RE2, its folds spelled out, and the rule's own text where that is easier."""
    written = spelled_out(source, flags, RE2)
    needed = ("m" if written.multiline else "") + ("s" if written.dotall else "")
    text = f"(?{needed}){written.text}" if needed else written.text
    given = f"(?{flags}){source}" if flags else source
    return text, "" if text == given else given


# --- lists ---------------------------------------------------------------------------------------------------------


def _of_list(atom: InList, name: str, module: Module) -> Iterator[Question | Code]:
    """Yield what is asked for a list: its texts and its networks, those that expire and those that do not."""
    lasting: dict[str, int | None] = {}
    for entry, expires_us in atom.entries:
        before = lasting.get(key := fold(entry), 0)
        lasting[key] = None if before is None or expires_us is None else max(before, expires_us)
    texts = tuple(quoted(entry) for entry, expires_us in lasting.items() if expires_us is None)
    networks = [entry for entry in lasting if "/" in entry and is_network(entry)]
    if texts:
        yield Question("equals", name, False, texts)
    if always := tuple(quoted(entry) for entry in networks if lasting[entry] is None):
        yield Question("in_network", name, False, always)
    if expiring := {entry: expires_us for entry, expires_us in lasting.items() if expires_us is not None}:
        module.needs.add("Fields.listed")
        yield f"fields.listed({name}, {_table(atom.name, expiring, module)})"
    if blocks := {entry: expiring[entry] for entry in networks if entry in expiring}:
        module.needs |= {"Fields.live", "Fields.in_network"}
        yield f"fields.in_network({name}, fields.live({_table(f'{atom.name} networks', blocks, module)}))"


def _table(name: str, entries: dict[str, int], module: Module) -> str:
    """Write a table of entries and the instants at which they expire, once in a module, and return its name."""
    key = (name, tuple(entries.items()))
    if key not in module.lists:
        table = module.lists[key] = module.name(f"LIST_{name}".upper())
        lines = [f"# the list `{remark(name)}`: when its entries expire, in microseconds since 1970", f"{table} = {{"]
        for entry, expires_us in entries.items():
            when = moment(expires_us)
            lines.append(f"    {quoted(entry)}: {expires_us}," + (f"  # {when:%Y-%m-%dT%H:%M:%SZ}" if when else ""))
        module.tables.append("\n".join([*lines, "}"]))
    return module.lists[key]
