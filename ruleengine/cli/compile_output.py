"""How `compile` prints: queries alone or under headings, reports of fidelity, and both as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from ruleengine.compiling import Job, Result
from ruleengine.compiling.bundle import row
from ruleengine.draw import visible
from ruleengine.formats import SCHEMA_VERSION, compact
from ruleengine.target import BOUNDS, Limit

Results = Mapping[Job, Sequence[Result]]


def written(form: str, results: Results, stream: TextIO) -> None:
    """Write the queries; in text, one alone stands as it is, and several under headings."""
    if form != "text":
        write_rows(form, results, stream, query=True)
        return
    kept = [(one, result) for one, each in results.items() for result in each if result.kept]
    for index, (one, result) in enumerate(kept):
        if len(kept) > 1:
            stream.write(("\n" if index else "") + f"# {one.target.name}: {visible(result.given.rule.title)}\n")
        assert one.format.one is not None
        query = one.format.one(result.given, result.compiled, dict(one.options))
        stream.write(query if query.endswith("\n") else query + "\n")


def explained(form: str, results: Results, stream: TextIO) -> None:
    """Write how faithful each query is, and why."""
    if form != "text":
        write_rows(form, results, stream, query=False)
        return
    first = True
    for one, each in results.items():
        for result in each:
            rule = result.given.rule
            path = rule.source.path if rule.source else ""
            stream.write(("" if first else "\n") + f"{visible(rule.title)} ({visible(path)})\n")
            first = False
            stream.write(f"  {one.target.title}: {verdict(result)}\n")
            stream.writelines(f"    {line}\n" for line in reasons(result.compiled.limits))


def verdict(result: Result) -> str:
    """Return what is said of a whole query."""
    said = result.compiled.verdict if result.kept else f"{result.compiled.verdict}, refused"
    return said + (f", accepted: {visible(result.accepted)}" if result.accepted else "")


def reasons(limits: Sequence[Limit]) -> Iterator[str]:
    """Yield a line for each limit: where it stands, why, and what must hold for the query to be the same."""
    grouped: dict[tuple[str, ...], list[Limit]] = {}
    for limit in limits:
        place = f"{limit.span.place.line}:{limit.span.place.column}" if limit.span else ""
        grouped.setdefault((place, limit.kind, limit.reason), []).append(limit)
    for (place, kind, reason), same in grouped.items():
        said = [BOUNDS[each.bound].says.format(field=named(each.field)) for each in same if each.bound]
        condition = f"; the same while {' and '.join(dict.fromkeys(said))}" if said else ""
        yield visible(" ".join(part for part in (place, f"{kind}:", reason + condition) if part))


def named(field: str | None) -> str:
    """Return what a bound is about."""
    return "the event" if field is None else f"`{field}`"


def write_rows(form: str, results: Results, stream: TextIO, *, query: bool) -> None:
    """Write the rows of the manifest as JSON or NDJSON, with the queries when they are asked for."""
    rows = (data(one, result, query=query) for one, each in results.items() for result in each)
    if form == "ndjson":
        stream.writelines(compact(each) + "\n" for each in rows)
    else:
        stream.write("[\n" + ",\n".join(compact(each) for each in rows) + "\n]\n")


def data(one: Job, result: Result, *, query: bool) -> dict[str, Any]:
    """Return one rule in one target as data."""
    given = row(result, one.target, one.format)
    del given["file"]
    if query:
        given["query"] = result.compiled.text if result.kept else None
    return {"schema_version": SCHEMA_VERSION, **given}
