"""The Python target: every module says of every event what the law says, alone, and whatever the rule's texts are."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ruleengine.analysis.witness import near_misses, positives, strategy
from ruleengine.ir import (
    And,
    Call,
    Compare,
    Equals,
    Exists,
    Expr,
    InList,
    InNetwork,
    Item,
    Leaf,
    Like,
    LogSource,
    Named,
    Not,
    Or,
    Regex,
    Rule,
    SameAs,
    Single,
    TimePart,
    Wild,
)
from ruleengine.load import Loaded, load
from ruleengine.lower import digest
from ruleengine.meaning import Seen, holds
from ruleengine.problem import Problem
from ruleengine.target import Capability, Ready
from ruleengine.values import Event
from ruleengine_python import TARGET
from ruleengine_python.oracle import Module
from tests import corpora, strategies
from tests.conftest import CASES, ROOT
from tests.corpora import NIGHTLY, shared
from tests.written_rules import TEXTS

FOLDER = CASES / "python_target"
ONE, SET = TARGET.formats
MANY = 2_000 if NIGHTLY else 60


def ready(expr: Expr, rule: Rule | None = None) -> Ready:
    rule = rule or Rule("made up", LogSource(), Single((), ()))
    return Ready(rule, expr, digest(expr, rule.logs))


def text_of(given: Ready) -> str:
    made = TARGET.compile(given)
    assert made.verdict == "exact"
    assert ONE.one is not None
    return ONE.one(given, made, {})


def set_text(rules: Sequence[Ready]) -> str:
    assert SET.many is not None
    written = SET.many([(given, TARGET.compile(given)) for given in rules], {})
    assert list(written) == ["detections.py"]
    return written["detections.py"].decode()


def matches(expr: Expr) -> Callable[[Event], bool]:
    found: Callable[[Event], bool] = Module.parse(text_of(ready(expr)))["matches"]
    return found


def loaded(*paths: Path | str) -> tuple[Loaded, ...]:
    problems: list[Problem] = []
    found = load([str(path) for path in paths], problems.append)
    assert {problem.code for problem in problems} <= {"RE213"}, problems
    return found.events


@cache
def starter() -> tuple[Loaded, ...]:
    return loaded(ROOT / "rules")


def expr_of(rule: Loaded) -> Expr:
    assert rule.expr is not None
    return rule.expr


# --- what is written -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["every_construct.rule", "hostile.yml"])
def test_a_module_reads_well(name: str, golden: Callable[[Path, str], None]) -> None:
    (rule,) = loaded(FOLDER / name)
    text = text_of(ready(expr_of(rule), rule.rule))
    golden(FOLDER / f"{name}.py.txt", text)
    assert f"version {TARGET.version}:" in text


def test_a_module_for_many_reads_well(golden: Callable[[Path, str], None]) -> None:
    rules = loaded(FOLDER / "small", FOLDER / "hostile.yml")
    golden(FOLDER / "small" / "detections.py.txt", set_text([ready(expr_of(rule), rule.rule) for rule in rules]))


CONSTRUCTS: dict[str, Expr] = {
    "text": Equals("Image", r"C:\a.exe"),
    "text, cased": Equals("User", "Admin", cased=True),
    "pattern": Like("CommandLine", (Wild.MANY, " -Enc ", Wild.MANY)),
    "pattern with a wildcard in the middle": Like("Image", (Wild.MANY, "a", Wild.ONE, ".exe")),
    "regular expression": Regex("CommandLine", "invoke-[a-z]+"),
    "keyword": Like(None, (Wild.MANY, "mimikatz", Wild.MANY)),
    "number": Equals("EventID", 4688),
    "boolean": Equals("flag", True),
    "comparison": Compare("Count", ">=", 5),
    "network": InNetwork("SourceIp", "192.0.2.0/24"),
    "exists": Exists("User"),
    "any value": Like("User", (Wild.MANY,)),
    "field to field": SameAs("User", "TargetUser", "contains"),
    "time part": TimePart("UtcTime", "hour", "<", 6),
    "list": InList("SourceIp", "bad", (("192.0.2.7", 10**16),)),
    "function": Equals(Call("domain", "Url"), "example.com"),
}


@pytest.mark.parametrize("row", TARGET.capabilities, ids=[row.construct for row in TARGET.capabilities])
def test_the_table_shows_what_is_written(row: Capability) -> None:
    assert row.kind == "exact"
    if row.written:
        assert f"    return {row.written}\n" in text_of(ready(CONSTRUCTS[row.construct]))
    else:
        assert matches(Equals("f", "b"))({"f": ["a", "b"]})


def test_only_what_a_rule_needs_is_in_its_module() -> None:
    (rule,) = loaded(FOLDER / "small" / "one_word.yml")
    text = text_of(ready(expr_of(rule)))
    assert "everywhere" not in text
    assert "tuple)" not in text
    nodes = ast.walk(ast.parse(text))
    names = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assert {"matches", "selection", "Fields", "texts", "contains", "fold"} <= names
    assert names.isdisjoint({"equals", "numbers", "like_test", "regex_test", "everywhere", "network", "instant_us"})


def test_modules_are_tidy(tmp_path: Path) -> None:
    """A linter finds nothing, a type checker neither (in nightly runs), and lines are short where they can be."""
    for number, rule in enumerate(starter()):
        (tmp_path / f"rule_{number}.py").write_text(text_of(ready(expr_of(rule), rule.rule)), "utf-8")
    (tmp_path / "detections.py").write_text(set_text([ready(expr_of(rule), rule.rule) for rule in starter()]), "utf-8")
    for name in ("every_construct.rule", "hostile.yml"):
        text = (FOLDER / f"{name}.py.txt").read_text("utf-8")
        (tmp_path / f"{name.partition('.')[0]}.py").write_text(text, "utf-8")
    chosen = "E,F,W,I,N,UP,B,D1,RUF,C4,PIE,RET,SIM"
    tool = [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length", "120", "--select", chosen]
    tool += ["--ignore", "RUF001,RUF002,RUF003,D101,D102,D103,D105,D107"]
    done = subprocess.run([*tool, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    if NIGHTLY:
        done = subprocess.run([sys.executable, "-m", "mypy", "--strict", str(tmp_path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def everything() -> bytes:
    """Return the text of every module of the starter rules and of the cases."""
    rules = [ready(expr_of(rule), rule.rule) for rule in loaded(ROOT / "rules", FOLDER)]
    return (set_text(rules) + "".join(map(text_of, rules))).encode()


def test_the_same_bytes_every_time() -> None:
    script = "import sys; from tests.test_python_target import everything; sys.stdout.buffer.write(everything())"
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True)
    assert len(done.stdout) > 10_000
    assert done.stdout == everything()


# --- alone -----------------------------------------------------------------------------------------------------------

ALONE = """
import json, sys
allowed = sys.stdlib_module_names | set(sys.argv[2:])
class Guard:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in allowed:
            raise ImportError(name + " is not of the standard library")
if "re2" in allowed:
    sys.path.append(sys.argv[3])
sys.meta_path.insert(0, Guard())
names = {"__name__": "emitted"}
exec(compile(open(sys.argv[1], encoding="utf-8").read(), sys.argv[1], "exec"), names)
says = names.get("matches") or names["matching"]
print(json.dumps([says(json.loads(line)) for line in sys.stdin]))
"""


def alone(path: Path, events: Iterable[Event]) -> list[Any]:
    """Return what a module says of events in a Python that has nothing but the standard library, and RE2 if it asks."""
    where = [str(Path(re2.__file__).parent.parent), "_re2"] if "\nimport re2" in path.read_text("utf-8") else []
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ALONE, str(path), *(["re2", *where] if where else [])],
        input="".join(json.dumps(event) + "\n" for event in events),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: list[Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", ["every_construct.rule", "hostile.yml", "small/one_word.yml"])
def test_a_module_runs_alone(name: str, tmp_path: Path) -> None:
    (rule,) = loaded(FOLDER / name)
    expr = expr_of(rule)
    (tmp_path / "rule.py").write_text(text_of(ready(expr, rule.rule)), "utf-8")
    events = list(witnesses(expr))
    answers = alone(tmp_path / "rule.py", events)
    assert answers == [holds(expr, event) for event in events]
    assert {True, False} == set(answers)


def test_a_module_for_many_runs_alone(tmp_path: Path) -> None:
    rules = [rule for rule in starter() if rule.rule.logs.product == "windows"]
    (tmp_path / "rules.py").write_text(set_text([ready(expr_of(rule), rule.rule) for rule in rules]), "utf-8")
    events = [event for rule in rules for event in witnesses(expr_of(rule))]
    wanted = [[rule.rule.label for rule in rules if holds(expr_of(rule), event)] for event in events]
    assert alone(tmp_path / "rules.py", events) == wanted
    assert {len(found) for found in wanted} >= {0, 1}


# --- the law says the same -------------------------------------------------------------------------------------------


def witnesses(expr: Expr, count: int = 3) -> Iterator[Event]:
    """Yield events that match an expression, some that miss it by one leaf, and one with nothing in it."""
    yield from positives(expr, count=count)
    found = (miss.found for miss in near_misses(expr))
    yield from islice((event for event in found if isinstance(event, dict)), 4 * count)
    yield {}


def check(rules: Iterable[Loaded], count: int) -> tuple[int, int]:
    """Compare the modules of rules with the law on their witnesses; return how many events were asked and matched."""
    asked = found = 0
    for rule in rules:
        says = matches(expr_of(rule))
        for event in witnesses(expr_of(rule), count):
            assert says(event) is holds(expr_of(rule), event), (rule.rule.label, event)
            asked, found = asked + 1, found + says(event)
    return asked, found


def test_starter_rules() -> None:
    asked, found = check(starter(), 5)
    assert found >= len(starter())
    assert asked > 2 * found


@settings(max_examples=MANY // 2)
@given(st.data())
def test_starter_rules_on_varied_events(data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from(starter()))
    event = data.draw(strategy(expr_of(rule)))
    assert matches(expr_of(rule))(event) is holds(expr_of(rule), event)


def test_sigmahq_rules() -> None:
    folders = ("rules", "rules-threat-hunting", "rules-emerging-threats", "rules-compliance", "rules-placeholder")
    chosen = folders if NIGHTLY else ("rules/cloud/aws", "rules/linux/process_creation", "rules/windows/powershell")
    rules = loaded(*(shared(f"sigmahq/{folder}") for folder in chosen))
    asked, found = check(rules if NIGHTLY else rules[::5], 1)
    assert found > len(rules) // 5 * 0.9
    assert asked > 2 * found


def test_real_events() -> None:
    rules = loaded(shared("sigmahq/rules/linux"), *([shared("sigmahq/rules/windows")] if NIGHTLY else []))
    asked = Module.parse(set_text([ready(expr_of(rule), rule.rule) for rule in rules]))["matching"]
    hits = 0
    for event in corpora.events("linux/events.ndjson"):
        seen = Seen(event)
        wanted = [rule.rule.label for rule in rules if holds(expr_of(rule), seen)]
        assert asked(event) == wanted
        hits += len(wanted)
    assert hits


def test_hints_of_the_log_source_are_no_keywords() -> None:
    says = matches(Like(None, ("x",)))
    assert not says({"_product": "x", "_service": ["x"], "_category": {"a": "x"}, "x": "y"})
    assert says({"product": "x"})
    assert says({"a": {"_product": "x"}})


def test_a_field_is_asked_with_case_and_without() -> None:
    exact, folded = Equals("f", "Ab", cased=True), Equals("f", "Ab")
    for expr in (And((folded, exact)), And((exact, folded)), And((folded, Not(exact))), And((Not(exact), folded))):
        for event in ({"f": "Ab"}, {"f": "aB"}, {"f": ["ab", "Ab"]}):
            assert matches(expr)(event) is holds(expr, event)


def test_events_nested_deep() -> None:
    inner: Any = "x"
    for _ in range(900):
        inner = [inner]
    assert matches(Equals("f", "x"))({"f": inner})
    assert matches(Like(None, ("x",)))({"f": {"g": inner}})


FIELDS = st.sampled_from([
    Call("len", "a"), Call("lower", "b"), Call("domain", "a"), Call("net", "c.d", 24), Call("net", "a", "64"),
])  # fmt: skip
EXPIRIES = st.sampled_from([None, 1_000_000, 1_736_154_300_000_000, 1_900_000_000_000_000, 9_000_000_000_000_000])
ENTRIES = st.lists(st.tuples(st.sampled_from([*strategies.WORDS, *strategies.NETWORKS, "É/8"]), EXPIRIES), max_size=6)
LISTED = st.builds(InList, st.sampled_from(strategies.FIELDS), st.sampled_from(["n", "x\n"]), ENTRIES.map(tuple))
MORE = st.one_of(LISTED, FIELDS.flatmap(strategies.atoms)).map(lambda atom: Leaf(Item(atom.field, (), ()), atom))
WHOLE: SearchStrategy[Expr] = st.one_of(
    strategies.expressions(),
    st.builds(lambda one, other: Or((one, other)), MORE, MORE),
    st.builds(lambda one, other, third: And((one, Not(Or((other, Named("s0", third)))))), MORE, MORE, MORE),
)
TIMES = st.sampled_from([*strategies.TIMES, "06/Jan/2025:09:05:00 +0000", "6 Jan", 10**30, True, None])
EVENTS = st.builds(
    lambda event, more: {**event, **more},
    strategies.events(),
    st.fixed_dictionaries({}, optional={"@timestamp": TIMES, "time": TIMES, "_product": st.just("a"), "host": TEXTS}),
)


@settings(max_examples=2 * MANY)
@given(WHOLE, st.lists(EVENTS, min_size=4, max_size=12))
def test_random_rules_and_events(expr: Expr, events: list[Event]) -> None:
    says = matches(expr)
    assert [says(event) for event in events] == [holds(expr, event) for event in events]


@settings(max_examples=MANY // 2)
@given(st.lists(WHOLE, min_size=1, max_size=4), EVENTS, st.sets(st.sampled_from(["made up", "made up (2)"])))
def test_random_sets(exprs: list[Expr], event: Event, among: set[str]) -> None:
    names = Module.parse(set_text([ready(expr) for expr in exprs]))
    labels = ["made up", *(f"made up ({number})" for number in range(2, len(exprs) + 1))]
    assert list(names["RULES"]) == labels
    found = [label for label, expr in zip(labels, exprs, strict=True) if holds(expr, event)]
    assert names["matching"](event) == found
    assert names["matching"](event, among) == [label for label in found if label in among]
