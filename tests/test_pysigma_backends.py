"""pySigma both ways: our targets as its backends, and its backends as our targets."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from hatchling.builders.wheel import WheelBuilder
from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaError
from sigma.processing.pipeline import ProcessingPipeline
from sigma.rule import SigmaRule

from ruleengine import compiling
from ruleengine.load import Loaded, load
from ruleengine.lower import digest, lower
from ruleengine.problem import Problem
from ruleengine.sigma import build
from ruleengine.sigma import yaml as positioned
from ruleengine.span import Source
from ruleengine.target import Target
from sigma.backends.ruleengine import RuleEngineLogScale, RuleEngineSplunk
from tests.conftest import CASES, CI, ROOT
from tests.corpora import shared
from tests.pysigma_plugin import Identity, answer, document
from tests.test_wheel import environment, run

CASES_TAKEN: list[dict[str, Any]] = yaml.safe_load((CASES / "pysigma" / "taken.yml").read_text("utf-8"))
OTHER = ROOT / ".venv-pysigma-2.0.1" / "bin" / "python"
SAMPLE = 150
Sigma = Callable[..., Result]
OTHERS_PATH = os.pathsep.join([str(ROOT), str(ROOT / "backends")])


def our_digest(case: dict[str, Any]) -> str:
    """The identity of what a case says the rule means, read by us."""
    problems: list[Problem] = []
    text = yaml.safe_dump(document(case["means"], case.get("logs")), allow_unicode=True)
    (rule,) = build.rules(positioned.read(Source("case.yml", text), problems.append), problems.append)
    expr = lower(rule, problems.append)
    assert expr is not None, problems
    return digest(expr, rule.logs)


def agrees(case: dict[str, Any], given: dict[str, str]) -> None:
    if "error" in case:
        assert case["error"] in given.get("error", "it is not refused")
    else:
        assert given.get("digest", given.get("error")) == our_digest(case)


@pytest.mark.parametrize("case", CASES_TAKEN, ids=[case["about"] for case in CASES_TAKEN])
def test_the_plugin_takes_a_rule_for_what_it_means(case: dict[str, Any]) -> None:
    agrees(case, answer(case))


@pytest.fixture(scope="module")
def other_answers() -> dict[str, dict[str, str]]:
    """What the plug-in says of each case on pySigma 2, which has no sigma-cli yet."""
    wanted = [str(OTHER), "-c", "import lark, msgspec, sigma, yaml"]
    needed = subprocess.run(wanted, capture_output=True) if OTHER.exists() else None
    if needed is None or needed.returncode:
        pytest.skip("pySigma 2.0.1 with lark and msgspec is not there: `make test` puts them into .venv-pysigma-2.0.1")
    done = subprocess.run(
        [OTHER, "-m", "tests.pysigma_plugin", CASES / "pysigma" / "taken.yml"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": OTHERS_PATH},
        timeout=120,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(CASES_TAKEN), done.stderr[-2000:]
    return {case["about"]: given for case, given in zip(CASES_TAKEN, answers, strict=True)}


@pytest.mark.parametrize("case", CASES_TAKEN, ids=[case["about"] for case in CASES_TAKEN])
def test_the_plugin_does_so_on_pysigma_2(case: dict[str, Any], other_answers: dict[str, dict[str, str]]) -> None:
    agrees(case, other_answers[case["about"]])
    if "means" in case:
        assert other_answers[case["about"]] == answer(case), "the same queries from both versions"


# --- sigma-cli -----------------------------------------------------------------------------------------------------

RULE = """
title: Case {number}
logsource: {{product: windows, category: process_creation}}
detection:
  selection:
    Image|endswith: '\\cmd.exe'
    CommandLine{modifier}: {value}
  condition: selection
"""
PIPELINE = """
name: case
priority: 10
transformations:
  - {type: field_name_mapping, mapping: {Image: process.executable, CommandLine: process.command_line}}
  - {type: add_condition, conditions: {index: main}}
"""


@pytest.fixture(scope="module")
def sigma() -> Sigma:
    """sigma-cli in this process: it takes a second to start."""
    from sigma.cli.convert import convert
    from sigma.cli.list import list_group

    commands = {"convert": convert, "list": list_group}
    return lambda verb, *words: CliRunner().invoke(commands[verb], [str(word) for word in words])


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Three rules, of which one cannot be said in any target."""
    folder = tmp_path / "rules"
    folder.mkdir()
    for number, (modifier, value) in enumerate((("|contains", "whoami"), ("", "[1, null]"), ("", "'x*y'")), 1):
        text = RULE.format(number=number, modifier=modifier, value=value)
        (folder / f"{number}.yml").write_text(text, "utf-8")
    return folder


def test_the_command_finds_our_targets(rules: Path) -> None:
    """As users run it, and so also what its discovery makes of our package."""
    command = Path(sys.executable).parent / "sigma"
    done = subprocess.run([command, "list", "targets"], capture_output=True, text=True)
    assert "ruleengine_splunk" in done.stdout and "ruleengine_logscale" in done.stdout, done.stderr
    done = subprocess.run(
        [command, "convert", "-t", "ruleengine_splunk", rules / "1.yml"], capture_output=True, text=True
    )
    assert done.returncode == 0 and "whoami" in done.stdout and "Warning" not in done.stderr, done.stderr


def test_nothing_is_imported_before_it_is_needed() -> None:
    """Neither does `sigma list targets` load our compiler, nor `ruleengine --help` pySigma."""
    program = """
import sys
import ruleengine_pysigma
assert not [name for name in sys.modules if name.partition(".")[0] == "sigma"]
ours = {name for name in sys.modules if name.startswith("ruleengine")}
for name in ours:
    del sys.modules[name]
from sigma.plugins import InstalledSigmaPlugins
assert "ruleengine_splunk" in InstalledSigmaPlugins.autodiscover().backends
assert not [name for name in sys.modules if name.startswith("ruleengine")]
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("target", ["ruleengine_splunk", "ruleengine_logscale"])
def test_sigma_convert_writes_queries_of_ours(sigma: Sigma, rules: Path, target: str, tmp_path: Path) -> None:
    assert "default" in sigma("list", "formats", target).stdout
    done = sigma("convert", "-t", target, rules / "1.yml")
    assert done.exit_code == 0, done.stderr
    assert "whoami" in done.stdout and "CommandLine" in done.stdout
    (tmp_path / "pipeline.yml").write_text(PIPELINE, "utf-8")
    piped = sigma("convert", "-t", target, "-p", tmp_path / "pipeline.yml", rules / "1.yml")
    assert piped.exit_code == 0, piped.stderr
    assert "process.command_line" in piped.stdout and "index" in piped.stdout and "CommandLine" not in piped.stdout


def test_a_rule_without_a_query_is_an_error_or_skipped(sigma: Sigma, rules: Path, tmp_path: Path) -> None:
    failed = sigma("convert", "-t", "ruleengine_splunk", rules)
    assert failed.exit_code == 1 and "null cannot stand in a list" in failed.stderr
    assert isinstance(failed.exception, SystemExit), "no traceback"
    skipped = sigma("convert", "-t", "ruleengine_splunk", "--skip-unsupported", rules)
    assert skipped.exit_code == 0 and "null cannot stand in a list" in skipped.stderr
    assert skipped.stdout.count("cmd.exe") == 2
    sigma("convert", "-t", "ruleengine_splunk", "-s", "-od", tmp_path / "out", rules)
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.txt")) == ["1.txt", "3.txt"]


def test_options_are_checked(sigma: Sigma, rules: Path) -> None:
    done = sigma("convert", "-t", "ruleengine_logscale", "-O", "colour=red", rules / "1.yml")
    assert done.exit_code == 2 and "Parameter 'colour' is not supported" in done.stderr
    done = sigma("convert", "-t", "ruleengine_logscale", "-f", "alert", "-O", "enabled=false", rules / "1.yml")
    assert done.exit_code == 0 and "enabled: false" in done.stdout, done.stderr


WIDER = """
title: Words
logsource: {product: linux}
detection: {keywords: [segfault], condition: keywords}
"""


def test_a_query_that_finds_more_is_told_and_refused_if_strict(
    sigma: Sigma, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "words.yml").write_text(WIDER, "utf-8")
    done = sigma("convert", "-t", "ruleengine_logscale", tmp_path / "words.yml")
    assert done.exit_code == 0 and "segfault" in done.stdout
    assert ["finds more than the rule does" in line for line in caplog.messages] == [True]
    done = sigma("convert", "-t", "ruleengine_logscale", "-O", "strict=true", tmp_path / "words.yml")
    assert done.exit_code == 1 and "finds more than the rule does" in done.stderr
    accepting = WIDER + "x-accept-loss: {logscale: the line holds nothing else}\n"
    (tmp_path / "words.yml").write_text(accepting, "utf-8")
    assert sigma("convert", "-t", "ruleengine_logscale", "-O", "strict=true", tmp_path / "words.yml").exit_code == 0


CORRELATION = """
title: Login Failures
name: failures
logsource: {product: linux}
detection: {selection: {action: failed}, condition: selection}
---
title: Many
correlation: {type: event_count, rules: [failures], group-by: [user], timespan: 5m, condition: {gte: 10}}
"""


def test_a_correlation_is_refused_in_a_sentence(sigma: Sigma, tmp_path: Path) -> None:
    (tmp_path / "many.yml").write_text(CORRELATION, "utf-8")
    done = sigma("convert", "-t", "ruleengine_splunk", tmp_path / "many.yml")
    assert done.exit_code == 1 and "a rule over time is not compiled yet" in done.stderr
    done = sigma("convert", "-t", "ruleengine_splunk", "-s", tmp_path / "many.yml")
    assert done.exit_code == 0 and done.stdout.strip() == ""


# --- the plug-in through Python --------------------------------------------------------------------------------------


def test_what_pipelines_add_stands_before_the_rule_under_names_that_stay_the_same() -> None:
    steps = [
        {"type": "add_condition", "conditions": {"index": "main"}},
        {"type": "add_condition", "conditions": {"sourcetype": "x"}, "name": "kind"},
    ]
    pipeline = ProcessingPipeline.from_dict({"transformations": steps})
    given = document({"sel": {"a": 1}, "two": {"b": 2}, "condition": ["sel or two", "two"]})
    asked = Identity(pipeline, before="where: ")
    assert asked.convert(SigmaCollection.from_dicts([given]), "where") == ["where: pipeline:kind pipeline:1"]


def test_a_callback_may_change_or_drop_a_query() -> None:
    seen: list[tuple[int, str]] = []

    def callback(rule: Any, form: str | None, index: int, condition: Any, query: Any) -> str | None:
        seen.append((index, condition.condition))
        return None if rule.title == "Case" and form == "where" else f"{form}: {len(query)}"

    collection = SigmaCollection.from_dicts([document({"sel": {"a": 1}})])
    assert Identity().convert(collection, "query", callback=callback) == ["query: 64"]
    assert Identity().convert(collection, "where", callback=callback) == []
    assert seen == [(0, "sel"), (0, "sel")]


def test_errors_are_collected_when_asked_for() -> None:
    collection = SigmaCollection.from_dicts([document({"sel": {"a": [1, None]}}), document({"sel": {"a": 1}})])
    backend = Identity(collect_errors=True)
    assert len(backend.convert(collection)) == 1
    assert [str(error) for _, error in backend.errors] == [
        "the rule 'Case' has no query: null cannot stand in a list (give `a: null` a selection of its own)"
    ]
    with pytest.raises(SigmaError, match="there is no output format 'x'; there are: default, query, where"):
        Identity().convert(collection, "x")


def test_a_rule_that_pysigma_could_not_read_is_an_error() -> None:
    broken = {**document({"sel": {"a": 1}}), "detection": {"sel": {"a|nonsense": 1}, "condition": "sel"}}
    backend = Identity(collect_errors=True)
    assert backend.convert(SigmaCollection.from_dicts([broken], collect_errors=True)) == []
    assert ["nonsense" in str(error) for _, error in backend.errors] == [True]


class Nowhere(Identity):
    """A target whose package is not there."""

    module = "ruleengine_nowhere"


def test_a_target_that_is_not_there_is_an_error_when_a_rule_is_converted() -> None:
    assert list(Nowhere.formats) == ["default"], "sigma-cli asks for them whenever it starts"
    with pytest.raises(SigmaError, match="the package ruleengine_nowhere cannot be imported"):
        Nowhere().convert(SigmaCollection.from_dicts([document({"sel": {"a": 1}})]))


def test_postprocessing_and_finalizers_of_pipelines_are_carried_out() -> None:
    pipeline = ProcessingPipeline.from_dict(
        {"postprocessing": [{"type": "embed", "prefix": "<", "suffix": ">"}], "finalizers": [{"type": "concat"}]}
    )
    found = Identity(pipeline).convert(SigmaCollection.from_dicts([document({"sel": {"a": 1}})]))
    assert found[0] == "<" and found[-1] == ">" and len(found) == 66


# --- the same as our own reading -------------------------------------------------------------------------------------


def test_sigmahqs_rules_give_the_same_queries_as_our_own_reading() -> None:
    """Without pipelines, what sigma-cli would write is what `ruleengine compile` writes."""
    paths = sorted(shared("sigmahq").glob("rules*/**/*.yml"))
    if os.environ.get("RULEENGINE_ALL") != "1":
        paths = sorted(random.Random(1 if CI else date.today().toordinal()).sample(paths, SAMPLE))
    problems: list[Problem] = []
    loaded = load([str(path) for path in paths], problems.append).rules
    for backend in (RuleEngineSplunk, RuleEngineLogScale):
        asked = backend(collect_errors=True)
        asked.init_processing_pipeline("default")
        for path, ours in zip(paths, loaded, strict=True):
            rule = SigmaCollection.from_yaml(path.read_text("utf-8")).rules[0]
            assert isinstance(rule, SigmaRule)
            assert asked.convert_rule(rule, "default") == queries(ours, backend.target()), path


def queries(loaded: Loaded, target: Target) -> list[str]:
    """What our own compiler makes of a rule."""
    ready = compiling.ready(loaded, lambda _problem: None)
    result = compiling.compiled(ready, target, lambda _problem: None) if ready else None
    form = target.formats[0].one
    if result is None or not result.kept or form is None:
        return []
    return [form(result.given, result.compiled, {}).removesuffix("\n")]


# --- the package as others get it ------------------------------------------------------------------------------------


def test_the_wheel_puts_the_plug_in_into_pysigmas_namespace(rules: Path, tmp_path: Path) -> None:
    """`sigma` belongs to pySigma and its plug-ins: an `__init__.py` of ours above the plug-in would hide them all."""
    wheel = Path(next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path / "dist"), versions=["standard"])))
    names = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("sigma/")}
    assert names == {"sigma/backends/ruleengine/__init__.py", "sigma/backends/ruleengine/plugin.py"}
    commands = environment(tmp_path, wheel)
    program = "import sys; from sigma.cli.main import main; sys.argv[0] = 'sigma'; main()"
    for target in ("ruleengine_splunk", "ruleengine_logscale"):
        done = run([commands / "python", "-c", program, "convert", "-t", target, rules / "1.yml"], tmp_path)
        assert done.returncode == 0 and "whoami" in done.stdout, done.stderr
    where = run([commands / "python", "-c", "import sigma.backends.ruleengine as p; print(p.__file__)"], tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(tmp_path), where.stderr
