"""Writes problems for machines: JSON, NDJSON, SARIF 2.1.0, GitHub annotations, and Markdown for pull requests."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from urllib.parse import quote

import ruleengine
from ruleengine.codes import Severity, code
from ruleengine.draw import summary, visible
from ruleengine.problem import Problem
from ruleengine.span import Place

SCHEMA_VERSION = 1
"""The version of every JSON output; it grows when a reader of the old form would break."""

SARIF_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "notice": "note"}


def as_json(found: Problem) -> dict[str, object]:
    """Return a problem as a JSON object; a place that has no line or column says null."""
    place = found.place
    return {
        "path": place.path,
        "line": place.line or None,
        "column": place.column or None,
        "end_line": place.end_line or None,
        "end_column": place.end_column or None,
        "code": found.code,
        "name": code(found.code).name,
        "severity": found.severity,
        "message": found.message,
        "hint": found.hint or None,
    }


def compact(value: object) -> str:
    """Return JSON on one line; the streams of cli/output.py write a lone surrogate as JSON's own escape."""
    return json.dumps(value, ensure_ascii=False)


def json_text(problems: Sequence[Problem]) -> str:
    """Return one document by problems.schema.json."""
    counts = dict.fromkeys(SARIF_LEVELS, 0)
    for found in problems:
        counts[found.severity] += 1
    head = compact({"schema_version": SCHEMA_VERSION, "version": ruleengine.__version__, "counts": counts})
    rows = ",\n".join(f"  {compact(as_json(found))}" for found in problems)
    return f'{head[:-1]}, "problems": [\n{rows}\n]}}\n' if problems else f'{head[:-1]}, "problems": []}}\n'


def ndjson_text(problems: Sequence[Problem]) -> str:
    """Return one JSON object a line, each with its own schema_version."""
    return "".join(compact({"schema_version": SCHEMA_VERSION, **as_json(found)}) + "\n" for found in problems)


def sarif_text(problems: Sequence[Problem]) -> str:
    """Return a SARIF 2.1.0 log of one run; columns count code points, and say so."""
    rules = sorted({found.code for found in problems})
    run = {
        "tool": {
            "driver": {
                "name": "ruleengine",
                "version": ruleengine.__version__,
                "rules": [sarif_rule(id) for id in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": not any(found.blocks for found in problems)}],
        "results": [sarif_result(found, rules.index(found.code)) for found in problems],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1) + "\n"


def sarif_rule(id: str) -> dict[str, object]:
    """Return a code as a SARIF reportingDescriptor."""
    row = code(id)
    return {
        "id": id,
        "name": row.name,
        "shortDescription": {"text": row.title},
        "fullDescription": {"text": row.title},
        "help": {"text": row.explanation.strip(), "markdown": row.explanation.strip()},
        "defaultConfiguration": {"level": SARIF_LEVELS[row.severity]},
    }


def sarif_result(found: Problem, index: int) -> dict[str, object]:
    """Return a problem as a SARIF result."""
    location: dict[str, object] = {"artifactLocation": {"uri": uri(found.place.path)}}
    if found.place.line:
        location["region"] = sarif_region(found.place)
    return {
        "ruleId": found.code,
        "ruleIndex": index,
        "level": SARIF_LEVELS[found.severity],
        "message": {"text": sentence(found)},
        "locations": [{"physicalLocation": location}],
    }


def sarif_region(place: Place) -> dict[str, int]:
    """Return a place as a SARIF region; both count from 1 with the end column exclusive."""
    region = {"startLine": place.line}
    if place.column:
        region["startColumn"] = place.column
        if place.end_line:
            region |= {"endLine": place.end_line, "endColumn": max(1, place.end_column)}
    return region


def uri(path: str) -> str:
    """Return a path as a URI: relative and percent-encoded, or a file URI for an absolute path."""
    if PurePath(path).is_absolute():
        return Path(path).as_uri()
    return quote(os.fsencode(PurePath(path).as_posix()), safe="/")


def sentence(found: Problem) -> str:
    """Return the message and the hint in one line."""
    return f"{found.message}; {found.hint}" if found.hint else found.message


def github_text(problems: Sequence[Problem]) -> str:
    """Return workflow commands that GitHub Actions shows beside the lines of a pull request."""
    return "".join(map(github_line, problems))


def github_line(found: Problem) -> str:
    """Return one annotation; GitHub takes columns only when they are on one line."""
    place = found.place
    properties: dict[str, object] = {"file": place.path}
    if place.line:
        properties |= {"line": place.line, "endLine": place.end_line or place.line}
        if place.column:
            properties["col"] = place.column
            if place.end_line == place.line and place.end_column > place.column:
                properties["endColumn"] = place.end_column - 1  # GitHub's is inclusive
    properties["title"] = f"{found.code} {code(found.code).name}"
    written = ",".join(f"{name}={escaped(str(value), ':,')}" for name, value in properties.items())
    return f"::{found.severity} {written}::{escaped(sentence(found))}\n"


def escaped(text: str, also: str = "") -> str:
    """Return text as a workflow command takes it: %, line ends, and in properties also colon and comma, as %XX."""
    for character in "%\r\n" + also:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def markdown_text(problems: Sequence[Problem]) -> str:
    """Return a list for a job summary or a comment on a pull request."""
    rows = "".join(
        f"- `{cell(str(found.place))}` **{found.code}** ({found.severity}) {cell(sentence(found), code=False)}\n"
        for found in problems
    )
    return f"**ruleengine**: {summary(problems)}\n" + (f"\n{rows}" if rows else "")


def cell(text: str, code: bool = True) -> str:
    """Return text that cannot leave its place in a Markdown list, nor become HTML or a mention."""
    text = visible(text)
    if code:
        return text.replace("`", "'")
    for character, safe in (("&", "&amp;"), ("<", "&lt;"), ("@", "&#64;")):
        text = text.replace(character, safe)
    return text


WRITERS: Mapping[str, Callable[[Sequence[Problem]], str]] = {
    "json": json_text,
    "ndjson": ndjson_text,
    "sarif": sarif_text,
    "github": github_text,
    "md": markdown_text,
}
"""The forms of a list of problems besides text, which is drawn one problem at a time by draw.py."""
