"""How faithful all of SigmaHQ's rules are in each SIEM: the page docs/fidelity.md, made anew and compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from ruleengine.compiling import Result, all_ready, compiled, target
from ruleengine.ir import Like, Regex
from ruleengine.load import load
from ruleengine.problem import Problem
from ruleengine.target import BOUNDS
from ruleengine.walk import walk
from tests.conftest import ROOT
from tests.corpora import shared

SIEMS = ("splunk", "logscale")
HEAD = """\
# How faithful SigmaHQ's rules are

All of SigmaHQ's rules that were read for this page, in each SIEM. Made by `pytest tests/test_fidelity.py --update` from
the {files:,} files of the corpus that the tests use; {open:,} rules are not compiled, for they have placeholders that
only their readers can fill (RE213 names each).

A rule without keywords is exact, or bounded: the same wherever something holds that is named below, and that `verify`
keeps to. A keyword is looked for in the whole line, which holds the names of fields as well, so its query may find more
than the rule and never less; where keywords are negated, the line is asked in a way that keeps it so.
"""


@cache
def results() -> tuple[int, int, dict[str, list[Result]]]:
    """Return how many files there are, how many rules were not compiled, and what became of the others."""
    files = [str(path) for path in sorted(shared("sigmahq").rglob("*.yml")) if "regression" not in str(path)]
    problems: list[Problem] = []
    read = load(files, problems.append)
    rules = all_ready(read.events, problems.append)
    into = {name: [compiled(each, target(name), lambda _: None) for each in rules] for name in SIEMS}
    return len(files), len(read.rules) - len(rules), into


def has_keywords(result: Result) -> bool:
    return any(isinstance(node, Like | Regex) and node.field is None for node in walk(result.given.expr))


def page() -> Iterator[str]:
    files, left, into = results()
    yield HEAD.format(files=files, open=left)
    yield "\n| target | rules | exact | bounded | wider | refused |\n|---|---|---|---|---|---|\n"
    for name, found in into.items():
        kinds = Counter(result.compiled.verdict if result.kept else "refused" for result in found)
        cells = (kinds[kind] for kind in ("exact", "bounded", "wider", "refused"))
        yield f"| {name} | {len(found):,} | " + " | ".join(f"{cell:,}" for cell in cells) + " |\n"
    for name, found in into.items():
        yield f"\n## {target(name).title}\n\n| rules | fidelity | construct | why | the same while |\n"
        yield "|---|---|---|---|---|\n"
        rows: Counter[tuple[str, str, str, str]] = Counter()
        for result in found:
            rows.update({(each.kind, each.construct, each.reason, each.bound) for each in result.compiled.limits})
        for (kind, construct, reason, bound), count in sorted(rows.items(), key=lambda row: (-row[1], row[0])):
            says = BOUNDS[bound].says.format(field="the field") if bound else ""
            yield f"| {count:,} | {kind} | {construct} | {reason} | {says} |\n".replace("\\", "\\\\")


def test_every_rule_without_keywords_is_exact_or_bounded() -> None:
    for name, found in results()[2].items():
        for result in found:
            kinds = ("wider",) if has_keywords(result) else ("exact", "bounded")
            assert result.compiled.verdict in kinds, (name, result.given.rule.title)
            assert result.kept


def test_the_page_is_not_stale(golden: Callable[[Path, str], None]) -> None:
    golden(ROOT / "docs" / "fidelity.md", "".join(page()))
