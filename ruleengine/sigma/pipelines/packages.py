"""The pipelines of installed pySigma packages, as data of ours; pySigma is imported when somebody asks."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from ruleengine.problem import Problem, Report, problem
from ruleengine.sigma import export
from ruleengine.sigma.pipelines.kinds import GUARDS, REFUSED
from ruleengine.sigma.pipelines.model import Pipeline
from ruleengine.sigma.pipelines.read import read
from ruleengine.span import Place, Source
from ruleengine.suggest import meant

MADE_UP = re.compile(r"[0-9a-f]{16}\Z")
"""The ids that pySigma gives to steps without one; they hold random parts, so that a digest would never be the same."""
RANDOM_NAME = re.compile(r"_cond_[a-z]{10}\Z")
"""The names that pySigma gives to added conditions, at random."""


class _Foreign(Exception):
    """Part of a pipeline is no data: what it is, and why it cannot be said."""


def installed() -> dict[str, Callable[[], Any]]:
    """Return what makes each pipeline of the installed pySigma packages, by its name.

    ImportError when a package cannot be imported. pySigma keeps one object for all functions marked `@Pipeline`, so
    that the last package imported would answer for every other; each gets an object of its own here.
    """
    import sigma.pipelines
    from sigma.pipelines.base import Pipeline as Marked
    from sigma.plugins import InstalledSigmaPlugins

    for module in pkgutil.iter_modules(sigma.pipelines.__path__, "sigma.pipelines."):
        Marked._instance = None
        importlib.import_module(module.name)
    Marked._instance = None
    found = InstalledSigmaPlugins.autodiscover(include_backends=False, include_validators=False).pipelines
    return dict(sorted(found.items()))


def from_installed(name: str, report: Report) -> Pipeline | None:
    """Return a pipeline of an installed package; None after reporting why there is none.

    It is written out as YAML and read back, so that problems with it have a place in that text.
    """
    try:
        known = installed()
    except ImportError as why:
        report(problem("RE913", name, f"a package with pipelines cannot be imported: {why}"))
        return None
    if name not in known:
        hint = meant(name, known) or "install the package that has it, as `pip install pysigma-pipeline-sysmon`"
        report(problem("RE913", name, f"no installed package has a pipeline `{name}`", hint))
        return None
    found: list[Problem] = []
    try:
        made = known[name]()
    except (ImportError, TypeError, ValueError, LookupError, AttributeError) as why:  # SigmaError is a ValueError
        report(problem("RE913", name, f"the package of `{name}` cannot make its pipeline: {why}"))
        return None
    text = written(made, name, found.append)
    for each in found:
        report(each)
    return None if found else read(Source(f"{name}.yml", text), report)


def written(pipeline: Any, name: str, report: Report) -> str:
    """Return a pipeline object of pySigma as YAML; what cannot be written is reported and left out."""
    used = set(re.findall(r"processing_item_id='([0-9a-f]{16})'", repr(pipeline.items)))
    items = [_item(item, name, used, report) for item in pipeline.items]
    out: dict[str, Any] = {"name": pipeline.name or name, "priority": pipeline.priority}
    if pipeline.allowed_backends:
        out["allowed_backends"] = sorted(pipeline.allowed_backends)
    if pipeline.vars:
        out["vars"] = _data(pipeline.vars)
    out["transformations"] = [item for item in items if item is not None]
    out |= _text_of_queries(pipeline)
    return export.text(out)


def _text_of_queries(pipeline: Any) -> dict[str, Any]:
    """Return the kinds of what would be done to the text of queries; `read` says what it means for us."""
    from sigma.processing.finalization import finalizers
    from sigma.processing.postprocessing import query_postprocessing_transformations as kinds

    said = {
        "postprocessing": [{"type": _kind(item.transformation, kinds)} for item in pipeline.postprocessing_items],
        "finalizers": [{"type": _kind(item, finalizers)} for item in pipeline.finalizers],
    }
    return {key: value for key, value in said.items() if value}


def _kind(thing: Any, kinds: Mapping[str, type]) -> str:
    """Return the word for the class of an object of pySigma; for another class, its name."""
    return next((kind for kind, known in kinds.items() if type(thing) is known), type(thing).__name__)


def _item(item: Any, name: str, used: set[str], report: Report) -> dict[str, Any] | None:
    from sigma.processing.transformations import transformations

    kind = _kind(item.transformation, transformations)
    called = f"the step `{item.identifier}`" if not MADE_UP.match(item.identifier or "") else "a step"
    if kind not in transformations or kind in REFUSED:
        why, hint = REFUSED.get(kind, ("it is a class of the package's own", ""))
        report(problem("RE911", Place(name), f"{called} is a `{kind}`, which is not carried out: {why}", hint))
        return None
    out: dict[str, Any] = {}
    if item.identifier and (not MADE_UP.match(item.identifier) or item.identifier in used):
        out["id"] = item.identifier
    try:
        inner = getattr(item.transformation, "_nested_pipeline", None)
        if inner is not None:
            steps = [_item(each, name, used, report) for each in inner.items]
            return {**out, "type": kind, "items": [step for step in steps if step], **_guards(item)}
        return {**out, "type": kind, **_options(item.transformation), **_guards(item)}
    except _Foreign as why:
        report(problem("RE911", Place(name), f"{called} has {why}, which is no data"))
        return None


def _options(thing: Any) -> dict[str, Any]:
    """Return the options that an object of pySigma was made with, those aside that are as nobody set them."""
    out: dict[str, Any] = {}
    for field in dataclasses.fields(thing):
        if not field.init or field.name == "processing_item":
            continue
        value = getattr(thing, field.name)
        default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
        random = field.name == "name" and isinstance(value, str) and RANDOM_NAME.match(value)
        if value != default and not random:
            out[field.name] = _data(value)
    if hasattr(thing, "sigma_value") and not hasattr(thing, "field"):
        out = {"value": _set_value(thing.sigma_value)}
    return out


def _set_value(value: Any) -> Any:
    """Return the data of a value of pySigma."""
    return _data(getattr(value, "number", getattr(value, "boolean", value.to_plain())))


def _guards(item: Any) -> dict[str, Any]:
    from sigma.processing.conditions import detection_item_conditions, field_name_conditions, rule_conditions

    out: dict[str, Any] = {}
    sorts = ("rule_condition", "detection_item_condition", "field_name_condition")
    tables: tuple[Mapping[str, type], ...] = (rule_conditions, detection_item_conditions, field_name_conditions)
    for sort, table, (tests_key, link_key, not_key, expression_key, _) in zip(
        sorts, tables, GUARDS.values(), strict=True
    ):
        tests, expression = getattr(item, f"{sort}s"), getattr(item, f"{sort}_expression")
        if not tests:
            continue
        if isinstance(tests, dict):
            out[tests_key] = {name: _test(test, table) for name, test in tests.items()}
        else:
            out[tests_key] = [_test(test, table) for test in tests]
        if expression is not None:
            out[expression_key] = expression.expression
        elif getattr(item, f"{sort}_linking") is any:
            out[link_key] = "or"
        if getattr(item, f"{sort}_negation"):
            out[not_key] = True
    return out


def _test(test: Any, table: Mapping[str, type]) -> dict[str, Any]:
    kind = _kind(test, table)
    if kind not in table:
        raise _Foreign(f"the condition `{kind}`")
    return {"type": kind, **_options(test)}


def _data(value: Any) -> Any:
    """Return plain data; _Foreign for anything else, as functions."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return Decimal(str(value))
        case Mapping():
            return {key if key is None else str(key): _data(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_data(each) for each in (value if isinstance(value, list | tuple) else sorted(value))]
        case _ if type(value) in (type({}.keys()), type({}.values())):
            return [_data(each) for each in value]
        case _:
            raise _Foreign(f"`{type(value).__name__}`")
