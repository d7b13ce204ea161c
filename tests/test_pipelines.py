"""Pipelines: what is read and refused, what becomes of rules, what is missed, and what an identity depends on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from collections.abc import Sequence as Several
from dataclasses import replace
from pathlib import Path

import pytest

from ruleengine.draw import draw
from ruleengine.dsl.show import show
from ruleengine.ir import Item, Rule, Sequence, Single, Windowed
from ruleengine.load import load
from ruleengine.lower import lower
from ruleengine.problem import Problem
from ruleengine.schema.event_schemas import schemas
from ruleengine.sigma import pipelines
from ruleengine.sigma.pipelines import Pipeline, packages
from ruleengine.sigma.pipelines.bodies import items_of
from ruleengine.span import Source
from tests.conftest import CASES, ROOT

FOLDER = CASES / "pipelines"
Golden = Callable[[Path, str], None]


def drawn(found: Several[Problem]) -> str:
    return "".join(f"{each.severity} {draw(each)}" for each in found)


def read(text: str, name: str = "pipeline.yml") -> Pipeline:
    found: list[Problem] = []
    pipeline = pipelines.read(Source(name, text), found.append)
    assert pipeline is not None, found
    assert found == []
    return pipeline


def rules(text: str, folder: Path, name: str = "rule.yml") -> tuple[Rule, ...]:
    (folder / name).write_text(text, "utf-8")
    found: list[Problem] = []
    loaded = load([str(folder / name)], found.append, evaluating=False)
    assert [each for each in found if each.blocks] == []
    return tuple(each.rule for each in loaded.rules)


def applied(rule: Rule, *given: Pipeline, target: str = "") -> Rule:
    found: list[Problem] = []
    made = pipelines.apply(rule, given, found.append, target=target)
    assert made is not None, found
    return made


def shown(rule: Rule) -> str:
    """Return a rule in the rule language, with the selections that were added."""
    body = rule.body
    if isinstance(body, Windowed | Sequence):
        body = replace(body, body=_all_own(body.body))
    return show(replace(rule, body=_all_own(body) if isinstance(body, Single) else body))


def _all_own(body: Single) -> Single:
    return replace(body, selections=tuple(replace(selection, module=None) for selection in body.selections))


# --- reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted((FOLDER / "errors").glob("*.yml")), ids=lambda path: path.stem)
def test_what_is_wrong_with_a_pipeline_is_said(path: Path, golden: Golden) -> None:
    found: list[Problem] = []
    assert pipelines.read(Source(path.name, path.read_text("utf-8")), found.append) is None
    golden(path.with_suffix(".txt"), drawn(found))


def test_text_around_queries_is_left_out_and_said() -> None:
    found: list[Problem] = []
    text = "transformations: []\npostprocessing:\n  - {type: embed, prefix: index=a}\nfinalizers: [{type: concat}]\n"
    assert pipelines.read(Source("a.yml", text), found.append) is not None
    assert [each.code for each in found] == ["RE912", "RE912"]


# --- applying ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", sorted((FOLDER / "cases").iterdir()), ids=lambda folder: folder.name)
def test_what_becomes_of_rules(folder: Path, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each case is rules and a pipeline, or rules and the name of one that is shipped."""
    monkeypatch.chdir(folder)
    found: list[Problem] = []
    own = folder / "pipeline.yml"
    if own.exists():
        pipeline = pipelines.read(Source("pipeline.yml", own.read_text("utf-8")), found.append)
    else:
        pipeline = pipelines.from_shipped(folder.name, found.append)
    assert pipeline is not None and found == [], found
    (path,) = (entry for entry in folder.iterdir() if entry.stem == "rules")
    loaded = [each.rule for each in load([path.name], found.append, evaluating=False).rules]
    assert {each.code for each in found} <= {"RE212", "RE306"}, found
    out: list[str] = []
    for rule in loaded:
        problems: list[Problem] = []
        made = pipelines.apply(rule, [pipeline], problems.append, others=loaded)
        missed = pipelines.misses(rule, [pipeline], loaded)
        if made is not None:
            lower(made, lambda each: pytest.fail(each.message))
        out.append(f"=== {rule.title}\n{shown(made) if made is not None else ''}{drawn([*problems, *missed])}")
        out += [f"--- filter\n{shown(each)}" for each in (made.filters if made is not None else ())]
    golden(folder / "out.txt", "\n".join(out))


def test_a_changed_rule_points_to_its_own_lines(tmp_path: Path) -> None:
    detection = "detection:\n  s: {Image: x, Hashes: [MD5=a, SHA1=b]}\n  condition: s\n"
    pipeline = read(
        "transformations:\n"
        "- {type: field_name_mapping, mapping: {Image: [a, b]}}\n"
        "- {type: hashes_fields, valid_hash_algos: [MD5, SHA1]}\n"
    )
    (rule,) = rules(f"title: A\nlogsource: {{product: windows}}\n{detection}", tmp_path)
    items = list(items_of(applied(rule, pipeline)))
    assert [(item.field, item.span and item.span.text) for item in items] == [
        ("a", "Image"),
        ("b", "Image"),
        ("MD5", "Hashes"),
        ("SHA1", "Hashes"),
    ]
    assert [span.text for item in items for span in item.value_spans] == ["x", "x", "MD5=a", "SHA1=b"]
    assert {type(item) for item in items} == {Item}


def test_an_added_condition_is_told_from_the_rule(tmp_path: Path) -> None:
    (rule,) = rules("title: A\nlogsource: {product: a}\ndetection: {s: {x: 1}, condition: s}\n", tmp_path)
    step = "transformations: [{id: where, type: add_condition, conditions: {index: main}}]"
    body = applied(rule, read(step), read(step, "other.yml")).body
    assert isinstance(body, Single)
    added = [selection.name for selection in body.selections if pipelines.is_added(selection)]
    assert added == ["_cond_where", "_cond_where_2"]
    assert not pipelines.is_added(body.selections[0])


def test_pipelines_run_by_priority_whatever_their_order(tmp_path: Path) -> None:
    (rule,) = rules("title: A\nlogsource: {product: a}\ndetection: {s: {x: 1}, condition: s}\n", tmp_path)
    first = read("priority: 10\ntransformations: [{type: field_name_mapping, mapping: {x: y}}]", "b.yml")
    second = read("priority: 20\ntransformations: [{type: field_name_mapping, mapping: {y: z}}]", "a.yml")
    for given in ((first, second), (second, first)):
        assert [item.field for item in items_of(applied(rule, *given))] == ["z"]
        assert pipelines.digest(given) == pipelines.digest((first, second))


def test_a_pipeline_for_another_target_is_refused(tmp_path: Path) -> None:
    (rule,) = rules("title: A\nlogsource: {product: a}\ndetection: {s: {x: 1}, condition: s}\n", tmp_path)
    pipeline = read("allowed_backends: [log_scale]\ntransformations: []")
    assert applied(rule, pipeline, target="logscale") == applied(rule, pipeline) == rule
    found: list[Problem] = []
    assert pipelines.apply(rule, [pipeline], found.append, target="splunk") is None
    assert [each.code for each in found] == ["RE914"]


def test_a_parameter_has_no_value_that_a_step_could_change(tmp_path: Path) -> None:
    text = "rule a 'A'\n  logs platform\n  param who = 'x'\n  match user.name == who\n"
    (rule,) = rules(text, tmp_path, "a.rule")
    found: list[Problem] = []
    lower = read("transformations: [{type: case, method: upper}]")
    assert pipelines.apply(rule, [lower], found.append) is None
    assert [each.code for each in found] == ["RE916"]
    fixed = read("transformations: [{type: set_value, value: 5}]")
    assert [item.values for item in items_of(applied(rule, fixed))] == [(5,)]


# --- identity ------------------------------------------------------------------------------------------------------


def test_an_identity_is_of_what_is_done() -> None:
    text = "name: a\ntransformations:\n  - {type: field_name_suffix, suffix: x}\n"
    same = "# other\nname: b\n\ntransformations:\n- type: field_name_suffix\n  suffix: 'x'\n"
    other = text.replace("suffix: x", "suffix: y")
    assert pipelines.digest([]) == ""
    assert pipelines.digest([read(text)]) == pipelines.digest([read(same, "other.yml")])
    assert pipelines.digest([read(text)]) != pipelines.digest([read(other)])
    assert pipelines.digest([read(text)]) != pipelines.digest([read("vars: {a: b}\n" + text)])


# --- those that are shipped and installed --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["abuse_splunk_cim", "abuse_logscale_cps"])
def test_a_shipped_pipeline_knows_every_field_of_the_platform(name: str, tmp_path: Path) -> None:
    pipeline = pipelines.from_shipped(name, lambda found: pytest.fail(found.message))
    assert pipeline is not None
    for schema in schemas():
        plain = [field for field in schema.fields if not schema.fields[field].array or name == "abuse_splunk_cim"]
        values = "".join(f"    {field!r}: a\n" for field in plain)
        text = f"title: A\nlogsource: {{product: platform, service: {schema.service}}}\ndetection:\n  s:\n{values}"
        (rule,) = rules(text + "  condition: s\n", tmp_path)
        assert pipelines.misses(rule, [pipeline]) == []
        made = [item.field for item in items_of(applied(rule, pipeline))][: len(plain)]
        assert len(set(made)) == len(plain), "two fields do not become one"


def test_an_unknown_pipeline_is_said_to_be_unknown() -> None:
    found: list[Problem] = []
    assert pipelines.from_shipped("ecs_window", found.append) is None
    assert pipelines.from_installed("no_such_pipeline", found.append) is None
    assert [each.code for each in found] == ["RE913", "RE913"]
    assert found[0].hint == "did you mean `ecs_windows`?"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # pySigma's own use of pyparsing
@pytest.mark.parametrize("path", sorted((FOLDER / "agree").glob("*.yml")), ids=lambda path: path.stem)
def test_a_pipeline_of_pysigma_is_written_as_it_was(path: Path) -> None:
    """A file read by us is the same as the file read by pySigma, written out, and read by us."""
    from sigma.processing.pipeline import ProcessingPipeline

    text = path.read_text("utf-8")
    found: list[Problem] = []
    again = packages.written(ProcessingPipeline.from_yaml(text), path.stem, found.append)
    assert found == []
    assert pipelines.digest([read(again)]) == pipelines.digest([read(text)])


def test_steps_of_a_package_that_are_code_are_refused_by_name() -> None:
    from sigma.processing.conditions import LogsourceCondition
    from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
    from sigma.processing.transformations import (
        ChangeLogsourceTransformation,
        FieldFunctionTransformation,
        NestedProcessingTransformation,
        SetStateTransformation,
    )

    class Own(ChangeLogsourceTransformation):
        """A step that a package brings along."""

    class OwnCondition(LogsourceCondition):
        """A condition that a package brings along."""

    function = FieldFunctionTransformation({}, transform_func=lambda name: f"x{name}")
    change = ChangeLogsourceTransformation(product="a")
    pipeline = ProcessingPipeline(
        [
            ProcessingItem(function, identifier="lower"),
            ProcessingItem(Own(product="a")),
            ProcessingItem(change, rule_conditions=[OwnCondition(product="a")]),
            ProcessingItem(SetStateTransformation("key", object())),
            ProcessingItem(NestedProcessingTransformation([ProcessingItem(Own(product="b"))])),
            ProcessingItem(SetStateTransformation("key", "kept"), identifier="kept"),
        ]
    )
    found: list[Problem] = []
    text = packages.written(pipeline, "own", found.append)
    assert [each.code for each in found] == ["RE911"] * 5
    assert [each.message.split(",")[0] for each in found] == [
        "the step `lower` is a `field_name_transform`",
        "a step is a `Own`",
        "a step has the condition `OwnCondition`",
        "a step has `object`",
        "a step is a `Own`",
    ]
    assert [step.id for step in read(text).steps if step.kind == "set_state"] == ["kept"]


def test_pysigma_is_imported_only_when_it_is_asked() -> None:
    script = "import sys, ruleengine.sigma.pipelines as p; p.shipped(); assert 'sigma' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)
