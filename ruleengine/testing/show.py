"""How results of tests look: the text of a failure, the counts, and the same as JSON and JUnit's XML."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

from ruleengine.analysis.explain import Step, draw_tree, explain
from ruleengine.analysis.explain import as_json as step_json
from ruleengine.draw import draw, paint, visible
from ruleengine.formats import SCHEMA_VERSION, compact
from ruleengine.formats import as_json as problem_json
from ruleengine.redact import hidden_fields, redacted
from ruleengine.schema.logsources import event_source
from ruleengine.testing.judge import not_asked
from ruleengine.testing.model import Given, Outcome, Result, Subject

WORDS: dict[Outcome, str] = {
    "passed": "PASS",
    "failed": "FAIL",
    "error": "ERROR",
    "todo": "TODO",
    "unevaluated": "NOT YET",
}
STYLES: dict[Outcome, str] = {
    "passed": "path",
    "failed": "error",
    "error": "error",
    "todo": "warning",
    "unevaluated": "warning",
}
SKIPPED: dict[Outcome, str] = {
    "todo": "the rule does not match this yet",
    "unevaluated": "rules over time are not evaluated yet",
}
COUNTED: tuple[tuple[Outcome, str, str], ...] = (
    ("failed", "failed", "failed"),
    ("error", "error", "errors"),
    ("passed", "passed", "passed"),
    ("todo", "todo", "todo"),
    ("unevaluated", "not evaluated yet", "not evaluated yet"),
)


def explained(subject: Subject, given: Given, show_sensitive: bool = False) -> Step:
    """Return the tree of the rule over an event of a test, with what schemas mark as sensitive hidden."""
    if show_sensitive:
        return explain(subject.expr, given.event)
    fields = hidden_fields(subject.rule.logs, event_source(given.event))
    return explain(subject.expr, given.event, redacted(given.event, fields))


def headline(result: Result, colour: bool = False) -> str:
    """Return the line that names a test."""
    word = paint(WORDS[result.outcome], STYLES[result.outcome], colour)
    place = result.case.place
    where = paint(visible(f"{place.path}:{place.line}" if place.line else place.path), "path", colour)
    return f"{word} {where} › {visible(result.case.name)}"


def failure(result: Result, colour: bool = False, show_sensitive: bool = False) -> str:
    """Return all that is said of a test that did not pass; the verb and pytest print the same."""
    lines = [headline(result, colour)]
    found = result.problem
    if found and result.outcome == "error" and found.place.line:
        lines.append(_indented(draw(found, colour)))
    elif found:
        lines.append(f"  {paint(found.code, found.severity, colour)} {visible(found.message)}")
        lines.extend([f"  = {visible(found.hint)}"] if found.hint else [])
    lines.extend(_indented(draw(note, colour)) for note in result.notes)
    if result.subject:
        for given in result.evidence:
            lines.extend(_evidence(result, result.subject, given, show_sensitive))
    lines.append(f"  rerun: ruleengine test {visible(_quoted(_rerun(result)))}")
    return "\n".join(lines) + "\n"


def _evidence(result: Result, subject: Subject, given: Given, show_sensitive: bool) -> Iterable[str]:
    """Yield the rule over one event, part by part."""
    recorded = result.case.kind == "events"
    where = f", {given.place.path}:{given.place.line}" if recorded else ""
    many = len(result.case.events) > 1 and not recorded
    where = f", event in line {given.place.line}" if many else where
    yield visible(f"  {subject.label}  ({subject.path}{where})")
    if recorded and (why := not_asked(subject, given.event)):
        yield visible(f"  the rule is not asked about this event: {why}")
    for line in draw_tree(explained(subject, given, show_sensitive), depth=1):
        yield visible(line)
    if recorded:
        event = f"{given.place.path}:{given.place.line}"
        yield visible(f"  explain: ruleengine explain {_quoted(subject.path)} --event {_quoted(event)}")


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.rstrip("\n").split("\n"))


def _rerun(result: Result) -> str:
    line = result.case.place.line
    return f"{result.tests.path}:{line}" if line and not result.tests.faults else result.tests.path


def _quoted(word: str) -> str:
    """Return a word as a shell takes it."""
    return word if re.fullmatch(r"[\w@%+=:,./-]+", word) else "'" + word.replace("'", "'\"'\"'") + "'"


def counts(results: Iterable[Result]) -> Counter[Outcome]:
    """Return how many tests came out how."""
    return Counter(result.outcome for result in results)


def summary(results: Sequence[Result], seconds: float, colour: bool = False) -> str:
    """Return the last line: `1 failed, 41 passed, 2 todo in 0.3 s`."""
    found = counts(results)
    parts = [
        paint(f"{found[outcome]} {one if found[outcome] == 1 else many}", STYLES[outcome], colour)
        for outcome, one, many in COUNTED
        if found[outcome]
    ]
    return f"{', '.join(parts) or 'no tests'} in {seconds:.1f} s"


# --- for machines --------------------------------------------------------------------------------------------------


def as_json(result: Result, show_sensitive: bool = False) -> dict[str, object]:
    """Return a result by test-results.schema.json."""
    subject, found = result.subject, result.problem
    rule = subject and {"id": subject.rule.id, "title": subject.rule.title, "path": subject.path}
    evidence = [
        {
            "path": given.place.path,
            "line": given.place.line,
            "explained": step_json(explained(subject, given, show_sensitive)),
        }
        for given in result.evidence
        if subject
    ]
    return {
        "id": result.id,
        "path": result.tests.path,
        "line": result.case.place.line or None,
        "name": result.case.name,
        "rule": rule,
        "outcome": result.outcome,
        "problem": found and problem_json(found),
        "notes": [problem_json(note) for note in result.notes],
        "evidence": evidence,
    }


def json_text(results: Sequence[Result], show_sensitive: bool = False) -> str:
    """Return all results as one document."""
    found = counts(results)
    head = compact({"schema_version": SCHEMA_VERSION, "counts": {name: found[name] for name, _, _ in COUNTED}})
    rows = ",\n".join(f"  {compact(as_json(result, show_sensitive))}" for result in results)
    return f'{head[:-1]}, "tests": [{chr(10) if rows else ""}{rows}{chr(10) if rows else ""}]}}\n'


NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_text(results: Sequence[Result], show_sensitive: bool = False) -> str:
    """Return the results in the XML that CI systems read as JUnit's; what is still to come is a skipped test."""
    found = counts(results)
    skipped = sum(found[outcome] for outcome in SKIPPED)
    head = f'tests="{len(results)}" failures="{found["failed"]}" errors="{found["error"]}" skipped="{skipped}"'
    rows = "".join(_junit_case(result, show_sensitive) for result in results)
    suites = f'<testsuites>\n<testsuite name="ruleengine" {head}>\n{rows}</testsuite>\n</testsuites>\n'
    return f'<?xml version="1.0" encoding="utf-8"?>\n{suites}'


def _attribute(text: str) -> str:
    return quoteattr(NOT_XML.sub("\ufffd", text))


def _junit_case(result: Result, show_sensitive: bool) -> str:
    path = _attribute(result.tests.path)
    name = _attribute(result.case.name)
    head = f'<testcase classname={path} name={name} file={path} line="{result.case.place.line}"'
    if result.outcome == "passed":
        return f"{head}/>\n"
    if result.outcome in SKIPPED:
        return f"{head}><skipped message={_attribute(SKIPPED[result.outcome])}/></testcase>\n"
    tag = "error" if result.outcome == "error" else "failure"
    message = _attribute(result.problem.message if result.problem else "")
    body = escape(NOT_XML.sub("\ufffd", failure(result, show_sensitive=show_sensitive)))
    return f"{head}><{tag} message={message}>{body}</{tag}></testcase>\n"
