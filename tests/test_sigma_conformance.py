"""The Sigma specification, case by case: each file in tests/cases/sigma lists rules with what they must mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ruleengine.ir import Correlation, Rule, Single
from ruleengine.load import RuleSet, load
from ruleengine.meaning import holds
from ruleengine.problem import Problem
from ruleengine.values import text
from tests.conftest import CASES, ROOT

FILES = sorted(path for path in (CASES / "sigma").glob("*.yml") if path.stem != "pysigma-differences")
Case = dict[str, Any]


def read(path: Path) -> list[Case]:
    """Return the cases of a file; YAML reads the keys `true` and `false` as booleans, here they are words."""
    return [
        {str(key).lower(): value for key, value in case.items()} for case in yaml.safe_load(path.read_text("utf-8"))
    ]


ALL = [pytest.param(case, id=f"{path.stem}: {case['name']}") for path in FILES for case in read(path)]


def indent(text: str, width: int) -> str:
    return "".join(f"{' ' * width}{line}\n" for line in text.rstrip("\n").split("\n"))


def written(case: Case) -> str:
    """Return the rule file of a case."""
    if "yaml" in case:
        return str(case["yaml"])
    head = "title: Case\nlogsource:\n    product: any\ndetection:\n"
    if "item" in case:
        return f"{head}    selection:\n{indent(case['item'], 8)}    condition: selection\n"
    return head + indent(case["detection"], 4)


def loaded(case: Case, folder: Path) -> tuple[RuleSet, list[Problem]]:
    path = folder / "case.yml"
    path.write_text(written(case), "utf-8")
    problems: list[Problem] = []
    placeholders = {name: tuple(values) for name, values in case.get("placeholders", {}).items()}
    return load([str(path)], problems.append, placeholders), problems


@pytest.mark.parametrize("case", ALL)
def test_a_case(case: Case, tmp_path: Path) -> None:
    rules, problems = loaded(case, tmp_path)
    assert sorted(found.code for found in problems) == sorted(case.get("codes", [])), problems
    if "loads" in case:
        assert [rule.rule.title for rule in rules.rules] == case["loads"]
    for key, value in case.get("rule", {}).items():
        assert attribute(rules.rules[0].rule, key) == value, key
    if "correlation" in case:
        assert correlation(rules) == case["correlation"]
    chosen = next(
        (rule for rule in rules.events if "of" not in case or case["of"] in (rule.rule.name, rule.rule.title)), None
    )
    for truth in (True, False):
        for event in case.get(text(truth), []):
            assert chosen is not None and chosen.expr is not None, problems
            assert holds(chosen.expr, event) is truth, event


def attribute(rule: Rule, key: str) -> Any:
    """Return what the IR says under a name of the case file, as plain data."""
    if key in ("category", "product", "service", "definition"):
        return getattr(rule.logs, key)
    if key == "custom":
        return dict(rule.logs.custom)
    if key == "meta":
        return dict(rule.meta)
    if key == "timeframe_s":
        assert isinstance(rule.body, Single)
        return rule.body.timeframe_s
    value = getattr(rule, key)
    return list(value) if isinstance(value, tuple) else value


def correlation(rules: RuleSet) -> Case:
    """Return the first correlation as plain data, without what is empty."""
    body = next(each.rule.body for each in rules.rules if isinstance(each.rule.body, Correlation))
    row = {
        "type": body.type,
        "rules": [reference.key for reference in body.rules],
        "group_by": list(body.group_by),
        "timespan_s": body.timespan_s,
        "bounds": {bound.operator: float(bound.value) for bound in body.bounds},
        "fields": list(body.fields),
        "percentile": body.percentile,
        "aliases": {alias.name: dict(alias.fields) for alias in body.aliases},
        "generate": body.generate,
    }
    return {key: value for key, value in row.items() if value}


# --- the pages -----------------------------------------------------------------------------------------------------


def truths(case: Case) -> int:
    return sum(len(case.get(key, [])) for key in ("true", "false"))


def conformance() -> str:
    """Return the page that counts what the cases cover."""
    rows = ["| area | cases | of them errors | events judged |", "|---|---:|---:|---:|"]
    total = [0, 0, 0]
    for path in FILES:
        cases = read(path)
        counts = [len(cases), sum("codes" in case for case in cases), sum(map(truths, cases))]
        total = [one + other for one, other in zip(total, counts, strict=True)]
        rows.append(f"| [{path.stem}](../tests/cases/sigma/{path.name}) | {counts[0]} | {counts[1]} | {counts[2]} |")
    rows.append(f"| **all** | {total[0]} | {total[1]} | {total[2]} |")
    return INTRODUCTION + "\n".join(rows) + "\n"


INTRODUCTION = """# Conformance with Sigma 2.1

What the Sigma specification 2.1.0 says is held by cases: a rule, with events it must be true and false of, or with the
problems it must have. Each file is an area; `pytest tests/test_sigma_conformance.py` runs them all, and a case that
fails, fails the build. Where the specification is silent, `docs/meaning.md` decides. This page is made from the cases
by `pytest --update`.

"""


def deviations() -> str:
    """Return the page about pySigma, made from its two data files."""
    head = ["| where pySigma departs from the specification | what it does | what is right, and why |", "|---|---|---|"]
    rows = [row(case) for case in read(CASES / "sigma" / "pysigma-deviations.yml")]
    more = [f"- `{one['id']}`: {one['reason'].strip()}\n" for one in read(CASES / "sigma" / "pysigma-differences.yml")]
    return PYSIGMA.format(table="\n".join([*head, *rows]), more="".join(more))


def row(case: Case) -> str:
    """Return a row of a Markdown table, in which a bar would end the cell even inside a code span."""
    cells = (" ".join(case[key].split()).replace("|", "\\|") for key in ("name", "pysigma", "why"))
    return f"| {' | '.join(cells)} |"


PYSIGMA = """# Where pySigma differs

pySigma is the reference implementation of Sigma, and it is what other back ends are fed by.
`tests/test_pysigma_agrees.py` reads SigmaHQ's rules with pySigma 1.5.1 and 2.0.1, evaluates its objects plainly over
generated and real events, and compares: same condition, same truth. What may differ is listed here; anything else fails
the test. This page is made from `tests/cases/sigma/pysigma-deviations.yml` and `pysigma-differences.yml` by
`pytest --update`.

## Decided by the specification

{table}

## Differences in values

{more}"""


def test_the_scorecard_is_not_stale(golden: Callable[[Path, str], None]) -> None:
    golden(ROOT / "docs" / "conformance.md", conformance())


def test_the_page_about_pysigma_is_not_stale(golden: Callable[[Path, str], None]) -> None:
    golden(ROOT / "docs" / "pysigma-differences.md", deviations())
