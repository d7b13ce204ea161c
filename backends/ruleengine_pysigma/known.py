"""What is known to go wrong in versions of pySigma's backends: of each, which items of a rule it is about.

Each row was seen in what that version writes; `docs/pysigma-backends.md` shows the queries. A version that is not
listed is not known to do better: nobody has looked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

from ruleengine.ir import Item, Not, Or, Rule, Single, Wild
from ruleengine.modifiers import BASE64, MATCHERS, TIME_PARTS
from ruleengine.problem import Problem, problem
from ruleengine.span import Place
from ruleengine.strings import pattern
from ruleengine.values import is_network
from ruleengine.walk import walk
from ruleengine_pysigma.document import items_of


class Defect(NamedTuple):
    """One row: the package and its versions (none: all), its backends (none: all), which items, and what happens."""

    package: str
    versions: tuple[str, ...]
    backends: tuple[str, ...]
    concerns: Callable[[Item, Rule], bool]
    says: str


def _texts(item: Item) -> list[str]:
    """Return the values that are texts with wildcards."""
    special = {"re", "cidr", "fieldref", "exists"} | TIME_PARTS.keys()
    return [] if special & set(item.modifiers) else [value for value in item.values if isinstance(value, str)]


def _base64(item: Item, _: Rule) -> bool:
    return bool(BASE64 & set(item.modifiers))


def _keyword(item: Item, _: Rule) -> bool:
    return item.field is None and "re" not in item.modifiers


def _keyword_regex(item: Item, _: Rule) -> bool:
    return item.field is None and "re" in item.modifiers


def _star(item: Item, _: Rule) -> bool:
    """A `*` that is no wildcard."""
    return any("*" in part for text in _texts(item) for part in pattern(text) if isinstance(part, str))


def _one(item: Item, _: Rule) -> bool:
    return any(Wild.ONE in pattern(text) for text in _texts(item))


def _cased_list(item: Item, _: Rule) -> bool:
    return "cased" in item.modifiers and len(item.values) > 1


def _cased_part(item: Item, _: Rule) -> bool:
    wild = any(isinstance(part, Wild) for text in _texts(item) for part in pattern(text))
    return "cased" in item.modifiers and (wild or bool(MATCHERS & set(item.modifiers)))


def _network(item: Item, _: Rule) -> bool:
    return item.field is not None and any("/" in text and is_network(text) for text in _texts(item))


def _regex_apart(item: Item, rule: Rule) -> bool:
    """A regular expression in a rule that says `or` or `not`, or with several values."""
    if "re" not in item.modifiers or not isinstance(rule.body, Single):
        return False
    exprs = (*rule.body.conditions, *(selection.item for selection in rule.body.selections))
    apart = (node for expr in exprs for node in walk(expr) if isinstance(node, Not) or _branches(node))
    return len(item.values) > 1 or next(apart, None) is not None


def _branches(node: object) -> bool:
    return isinstance(node, Or) and len(node.items) > 1


def _slash(item: Item, _: Rule) -> bool:
    return "re" in item.modifiers and any("/" in str(value) for value in item.values)


def _dotall(item: Item, _: Rule) -> bool:
    return {"re", "s"} <= set(item.modifiers)


def _anything(item: Item, _: Rule) -> bool:
    """A pattern that any text is of."""
    open_ended = "contains" in item.modifiers
    return item.field is not None and any(
        pattern(text) == (Wild.MANY,) or (open_ended and not text) for text in _texts(item)
    )


SPLUNK = ("pysigma-backend-splunk", ("2.1.0",), ("splunk",))
LOGSCALE = ("pysigma-backend-crowdstrike", ("3.0.0",), ("log_scale",))

DEFECTS = (
    Defect(
        "pysigma", (), (), _base64, "Base64 is compared without case, so texts are found that encode something else"
    ),
    Defect(
        *SPLUNK, _regex_apart, "a regular expression is put behind the search, where `or` and `not` do not reach it"
    ),
    Defect(*SPLUNK, _keyword_regex, "a regular expression without a field becomes a search for its own text"),
    Defect(*SPLUNK, _keyword, "keywords are found as whole segments of the line, not as any part of a value"),
    Defect(*SPLUNK, _star, "a `*` that is meant as a star becomes a wildcard"),
    Defect(*SPLUNK, _one, "the wildcard `?` becomes `*`"),
    Defect(*SPLUNK, _cased_list, "a list becomes `IN`, which takes no account of case"),
    Defect(*SPLUNK, _network, "a text that looks like a network is compared as one"),
    Defect(*LOGSCALE, _keyword, "keywords are searched together with quotes around them, and never found"),
    Defect(*LOGSCALE, _cased_part, "quotes or `.*` become part of the text, which is never found"),
    Defect(*LOGSCALE, _slash, "`/` ends a regular expression in LogScale"),
    Defect(*LOGSCALE, _dotall, "LogScale has no flag `s`"),
    Defect(*LOGSCALE, _anything, "the query gets a `//`, which begins a comment: the rest of the line is lost"),
)


@cache
def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def known_defects(rule: Rule, backend: str) -> Iterator[Problem]:
    """Yield, for each defect that the installed backend is known to have, the first place in a rule that meets it."""
    items = list(items_of(rule))
    for row in DEFECTS:
        if (row.backends and backend not in row.backends) or (
            row.versions and _installed(row.package) not in row.versions
        ):
            continue
        item = next((item for item in items if row.concerns(item, rule)), None)
        if item is not None:
            where = item.span or rule.span or Place(rule.title)
            yield problem("RE924", where, f"pySigma's `{backend}` differs here: {row.says}")
