"""Everything about a rule but its detection: the Sigma schema, what is missing, what was mistyped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from ruleengine.checks.written import document, in_language
from ruleengine.ir import Correlation, Filter
from ruleengine.load import Loaded
from ruleengine.problem import Problem, problem
from ruleengine.sigma import yaml
from ruleengine.span import Span
from ruleengine.suggest import meant, nearest

BODIES = ("detection", "correlation", "filter")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{12}", re.I)
KINDS = {"string": "a text", "array": "a list", "object": "a mapping", "boolean": "true or false"}
WANTED: dict[type, tuple[tuple[tuple[str, ...], str], ...]] = {
    Filter: ((("id", "description"), "RE413"), (("author", "date"), "RE414")),
    Correlation: ((("id", "level", "status", "description"), "RE413"), (("author", "date"), "RE414")),
}
"""The keys that a body's document should have, and the code when they are missing."""
OF_A_RULE = ((("id", "level", "status", "description"), "RE413"), (("author", "date"), "RE414"))


# --- the schema ----------------------------------------------------------------------------------------------------


@cache
def judges(kind: str) -> tuple[tuple[str, ...], dict[str, Draft202012Validator]]:
    """Return the keys that a document of a kind must have, and for each key of the schema a validator of its value.

    The body is left out: the reader has judged it, with better places, before any check runs.
    """
    schema = schema_of(kind)
    keys = {key: Draft202012Validator(inner) for key, inner in schema["properties"].items() if key not in BODIES}
    return tuple(schema["required"]), keys


@cache
def schema_of(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of a kind of document: rule, correlation or filter."""
    schema: dict[str, Any] = json.loads((files("ruleengine") / "data" / f"sigma-{kind}.schema.json").read_text("utf-8"))
    return schema


def schema(loaded: Loaded) -> Iterator[Problem]:
    """Yield where the metadata break the JSON Schema of the specification, and dates that no calendar has."""
    root = document(loaded.rule)
    if root is None:
        return
    kind = {Filter: "filter", Correlation: "correlation"}.get(type(loaded.rule.body), "rule")
    required, keys = judges(kind)
    for key in required:
        if key not in root and key != "logsource" and not in_language(loaded.rule):  # RE226 and RE804 have said that
            yield problem("RE403", first(root), f"the rule has no `{key}`")
    for key, given in root.items():
        if key in keys and not _valid(kind, key, given):
            errors = list(keys[key].iter_errors(given))
            mistyped = [error.absolute_path for error in errors if error.validator == "type"]
            for error in errors:
                if error.validator == "type" or error.absolute_path not in mistyped:
                    yield from _said(root, [key, *error.absolute_path], error)
    for key in ("date", "modified"):
        given = root.get(key)
        if isinstance(given, str) and _valid(kind, key, given) and DATE.fullmatch(given) and _date(given) is None:
            yield problem("RE404", root.value_span(key), f"there is no day `{given}` in the calendar")


def _valid(kind: str, key: str, given: Any) -> bool:
    """Say whether a value is valid; short texts and lists of them return again and again, and are judged once."""
    if isinstance(given, str):
        return _valid_again(kind, key, given) if len(given) < 80 else judges(kind)[1][key].is_valid(given)
    if isinstance(given, list) and len(given) < 20 and all(type(entry) is str for entry in given):
        return _valid_again(kind, key, tuple(given))
    return judges(kind)[1][key].is_valid(given)


@lru_cache(maxsize=1 << 14)
def _valid_again(kind: str, key: str, given: str | tuple[str, ...]) -> bool:
    return judges(kind)[1][key].is_valid(list(given) if isinstance(given, tuple) else given)


def _said(root: yaml.Mapping, path: list[Any], error: ValidationError) -> Iterator[Problem]:
    """Say an error of jsonschema in the words and at the place of the rule."""
    if error.context:  # of alternatives, the one that went furthest is what was meant
        inner = max(error.context, key=lambda each: len(each.absolute_path))
        yield from _said(root, [*path, *inner.relative_path], inner)
        return
    key = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
    given: Any = error.instance
    limit: Any = error.validator_value
    where = _place(root, path)
    match error.validator:
        case "required":
            for name in limit:
                if name not in given:
                    what = "this entry of `related`" if key == "related" else f"`{key}`"
                    yield problem("RE401", where, f"{what} has no `{name}`")
        case "type":
            yield _wrong_type(where, key, given, limit, listed=bool(path) and isinstance(path[-1], int))
        case "enum":
            sentence = f"`{given}` is no {key}: it is {', '.join(limit[:-1])} or {limit[-1]}"
            yield problem("RE402", where, sentence, meant(str(given).strip(), limit))
        case "pattern" if key in {"date", "modified"}:
            yield problem("RE404", where, f"`{key}` is not of the form YYYY-MM-DD", _as_date(given))
        case "maxLength":
            yield problem("RE405", where, f"`{key}` has {len(given):,} characters; {limit:,} is the limit")
        case "minLength":
            yield problem("RE405", where, f"an entry of `{key}` needs at least {limit} characters")
        case "uniqueItems":
            yield from _twice(root, path, key, given)


def _wrong_type(where: Span, key: str, given: Any, wanted: str, *, listed: bool) -> Problem:
    what = f"an entry of `{key}`" if listed else f"`{key}`"
    if given is None:
        return problem("RE401", where, f"{what} is empty", "" if listed else "give it a value or leave the line out")
    hint = ""
    if wanted == "string" and isinstance(given, list) and key == "author":
        hint = "separate several names by commas"
    elif wanted == "string" and not isinstance(given, list | dict) and key not in {"level", "status", "type"}:
        hint = "put quotes around it"
    elif wanted == "array" and isinstance(given, str):
        hint = f"write it as a list: `- {given}`" if len(given) < 60 and "\n" not in given else "write it as a list"
    return problem("RE401", where, f"{what} takes {KINDS.get(wanted, wanted)}, not {_kind(given)}", hint)


def _kind(given: Any) -> str:
    match given:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case bool():
            return f"the boolean {str(given).lower()}"
        case str():
            return "a text"
        case _:
            return f"the number {given}"


def _twice(root: yaml.Mapping, path: list[Any], key: str, given: list[Any]) -> Iterator[Problem]:
    for index, entry in enumerate(given):
        if entry in given[:index]:
            line = _place(root, [*path, given.index(entry)]).place.line
            sentence = f"this is in `{key}` for the second time; the first is in line {line}"
            yield problem("RE406", _place(root, [*path, index]), sentence)


def _place(root: yaml.Mapping, path: Sequence[Any]) -> Span:
    """Return where the value at a path stands."""
    where, data = first(root), root
    for step in path:
        where = data.value_span(step) if isinstance(data, yaml.Mapping) else data.item_span(step)
        data = data[step]
    return where


def first(root: yaml.Mapping) -> Span:
    """Return where a document begins to speak: its title, else its first key."""
    return root.key_span("title" if "title" in root else next(iter(root)))


DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
OTHER_DATE = re.compile(r"([0-9]{4})[/. -]([0-9]{1,2})[/. -]([0-9]{1,2})")


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _as_date(given: Any) -> str:
    """Return the hint for a date in another order of characters, where only one day can be meant."""
    found = OTHER_DATE.fullmatch(given.strip()) if isinstance(given, str) else None
    day = _date(f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}") if found else None
    return f"write `{day}`" if day else ""


# --- what is missing, and habits -----------------------------------------------------------------------------------


def missing(rules: Sequence[Loaded]) -> Iterator[Problem]:
    """Yield which of the usual keys a rule lacks; parts of a correlation need none, says the specification."""
    correlations = [loaded.rule.body for loaded in rules if isinstance(loaded.rule.body, Correlation)]
    parts = {reference.key for correlation in correlations for reference in correlation.rules}
    for loaded in rules:
        rule, root = loaded.rule, document(loaded.rule)
        if root is None or not parts.isdisjoint({rule.id, rule.name}):
            continue
        for keys, code in WANTED.get(type(rule.body), OF_A_RULE):
            absent = [f"`{key}`" for key in keys if key not in root]
            if absent:
                listed = f"{', '.join(absent[:-1])} or {absent[-1]}" if len(absent) > 1 else absent[0]
                yield problem(code, first(root), f"the rule has no {listed}")


def habits(loaded: Loaded) -> Iterator[Problem]:
    """Yield metadata that are allowed and still odd: ids that are no UUIDs, dates in the wrong order, blank edges."""
    root = document(loaded.rule)
    if root is None:
        return
    given = root.get("id")
    if isinstance(given, str) and not UUID.fullmatch(given):
        yield problem("RE407", root.value_span("id"), "the id is no UUID", "`uuidgen` makes one")
    dates = [_date(value) if isinstance(value := root.get(key), str) else None for key in ("date", "modified")]
    if dates[0] and dates[1] and dates[1] < dates[0]:
        sentence = f"`modified` is {dates[1]}, before `date`, {dates[0]}"
        yield problem("RE408", root.value_span("modified"), sentence)
    for key in ("title", "id", "name", "author"):
        if isinstance(text := root.get(key), str) and text != text.strip() and root.value_span(key).text[:1] in "'\"":
            yield problem("RE409", root.value_span(key), f"`{key}` begins or ends with a blank")


@cache
def standard_keys() -> frozenset[str]:
    """Return every key that the specification defines."""
    return frozenset(key for kind in ("rule", "correlation", "filter") for key in schema_of(kind)["properties"])


@cache
def _near_key(key: str) -> str | None:
    if key in standard_keys():
        return None
    loose = key.lower().replace("_", "").replace("-", "").replace(" ", "")
    return loose if loose in standard_keys() else nearest(key, standard_keys())


def misspelt_keys(loaded: Loaded) -> Iterator[Problem]:
    """Yield keys that are one slip away from a standard one which the rule lacks; other keys are one's own."""
    root = document(loaded.rule)
    if root is not None:
        for key in root:
            near = _near_key(key)
            if near and near not in root:
                yield problem("RE415", root.key_span(key), f"`{key}` is no key of Sigma", f"did you mean `{near}`?")
