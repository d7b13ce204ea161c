"""Tags: their form, and whether what they name exists."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from ruleengine.checks.written import document
from ruleengine.load import Loaded
from ruleengine.problem import Problem, problem
from ruleengine.schema import taxonomies
from ruleengine.sigma import yaml

CODES = {"malformed": "RE410", "unknown": "RE411", "retired": "RE412"}

verdict = lru_cache(maxsize=1 << 14)(taxonomies.check)


def tags(loaded: Loaded) -> Iterator[Problem]:
    """Yield tags that are not of Sigma's form, name nothing, or name what its publisher withdrew."""
    root = document(loaded.rule)
    given = root.get("tags") if root is not None else None
    if not isinstance(given, yaml.Sequence):
        return
    for index, tag in enumerate(given):
        if isinstance(tag, str) and not (found := verdict(tag)).ok:
            hint = f"write `{found.hint}`" if found.hint else ""
            yield problem(CODES[found.status], given.item_span(index), found.message, hint)
