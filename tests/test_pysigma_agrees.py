"""pySigma's reading of SigmaHQ's rules agrees with ours, in truth and in shape; each difference is explained."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import yaml

from ruleengine.analysis.witness import near_misses, positives
from ruleengine.ir import And, Expr, NamedRef, Not, Or, Quantified, Single
from ruleengine.load import Loaded, load
from ruleengine.meaning import Seen, holds
from ruleengine.problem import Problem
from ruleengine.values import Event, number, text
from tests.conftest import CASES, CI, ROOT

SHARED = ROOT.parent / "shared" / "data"
ORACLE = ROOT / "tests" / "pysigma_naive.py"
VERSIONS = ("1.5.1", "2.0.1")
SAMPLE = 150
"""Rules of one run, outside CI others each day; RULEENGINE_ALL=1 takes every rule, as the nightly run does."""

pytestmark = pytest.mark.skipif(
    not (SHARED / "sigmahq").is_dir(), reason="SigmaHQ's rules are not beside the checkout, in ../shared/data"
)


# --- the other reader ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session", params=VERSIONS)
def pysigma(request: pytest.FixtureRequest) -> str:
    """A Python with this version of pySigma, in an environment of its own: sigma-cli wants pySigma 1."""
    version = str(request.param)
    if metadata.version("pysigma") == version:
        return sys.executable
    home = ROOT / f".venv-pysigma-{version}"
    if not (home / "installed").exists():
        pytest.skip(f"pySigma {version} is not there: `make test` puts it into {home.name}")
    return str(home / "bin" / "python")


def asked(python: str, questions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the oracle's answers."""
    given = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run(
        [python, ORACLE], input=given, capture_output=True, text=True, timeout=3600, env=os.environ | {"PYTHONPATH": ""}
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(questions), done.stderr[-2000:]
    return answers


# --- rules and events ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def rules() -> list[Loaded]:
    """Rules of SigmaHQ: a sample, or all in a nightly run."""
    problems: list[Problem] = []
    paths = sorted(str(path) for path in (SHARED / "sigmahq").glob("rules*/**/*.yml"))
    if os.environ.get("RULEENGINE_ALL") != "1":
        paths = sorted(random.Random(1 if CI else date.today().toordinal()).sample(paths, SAMPLE))
    loaded = [
        rule for rule in load(paths, problems.append, evaluating=False).rules if isinstance(rule.rule.body, Single)
    ]
    assert len(loaded) == len(paths), [found for found in problems if found.blocks][:5]
    return loaded


@pytest.fixture(scope="session")
def real() -> list[Event]:
    """A few thousand lines of real logs."""
    lanes = (
        "sigma-regression/events.ndjson",
        "linux/events.ndjson",
        "linux/auditd-events.ndjson",
        "web-crs/events.ndjson",
    )
    lines = [line for lane in lanes for line in (SHARED / lane).read_text("utf-8").splitlines()]
    return [json.loads(line) for line in lines]


def events_for(rule: Loaded, real: Sequence[Event], chance: random.Random) -> Iterator[Event]:
    """Yield events that match, events that nearly do, both slightly changed, and some real ones."""
    assert rule.expr is not None
    ours = list(positives(rule.expr, count=3))
    ours += [miss.found for miss in islice(near_misses(rule.expr), 4) if isinstance(miss.found, dict)]
    yield from ours
    for event in ours:
        for _ in range(2):
            yield changed(event, chance)
    yield from chance.sample(real, 3)
    yield {}


def changed(event: Event, chance: random.Random) -> Event:
    """Return an event with one field lost, emptied, put into an array or object, or written otherwise."""
    if not event:
        return {"field": chance.choice(WORDS)}
    key = chance.choice(sorted(event))
    value = event[key]
    written = text(value) if isinstance(value, str | int | float) else "x"
    at = chance.randrange(len(written) + 1)
    forms: tuple[Any, ...] = (
        *(None, "", [], {}, [value, "other"], ["other", [value]], {"inner": value}, [None, {}]),
        *(
            written.upper(),
            written.lower(),
            written.swapcase(),
            f"{written} ",
            f" {written}",
            f"{written}x",
            f"x{written}",
        ),
        *(
            written[1:],
            written[:-1],
            written[:at] + written[at + 1 :],
            f"{written[:at]}x{written[at:]}",
            f"{written[:at]}\n{written[at:]}",
        ),
        *(chance.choice(WORDS), 5, True, 1.5, 2**70),
    )
    out = event | {key: chance.choice(forms)}
    if chance.random() < 0.1:
        del out[key]
    if "." in key and key in out and chance.random() < 0.5:
        outer, _, inner = key.partition(".")
        out = {name: value for name, value in out.items() if name != key}
        out.setdefault(outer, chance.choice(({inner: value}, [{inner: "other"}, {inner: value}])))
    return out


WORDS = (
    "*",
    "?",
    "\\",
    "a*b",
    "%",
    "0",
    "04688",
    "4688.0",
    "true",
    "null",
    "É",
    "K",
    "ſ",
    "192.0.2.7",
    "::ffff:192.0.2.7",
    "2001:db8::1",
)


# --- the explained differences -------------------------------------------------------------------------------------


EXPLAINED: list[dict[str, str]] = yaml.safe_load((CASES / "sigma" / "pysigma-differences.yml").read_text("utf-8"))


def values_in(value: Any) -> Iterator[Any]:
    """Yield every scalar of an event, keys aside."""
    if isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from values_in(member)
    elif value is not None:
        yield value


def has_non_ascii(rule: str, event: Event) -> bool:
    return not all(text(value).isascii() for value in values_in(event))


def has_a_number_written_otherwise(rule: str, event: Event) -> bool:
    """Some value is a number that the rule names with other digits."""
    named = {float(found) for found in re.findall(r"-?\d+(?:\.\d+)?", rule)}
    numbers = [(given, number(given)) for given in map(text, values_in(event))]
    return any(exact is not None and float(exact) in named and given != f"{float(exact):g}" for given, exact in numbers)


def has_base64(rule: str, event: Event) -> bool:
    return "|base64" in rule


def has_a_line_end_and_a_regex(rule: str, event: Event) -> bool:
    return "|re" in rule and any("\n" in text(value) for value in values_in(event))


def has_a_mapped_address(rule: str, event: Event) -> bool:
    return "|cidr" in rule and any(text(value).lower().startswith("::ffff:") for value in values_in(event))


PREDICATES: dict[str, Callable[[str, Event], bool]] = {
    "non-ascii-case": has_non_ascii,
    "numbers-as-decimals": has_a_number_written_otherwise,
    "base64-case": has_base64,
    "regex-line-end": has_a_line_end_and_a_regex,
    "mapped-address": has_a_mapped_address,
}


def explained(rule: str, event: Event) -> str:
    """Return the id of the row that explains a difference, or nothing."""
    return next((row["id"] for row in EXPLAINED if PREDICATES[row["id"]](rule, event)), "")


def test_the_explained_differences_are_the_ones_with_a_predicate() -> None:
    assert [row["id"] for row in EXPLAINED] == list(PREDICATES)
    page = (ROOT / "docs" / "pysigma-differences.md").read_text("utf-8")
    assert [row["id"] for row in EXPLAINED if f"`{row['id']}`" not in page] == []


# --- the tests -----------------------------------------------------------------------------------------------------


def shape(node: Expr) -> Any:
    match node:
        case And(items) | Or(items):
            return ["and" if isinstance(node, And) else "or", *map(shape, items)]
        case Not(item):
            return ["not", shape(item)]
        case Quantified(quantifier, pattern):
            return [quantifier, pattern]
        case NamedRef(name):
            return name
    raise AssertionError(node)


def test_truth_and_conditions_agree(pysigma: str, rules: list[Loaded], real: list[Event]) -> None:
    """Every rule loads in both, has the same condition, and holds for the same events."""
    questions: list[dict[str, Any]] = []
    ours: list[list[bool]] = []
    for rule in rules:
        if rule.expr is None:
            continue
        path = rule.rule.source.path if rule.rule.source else ""
        events = list(events_for(rule, real, random.Random(path[len(str(SHARED)) :])))
        questions.append({"rule": path, "events": events})
        ours.append([holds(rule.expr, Seen(event)) for event in events])
    wrong: list[str] = []
    matched = compared = 0
    evaluated = [rule for rule in rules if rule.expr is not None]
    for rule, question, truth, answer in zip(evaluated, questions, ours, asked(pysigma, questions), strict=True):
        name = question["rule"][len(str(SHARED)) :]
        if "error" in answer:
            wrong.append(f"{name}: pySigma: {answer['error']}")
            continue
        assert isinstance(rule.rule.body, Single)
        if (mine := [shape(condition) for condition in rule.rule.body.conditions]) != answer["shape"]:
            wrong.append(f"{name}: {mine} is not {answer['shape']}")
        written = Path(question["rule"]).read_text("utf-8")
        for event, here, there in zip(question["events"], truth, answer["truth"], strict=True):
            compared, matched = compared + 1, matched + here
            if here != there and not explained(written, event):
                wrong.append(f"{name}: {here} here, {there} in pySigma for {json.dumps(event)[:400]}")
    assert not wrong, f"{len(wrong)} differences that nothing explains\n" + "\n".join(wrong[:20])
    assert matched > compared / 10, "too few of the events match for the test to mean something"
