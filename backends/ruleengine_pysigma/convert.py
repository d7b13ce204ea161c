"""A rule through an installed backend of pySigma: its queries, or problems that say what pySigma said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ruleengine.ir import Rule, Single
from ruleengine.lower import Surroundings
from ruleengine.problem import Report, problem
from ruleengine.span import Place, Span
from ruleengine.suggest import meant
from ruleengine_pysigma.document import document_of
from ruleengine_pysigma.found import Found, formats, installed, pipeline, pipeline_names, plugins
from ruleengine_pysigma.guard import Failed, guarded, restore
from ruleengine_pysigma.known import known_defects

if TYPE_CHECKING:
    from sigma.processing.pipeline import ProcessingPipeline

NOTE = "queries of pySigma's backends mean what those backends make of a rule; that it is the same is not proved"
"""What to say once, wherever such queries are written."""

MORE = "`pip install pysigma-backend-…` adds one, `sigma plugin list` names them"


def compile_with(
    rule: Rule,
    backend: str,
    output_format: str,
    pipelines: Sequence[str],
    report: Report,
    *,
    options: Mapping[str, Any] | None = None,
    around: Surroundings | None = None,
) -> list[str] | None:
    """Return the queries that a backend of pySigma makes of a rule; None after reporting why there are none.

    What is known to go wrong in them is reported, too.
    `output_format` may be empty for the backend's own; `pipelines` are names of installed ones or files. A rule over
    time has no queries, nor has a filter, of which nothing is reported.
    """
    where = rule.span or Place(rule.title)
    means = usable(backend, output_format, pipelines, report, where)
    given = document_of(rule, report, around) if means is not None else None
    if means is None or given is None:
        return None
    restore(means.found.state)
    made = guarded(lambda: _converted(means, given, output_format, options or {}))
    restore(means.found.state)
    if isinstance(made, Failed):
        report(problem("RE921", where, f"pySigma's `{backend}` makes no query of `{rule.title}`: {made.said}"))
        return None
    queries, listed = made
    wanted = len(rule.body.conditions) if listed and isinstance(rule.body, Single) else 1
    there = sum(1 for query in queries if query.strip())
    if there < max(wanted, len(queries)):
        sentence = f"pySigma's `{backend}` drops queries of `{rule.title}`: of {wanted} it makes {there}"
        report(problem("RE925", where, sentence))
        return None
    for each in known_defects(rule, backend):
        report(each)
    return queries


@dataclass(frozen=True, slots=True)
class Means:
    """A backend and the pipelines before it, if any."""

    found: Found
    pipeline: ProcessingPipeline | None


def usable(
    backend: str, output_format: str, pipelines: Sequence[str], report: Report, where: Span | Place | str = ""
) -> Means | None:
    """Return a backend with pipelines, to be asked once before many rules; None after reporting what is not there."""
    known, broken = plugins()
    if backend not in known:
        names = installed()
        listed = f"there are {', '.join(names)}" if names else "there are none"
        failed = [f"{module} cannot be imported ({said})" for module, said in broken.items()]
        hint = "; ".join(filter(None, [meant(backend, names), listed, *failed, MORE]))
        report(problem("RE920", where, f"there is no pySigma backend `{backend}`", hint))
        return None
    forms = formats(backend)
    if output_format and output_format not in forms:
        hint = meant(output_format, forms) or f"there are {', '.join(forms)}"
        report(problem("RE920", where, f"pySigma's `{backend}` has no format `{output_format}`", hint))
        return None
    chosen = pipeline(tuple(pipelines), backend) if pipelines else None
    if isinstance(chosen, Failed):
        named = ", ".join(f"`{name}`" for name in pipelines)
        hint = f"for `{backend}` there are {', '.join(pipeline_names(backend)) or 'none'}, and files of your own"
        report(problem("RE922", where, f"pySigma cannot use the pipeline {named}: {chosen.said}", hint))
        return None
    return Means(known[backend], chosen)


def _converted(
    means: Means, given: dict[str, Any], output_format: str, options: Mapping[str, Any]
) -> tuple[list[str], bool]:
    """Return the queries of one document as texts, and whether they came one by one, not as one text for all.

    The backend is a new one each time, for they remember things.
    """
    from sigma.collection import SigmaCollection

    backend = means.found.backend(means.pipeline, False, **options)
    made = backend.convert(SigmaCollection.from_dicts([given]), output_format or None)
    listed = isinstance(made, list)
    return [_text(each) for each in (made if listed else [made])], listed


def _text(query: object) -> str:
    match query:
        case str():
            return query
        case bytes():
            return query.decode("utf-8", "replace")
        case None:
            return ""
        case _:
            return json.dumps(query, ensure_ascii=False, indent=2, default=str)
