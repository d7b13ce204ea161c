"""Whole modules: for one rule, or for many that share the lookups in an event."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import PurePath
from typing import Any

from ruleengine.target import Compiled, Ready
from ruleengine_python.expressions import Writer
from ruleengine_python.layout import WIDTH, Code, Group, in_docstring, laid_out, quoted, remark, value_text
from ruleengine_python.library import library
from ruleengine_python.questions import Module

TITLE = "the target python, version 1"

EVENTS = (
    "An event is a dictionary, as `json.loads` returns it. Where it comes from is not looked at: ask about events that "
    "are of the log source, or state none."
)


def compiled(given: Ready) -> Compiled:
    """Return the module of a rule, with `RULE` and `matches(event)`: exact for every rule about one event."""
    module = Module()
    writer = Writer(module, inside="matches")
    body = laid_out(writer.code(given.expr), "    ", "return ")
    about = '    """Say whether an event is as the rule says."""'
    matches = "\n".join(["def matches(event: Event) -> bool:", about, "    fields = Fields(event)", *body])
    rule = laid_out(_dictionary(_metadata(given)), "", "RULE: dict[str, Any] = ")
    paragraphs = [
        given.rule.title,
        str(dict(given.rule.meta).get("description") or ""),
        "`RULE` is what the rule says about itself, `matches(event)` whether an event is as it says.",
        EVENTS,
        f"Compiled from {_file(given)} for {TITLE}: change the rule, not this module.",
    ]
    return Compiled(_assembled(module, paragraphs, ["\n".join(rule), *module.tables], [matches, *module.functions]))


def together(rules: Sequence[tuple[Ready, Compiled]]) -> Mapping[str, bytes]:
    """Return one module for many rules, with `RULES` and `matching(event)`."""
    module = Module()
    labels: dict[str, Ready] = {}
    for given, _ in rules:
        labels[_free(given.rule.label, labels)] = given
    functions: list[str] = []
    conditions: dict[str, str] = {}
    for number, (label, given) in enumerate(labels.items(), 1):
        writer = Writer(module, prefix=f"rule_{number}_")
        already = len(module.functions)
        conditions[label] = writer.function("matches", given.expr)
        own = module.functions[already:]
        functions += [f"# {remark(given.rule.title)}\n{own[0]}", *own[1:]]
    metadata: dict[str, Any] = {label: _metadata(given) for label, given in labels.items()}
    rows = [f"    {quoted(label)}: {name}," for label, name in conditions.items()]
    table = "\n".join(["CONDITIONS = {", *rows, "}"]) if rows else "CONDITIONS: dict[str, Any] = {}"
    paragraphs = [
        f"{len(labels):,} detection rules.",
        "`RULES` is what rules say about themselves, `matching(event)` the ids of those that an event matches.",
        EVENTS,
        f"Compiled for {TITLE}: change the rules, not this module.",
    ]
    constants = ["\n".join(laid_out(_dictionary(metadata), "", "RULES: dict[str, dict[str, Any]] = ")), *module.tables]
    module.needs.add("Collection")
    text = _assembled(module, paragraphs, constants, [MATCHING, *functions, table])
    return {"detections.py": text.encode()}


MATCHING = '''\
def matching(event: Event, among: Collection[str] | None = None) -> list[str]:
    """Return the ids of the rules that an event is as they say, in the order of `RULES`.

    `among` names the rules to ask, for callers who know which log sources an event can be of.
    """
    fields = Fields(event)
    return [rule for rule, says in CONDITIONS.items() if (among is None or rule in among) and says(fields)]'''


def _free(label: str, taken: Mapping[str, Ready]) -> str:
    """Return a label that no rule has yet."""
    found, number = label, 1
    while found in taken:
        number += 1
        found = f"{label} ({number})"
    return found


# --- what a rule says about itself -----------------------------------------------------------------------------------


def _metadata(given: Ready) -> dict[str, Any]:
    """Return what is worth knowing when a rule fires; what the rule does not say is left out."""
    rule = given.rule
    logs = {"category": rule.logs.category, "product": rule.logs.product, "service": rule.logs.service}
    author = dict(rule.meta).get("author")
    said: dict[str, Any] = {
        "title": rule.title,
        "id": rule.id,
        "name": rule.name,
        "level": rule.level,
        "status": rule.status,
        "author": author if isinstance(author, str) else None,
        "tags": list(rule.tags),
        "logsource": {key: value for key, value in logs.items() if value} | dict(rule.logs.custom),
        "digest": given.digest,
    }
    return {key: value for key, value in said.items() if value}


def _dictionary(data: Mapping[str, Any]) -> Group:
    """Return plain data as a dictionary with one key a line; what is long takes several."""
    rows: list[Code] = []
    for key, value in data.items():
        head = f"{quoted(key)}: "
        match value:
            case dict():
                inner = _dictionary(value)
                rows.append(Group(head + inner.head, inner.items, inner.close))
            case list():
                rows.append(Group(f"{head}[", [value_text(each) for each in value], "]"))
            case _:
                rows.append(head + value_text(value))
    return Group("{", rows, "}")


def _file(given: Ready) -> str:
    """Return the name of the file that a rule was read from; folders differ from machine to machine."""
    return PurePath(given.rule.source.path).name if given.rule.source else "a rule"


# --- modules ---------------------------------------------------------------------------------------------------------


def _assembled(module: Module, paragraphs: Sequence[str], constants: Sequence[str], functions: Sequence[str]) -> str:
    """Return the text of a module: docstring, imports, constants, functions, and the part of the library it needs."""
    parts, imports = _library(frozenset(module.needs))
    needs = " but google-re2, for regular expressions in linear time" if "import re2" in imports else ""
    said = [*paragraphs[:-1], f"Python 3.11 or newer is needed, and nothing else{needs}.", paragraphs[-1]]
    docstring = "\n\n".join(_filled(paragraph) for paragraph in said if paragraph)
    head = [f'"""{docstring}\n"""', "from __future__ import annotations", imports, *constants]
    return "\n\n".join(head) + "\n\n\n" + "\n\n\n".join([*functions, f"{SECTION}\n\n\n{parts}"]) + "\n"


SECTION = "# --- how events are read ".ljust(119, "-")


@cache
def _library(needs: frozenset[str]) -> tuple[str, str]:
    """Return the parts of the library that some names need, and the imports."""
    wanted = library().closed(needs)
    return library().written(wanted), library().import_lines(wanted)


@lru_cache(maxsize=256)
def _filled(paragraph: str) -> str:
    """Return a paragraph of a docstring on lines that are not too long."""
    return textwrap.fill(in_docstring(paragraph), WIDTH, break_long_words=False, break_on_hyphens=False)
