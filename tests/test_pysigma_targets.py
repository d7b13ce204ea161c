"""pySigma's backends as our targets: rules of both languages through them, and every way in which they fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaError

from ruleengine.dsl import parse
from ruleengine.ir import Expr, Item, LogSource, Rule, Single
from ruleengine.load import load
from ruleengine.lower import Surroundings, digest, lower
from ruleengine.problem import Problem
from ruleengine.sigma import build
from ruleengine.sigma import yaml as positioned
from ruleengine.span import Source
from ruleengine.values import text as written
from ruleengine.walk import rebuild
from ruleengine_pysigma import compile_with, found, installed, pipeline_names, usable
from ruleengine_pysigma.document import document_of
from tests import written_rules
from tests.conftest import CASES
from tests.pysigma_plugin import Identity

LOGS = {"product": "windows", "category": "process_creation"}
PINNED = {"splunk": ("pysigma-backend-splunk", "2.1.0"), "log_scale": ("pysigma-backend-crowdstrike", "3.0.0")}


def _there(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@pytest.fixture(autouse=True)
def backends() -> None:
    """Two backends of pySigma, in the versions that the cases are about."""
    missing = [package for package, wanted in PINNED.values() if _there(package) != wanted]
    if missing or not version("pysigma").startswith("1."):
        pytest.skip(f"needs pySigma 1 and {', '.join(missing)} as pinned in the extra `dev`")


def sigma_rule(detection: dict[str, Any], **more: Any) -> Rule:
    """Return the rule of a detection; the condition is the first selection unless it says otherwise."""
    document = {
        "title": "Case",
        "logsource": LOGS,
        "detection": {"condition": next(iter(detection)), **detection},
        **more,
    }
    text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
    problems: list[Problem] = []
    (rule,) = build.rules(positioned.read(Source("case.yml", text), problems.append), problems.append)
    return rule


def language_rule(text: str) -> Rule:
    problems: list[Problem] = []
    found = list(parse.rules(Source("case.rule", text), problems.append))
    assert problems == []
    return found[0]


Asked = tuple[list[str] | None, list[Problem]]


def asked(rule: Rule, backend: str = "splunk", form: str = "", *pipelines: str, **more: Any) -> Asked:
    """Return the queries and the problems of a rule."""
    problems: list[Problem] = []
    return compile_with(rule, backend, form, pipelines, problems.append, **more), problems


def test_what_backends_are_known_to_do(golden: Callable[[Path, str], None]) -> None:
    """The queries are pySigma's, and beside them stands what we tell of them."""
    lines: list[str] = []
    for case in yaml.safe_load((CASES / "pysigma" / "known.yml").read_text("utf-8")):
        lines.append(f"## {case['about']}")
        for backend in PINNED:
            queries, problems = asked(sigma_rule(case["rule"]), backend)
            lines += [f"{backend}: " + "\n    ".join(query.splitlines()) for query in queries or ()]
            lines += [f"  {found.code} {found.message}" + f" ({found.hint})" * bool(found.hint) for found in problems]
        lines.append("")
    golden(CASES / "pysigma" / "known.txt", "\n".join(lines))


# --- rules of both languages ---------------------------------------------------------------------------------------


DEFINED = r"""
rule case 'Case'
  logs windows/process_creation
  param tool = 'whoami'
  let shell = Image endswith '\cmd.exe'
  match shell and (CommandLine contains tool or not User == 'root')

  test 'it is no part of the query'
    match { Image: 'C:\cmd.exe', CommandLine: 'whoami' }
"""


def test_a_rule_of_the_language_gives_the_query_of_the_same_rule_in_sigma() -> None:
    same = {
        "one": {"Image|endswith": r"\cmd.exe"},
        "two": {"CommandLine|contains": "whoami"},
        "three": {"User": "root"},
        "condition": "one and (two or not three)",
    }
    rule = language_rule(DEFINED)
    for backend in PINNED:
        queries, problems = asked(rule, backend)
        assert problems == [] and queries == asked(sigma_rule(same), backend)[0]
    assert rule.params
    around = Surroundings(params=lambda _rule: {"tool": "hostname"})
    assert "hostname" in (asked(rule, around=around)[0] or [""])[0]


def test_starter_rules_go_through_as_far_as_sigma_can_say_them() -> None:
    problems: list[Problem] = []
    rules = [loaded.rule for loaded in load(["rules"], problems.append).rules]
    for rule in rules:
        queries, found = asked(rule)
        assert queries or {each.code for each in found} <= {"RE806", "RE923"}, found
    assert sum(asked(rule)[0] is not None for rule in rules) >= 10


def test_filters_are_part_of_the_query_under_names_of_their_own(tmp_path: Path) -> None:
    texts = {
        "rule.yml": {"title": "Rule", "id": "5f9b7a30-0f2c-4c1b-8f60-7b7f0a4a4f10", "logsource": LOGS}
        | {"detection": {"sel": {"a": 1}, "condition": "all of sel*"}},
        "filter.yml": {"title": "Filter", "logsource": LOGS}
        | {"filter": {"rules": ["5f9b7a30-0f2c-4c1b-8f60-7b7f0a4a4f10"], "sel": {"b": 2}, "condition": "not sel"}},
    }
    for name, document in texts.items():
        (tmp_path / name).write_text(yaml.safe_dump(document), "utf-8")
    problems: list[Problem] = []
    rules = [loaded.rule for loaded in load([str(tmp_path)], problems.append).rules]
    (rule,) = (rule for rule in rules if rule.filters)
    assert asked(rule) == (["a=1 NOT b=2"], [])
    (given,) = (rule for rule in rules if not rule.filters)
    assert asked(given) == (None, []), "a filter has no query, and nothing is wrong with it"


def test_what_pysigma_reads_otherwise_is_written_so_that_it_does_not() -> None:
    assert asked(sigma_rule({"notepad": {"a": 1}, "epad": {"a": 2}, "condition": "notepad"}))[0] == ["a=1"]
    assert asked(sigma_rule({"sel-a": {"a": 1}, "condition": "1 of sel-*"}))[0] == ["a=1"]
    assert asked(sigma_rule({"sel": {"a": 1}, "timeframe": "5m", "condition": "all of them"}))[0] == ["a=1"]
    wide = asked(sigma_rule({"sel": {"a|wide|base64": "x"}}))
    assert asked(sigma_rule({"sel": {"a|utf16le|base64": "x"}}))[0] == wide[0]


def shortest(item: Expr) -> Expr:
    """Write 1.0 as 1 and 7.50 as 7.5, as pySigma does: it means the same, but is another identity."""
    if not isinstance(item, Item):
        return item
    return replace(item, values=tuple(_shortest(one) if isinstance(one, Decimal) else one for one in item.values))


def _shortest(number: Decimal) -> int | Decimal:
    return int(number) if number == number.to_integral_value() else Decimal(written(number))


@settings(max_examples=100)
@given(written_rules.singles(sigma=True))
def test_what_is_handed_to_pysigma_comes_back_with_the_same_meaning(body: Single) -> None:
    """There and back: our document, read by pySigma and taken by our plug-in, is the rule again, or it is refused."""
    selections = tuple(replace(each, item=rebuild(each.item, shortest)) for each in body.selections)
    rule = Rule("Case", LogSource(), replace(body, selections=selections))
    expr = lower(rule, lambda _problem: None)
    document = document_of(rule, lambda _problem: None)
    if expr is None or document is None:
        return
    try:
        collection = SigmaCollection.from_dicts([{**document, "logsource": {"product": "windows"}}])
    except SigmaError:
        return  # pySigma takes fewer modifiers, and fewer kinds of values
    assert Identity().convert(collection) == [digest(expr, LogSource(product="windows"))]


# --- what goes wrong -------------------------------------------------------------------------------------------------


PLAIN = {"sel": {"a": 1}}


def test_what_is_not_installed_is_told_with_what_is() -> None:
    assert installed() == sorted(installed()) and {"splunk", "log_scale"} <= set(installed())
    assert not any(name.startswith("ruleengine") for name in installed()), "ours are reached without pySigma"
    queries, (problem,) = asked(sigma_rule(PLAIN), "elasticsearch")
    assert queries is None and problem.code == "RE920"
    assert "log_scale, splunk" in problem.hint and "pip install pysigma-backend-" in problem.hint
    (problem,) = asked(sigma_rule(PLAIN), "splunk", "savedsearch")[1]
    assert problem.code == "RE920" and problem.hint == "did you mean `savedsearches`?"
    (problem,) = asked(sigma_rule(PLAIN), "splunk", "", "nowhere")[1]
    assert problem.code == "RE922" and "'nowhere' not found" in problem.message and "splunk_windows" in problem.hint


def test_it_can_be_asked_for_once() -> None:
    problems: list[Problem] = []
    assert usable("splunk", "default", ["splunk_windows"], problems.append) is not None and problems == []
    assert usable("splunk", "default", ["crowdstrike_nothing"], problems.append) is None
    assert [problem.code for problem in problems] == ["RE922"]
    assert "splunk_windows" in pipeline_names("splunk")


def test_pipelines_and_formats_and_options(tmp_path: Path) -> None:
    steps = {"name": "mine", "priority": 1, "transformations": [{"type": "field_name_prefix", "prefix": "x."}]}
    (tmp_path / "mine.yml").write_text(yaml.safe_dump(steps), "utf-8")
    assert asked(sigma_rule(PLAIN), "splunk", "", str(tmp_path / "mine.yml"))[0] == ["x.a=1"]
    (queries, problems) = asked(sigma_rule(PLAIN), "splunk", "savedsearches", "splunk_windows")
    assert problems == [] and queries is not None and "[Case]" in queries[0]
    set_so = asked(sigma_rule(PLAIN), "splunk", "savedsearches", options={"min_time": "-7d"})[0]
    assert set_so is not None and "-7d" in set_so[0]


def test_a_failure_is_one_problem_and_never_a_traceback() -> None:
    queries, problems = asked(sigma_rule({"sel": {"a|fieldref": "b"}}), "log_scale")
    assert queries is None and [problem.code for problem in problems] == ["RE921"]
    assert "`log_scale`" in problems[0].message and "`Case`" in problems[0].message
    assert "NotImplementedError: Field reference expression is not supported" in problems[0].message
    (problem,) = asked(sigma_rule({"sel": {"a": 1}}, date="yesterday"))[1]
    assert problem.code == "RE921" and "yesterday" in problem.message


def test_a_dropped_query_is_told() -> None:
    queries, problems = asked(sigma_rule({"sel": {"CommandLine|re|all": ["a.*b", "c+d"]}}))
    assert queries is None and [problem.code for problem in problems] == ["RE925"]


def test_what_pysigma_does_not_keep_is_refused() -> None:
    lost = [{"n": 2**60 + 1}, {"ts|hour|gte": 5}, {"a|utf16|base64": "x"}, {"n|gt": 1 << 1100}]
    for item in lost:
        queries, problems = asked(sigma_rule({"sel": item}))
        assert queries is None and [problem.code for problem in problems] == ["RE923"], item
    assert asked(sigma_rule({"sel": {"n": 2**60, "m": 0.1}}))[0] == ["n=1152921504606846976 m=0.1"]
    over_time = language_rule("rule t 'T'\n  logs linux\n  match a == 1\n  within 5m by b\n  having count() > 3\n")
    (problem,) = asked(over_time)[1]
    assert problem.code == "RE923" and "a rule over time" in problem.message


@pytest.fixture
def failing() -> Iterator[Rule]:
    """A rule over which Splunk's backend fails after it has counted in its class."""
    yield sigma_rule({"sel": {"CommandLine|re": ["x", "y"]}, "other": {"a|hour": 5}, "condition": "sel and other"})


def test_a_rule_that_fails_does_not_change_the_next(failing: Rule) -> None:
    rule = sigma_rule({"sel": {"CommandLine|re": ["x", "y"]}})
    alone = asked(rule)[0]
    assert asked(failing)[0] is None
    assert asked(rule)[0] == alone and alone is not None


def test_a_broken_plug_in_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sigma" / "backends" / "broken").mkdir(parents=True)
    (tmp_path / "sigma" / "backends" / "broken" / "__init__.py").write_text("raise OSError('no network')\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    found.plugins.cache_clear()
    try:
        (problem,) = asked(sigma_rule(PLAIN), "broken")[1]
        assert "sigma.backends.broken cannot be imported (OSError: no network)" in problem.hint
        assert asked(sigma_rule(PLAIN))[0] == ["a=1"]
    finally:
        found.plugins.cache_clear()
