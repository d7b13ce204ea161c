"""What lies beside rules: shared modules and lists, found upwards from a rule's file within its project."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ruleengine.config import project_root, shown
from ruleengine.ir import Rule, Value
from ruleengine.lower import Entries
from ruleengine.problem import Report, problem
from ruleengine.span import Source
from ruleengine.suggest import meant
from ruleengine.times import instant_us

if TYPE_CHECKING:
    from ruleengine.sigma import yaml


def beside(path: str, relative: str) -> Path | None:
    """Return the file with this relative name in the nearest folder at or above a rule's, inside its project."""
    start = Path(path).resolve().parent
    root = project_root(start)
    for folder in (start, *start.parents):
        found = folder / relative
        if found.is_file() and found.resolve().is_relative_to(root):
            return found
        if folder == root:
            return None
    return None


def list_entries(path: str, name: str) -> Entries | None:
    """Return the entries of the list that the rule in a file calls so; None when there is no such list.

    `lists/NAME.txt` holds one value a line; `lists/NAME.ndjson` objects with `value` and perhaps `expires`. A line that
    cannot be read makes it no list.
    """
    for suffix in (".txt", ".ndjson"):
        found = beside(path, f"lists/{name}{suffix}")
        if found is not None:
            return _read(found)
    return None


@cache
def _read(path: Path) -> Entries | None:
    try:
        rows = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    wanted = [row.strip() for row in rows if row.strip() and not row.lstrip().startswith("#")]
    if path.suffix == ".txt":
        return tuple((row, None) for row in wanted)
    entries: list[tuple[str, int | None]] = []
    for row in wanted:
        try:
            given = json.loads(row)
        except ValueError:
            return None
        if not isinstance(given, dict) or "value" not in given:
            return None
        expires = given.get("expires")
        day = isinstance(expires, str) and len(expires) == len("2026-11-22")
        expires_us = instant_us(f"{expires}T00:00:00" if day else expires) if expires else None
        if expires and expires_us is None:
            return None
        entries.append((str(given["value"]), expires_us))
    return tuple(entries)


# --- parameters ----------------------------------------------------------------------------------------------------

PARAMS = "params.yaml"


def set_params(rule: Rule, report: Report) -> Mapping[str, Value]:
    """Return what the project's `params.yaml` sets for a rule, by the names of its parameters.

    A name that the rule has no parameter for is reported, and so is a value of another kind than the rule's own.
    """
    found = beside(rule.source.path, PARAMS) if rule.source else None
    if found is None or rule.name is None:
        return {}
    from ruleengine.sigma import yaml  # few projects set parameters, and the reader takes a moment to import

    root = _settings(shown(found), report)
    given = root.get(rule.name) if root is not None else None
    if not isinstance(given, yaml.Mapping):
        return {}
    known = {param.name: param.value for param in rule.params}
    out: dict[str, Value] = {}
    for name, value in given.items():
        if name not in known:
            sentence = f"the rule `{rule.name}` has no parameter `{name}`"
            report(problem("RE815", given.key_span(name), sentence, meant(name, known)))
        elif (wanted := _kind(known[name])) != _kind(value):
            report(problem("RE815", given.value_span(name), f"the parameter `{name}` takes {wanted}"))
        else:
            out[name] = value
    return out


def _settings(path: str, report: Report) -> yaml.Mapping | None:
    from ruleengine.sigma import yaml

    source = Source(path, Path(path).read_text("utf-8-sig", errors="replace"))
    documents = yaml.read(source, report)
    root = documents[0].root if documents else None
    if root is not None and not isinstance(root, yaml.Mapping):
        report(problem("RE815", documents[0].span, "the file is a mapping: rules, and below each its parameters"))
    return root if isinstance(root, yaml.Mapping) else None


def _kind(value: object) -> str:
    match value:
        case bool():
            return "true or false"
        case str():
            return "a text"
        case int() | Decimal():
            return "a number"
        case _:
            return "one value"


def settings_of_nothing(path: str, names: set[str], report: Report) -> None:
    """Report what a `params.yaml` sets for rules that were not read, and what is no setting at all."""
    from ruleengine.sigma import yaml

    root = _settings(path, report)
    for name, given in (root or {}).items():
        assert root is not None
        if name not in names:
            report(
                problem("RE815", root.key_span(name), f"no rule that was read is called `{name}`", meant(name, names))
            )
        elif not isinstance(given, yaml.Mapping):
            hint = f"write `{name}: {{parameter: value}}`"
            report(problem("RE815", root.value_span(name), f"`{name}` takes its parameters, by their names", hint))
