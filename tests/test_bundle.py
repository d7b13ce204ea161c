"""Bundles: the same rules say the same without their files, in the same bytes, and damage is told in a sentence."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw, structs

from ruleengine.codec import NotKept
from ruleengine.codec.lowered import DEEPEST, lowered, lowered_bytes, lowered_form
from ruleengine.engine import Engine
from ruleengine.engine.bundle import (
    FORMAT,
    MAGIC,
    BundleError,
    BundleForm,
    NotBundled,
    RuleForm,
    bundle_of,
    bundle_rule,
    read_bundle,
)
from ruleengine.engine.cache import DIGEST_BYTES, digest
from ruleengine.engine.programs import UNKNOWN
from ruleengine.engine.sketches import Sketch
from ruleengine.engine.terms import Term
from ruleengine.events.complaints import Complaints
from ruleengine.ir import (
    And,
    Call,
    Compare,
    Equals,
    Expr,
    InList,
    InNetwork,
    Item,
    Leaf,
    Like,
    LogSource,
    Not,
    ParamRef,
    Regex,
    Rule,
    SameAs,
    Single,
    Wild,
)
from ruleengine.load import Loaded, load
from ruleengine.walk import walk
from tests import strategies
from tests.conftest import ROOT, Run
from tests.corpora import NIGHTLY
from tests.engine_cases import Lane, blocks, for_any, lanes, lines_of, sigmahq, ways
from tests.exactly import same
from tests.test_cache_rules import PROJECT, filters, write
from tests.test_codec import MISSHAPEN, places, with_part

EVENTS = None if NIGHTLY else 2_000  # of each lane


def bundled(rules: Sequence[Loaded]) -> bytes:
    return bundle_of(map(bundle_rule, rules))


def loaded(expr: Expr, logs: LogSource | None = None, **fields: Any) -> Loaded:
    return Loaded(Rule("made up", logs or LogSource(), Single((), ()), **fields), expr)


# --- what a rule says ----------------------------------------------------------------------------------------------


@given(strategies.expressions())
def test_an_expression_comes_back_as_it_was(expr: Expr) -> None:
    same(expr, lowered(lowered_form(lowered_bytes(expr))))


ODD: tuple[Expr, ...] = (
    Compare(Call("net", "ip", 24), ">", 1 << 70),
    Equals(Call("len", "a"), Decimal("1E+400"), cased=True),
    Equals("a", -(1 << 63) - 1),
    InList("a", "bad", (("x", None), ("192.0.2.0/24", -1))),
    SameAs("a", Call("lower", "b"), "endswith", True),
    Leaf(
        Item("a", ("contains",), (ParamRef("p"), "p", None, Decimal("1.50"), 1 << 64, True), True),
        Like(None, (Wild.ONE, "é\0", Wild.MANY)),
    ),
    And(()),
)
"""What random expressions lack."""


@pytest.mark.parametrize("expr", ODD, ids=lambda expr: type(expr).__name__)
def test_odd_parts_come_back_too(expr: Expr) -> None:
    same(expr, lowered(lowered_form(lowered_bytes(expr))))


@given(st.data())
@settings(max_examples=400)
def test_an_expression_of_other_parts_is_refused_or_is_one(data: st.DataObject) -> None:
    form = msgspec.msgpack.decode(lowered_bytes(And((*ODD, Regex("a", "b+", "i"), InNetwork("a", "192.0.2.0/24")))))
    place = data.draw(st.sampled_from([place for place in places(form) if place]))
    changed = msgspec.msgpack.encode(with_part(form, place, data.draw(MISSHAPEN)))
    try:
        found = lowered_form(Raw(changed))
    except ValueError:
        return
    assert bytes(lowered_bytes(lowered(found))) == changed, "only what fits is decoded"


def nested(levels: int) -> Expr:
    expr: Expr = Equals("a", "b")
    for _ in range(levels):
        expr = Not(expr)
    return expr


@pytest.mark.parametrize("expr", [nested(DEEPEST), nested(5_000), Equals("a", "\ud800")])
def test_what_no_bundle_can_hold_is_refused_when_it_is_written(expr: Expr) -> None:
    with pytest.raises(NotKept):
        lowered_bytes(expr)
    with pytest.raises(NotBundled):
        bundle_rule(loaded(expr))


def test_the_deepest_rule_can_be_asked() -> None:
    engine = Engine.from_bundle(bundled([loaded(nested(DEEPEST - 2))]))
    assert engine.found({"a": "b"}) == (0,) and engine.found({"a": "c"}) == ()


# --- all rules -----------------------------------------------------------------------------------------------------


def check_say_the_same(engines: Sequence[Engine], data: bytes) -> int:
    """Compare the answers of engines, with a sieve and without; return the number of matches."""
    answers = []
    for engine in chain.from_iterable(map(ways, engines)):
        problems: list[Any] = []
        answer = engine.block(data, 1, Complaints("lines", problems.append))
        answers.append((answer.events, answer.hits, problems))
        assert all(engine.found(event) == found for _, event, found in answer.hits[:200])
    assert all(answer == answers[0] for answer in answers)
    return sum(len(found) for *_, found in answers[0][1])


@pytest.fixture(scope="module")
def everything() -> tuple[Sequence[Loaded], bytes]:
    """All of SigmaHQ's rules, of their log sources and of any, and their bundle."""
    rules = (*sigmahq(), *for_any(sigmahq()[:200]))
    return rules, bundled(rules)


@pytest.fixture(scope="module")
def engines(everything: tuple[Sequence[Loaded], bytes]) -> Sequence[Engine]:
    rules, kept = everything
    return Engine.from_rules(rules), Engine.from_bundle(kept)


def test_every_rule_of_sigmahq_comes_back(everything: tuple[Sequence[Loaded], bytes]) -> None:
    rules, kept = everything
    found = read_bundle(kept).rules
    assert len(found) == len(rules)
    for one, other in zip(rules, found, strict=True):
        assert one.expr == other.expr and other.askable
        assert other.expr is not None and not any(node.span for node in walk(other.expr))
        for name in ("title", "logs", "id", "name", "level", "status", "tags", "meta"):
            assert getattr(other.rule, name) == getattr(one.rule, name)
        assert (one.rule.source and one.rule.source.path) == (other.rule.source and other.rule.source.path)


@pytest.mark.parametrize("lane", [lane for lane in lanes() if not lane.hints], ids=lambda lane: lane.events)
def test_a_bundle_says_the_same_on_real_events(lane: Lane, engines: Sequence[Engine]) -> None:
    for data in blocks(islice(lines_of(lane), EVENTS), 1 << 24):
        check_say_the_same(engines, data)


def test_a_bundle_of_our_rules_says_the_same_on_their_fixtures() -> None:
    rules = load([str(ROOT / "rules")], lambda _: None).events
    data = b"".join(path.read_bytes() for path in sorted((ROOT / "fixtures").rglob("*.ndjson")))
    assert check_say_the_same((Engine.from_rules(rules), Engine.from_bundle(bundled(rules))), data) > 20


@given(st.lists(strategies.expressions(), min_size=1, max_size=4), st.lists(strategies.events(), max_size=4))
def test_random_rules_say_the_same(exprs: list[Expr], events: list[dict[str, Any]]) -> None:
    rules = list(map(loaded, exprs))
    first, second = Engine.from_rules(rules), Engine.from_bundle(bundled(rules))
    for event in events:
        assert first.found(event) == second.found(event)


def test_a_rule_out_of_a_bundle_goes_to_other_processes() -> None:
    rules = read_bundle(bundled([loaded(ODD[0]), loaded(Equals("a", "b"), meta=(("k", [1.5]),))])).rules
    again = pickle.loads(pickle.dumps(rules))
    assert again == rules and Engine.from_rules(again).found({"a": "b"}) == (1,)


# --- damage --------------------------------------------------------------------------------------------------------

SMALL = bundled([loaded(ODD[3]), loaded(Like("a", (Wild.MANY, "whoami.exe")), meta=(("k", Decimal("1.5")),))])
HEAD = len(MAGIC) + len(f"{FORMAT}\n")


def sealed(content: bytes) -> bytes:
    """Return a bundle of any content, with the digest that fits."""
    return MAGIC + b"%d\n" % FORMAT + digest(content) + content


def refused(data: bytes) -> str:
    """Return the sentence that refuses a bundle."""
    with pytest.raises(BundleError) as told:
        Engine.from_bundle(data)
    sentence = str(told.value)
    assert sentence and "\n" not in sentence and not sentence.endswith(".")
    return sentence


@given(st.integers(0, len(SMALL) - 1), st.integers(0, 7))
def test_any_bit_flipped_is_told(at: int, bit: int) -> None:
    refused(bytes([*SMALL[:at], SMALL[at] ^ (1 << bit), *SMALL[at + 1 :]]))


@given(st.integers(0, len(SMALL) - 1), st.binary(min_size=1, max_size=9))
def test_any_end_cut_off_or_put_on_is_told(at: int, more: bytes) -> None:
    refused(SMALL[:at])
    refused(SMALL + more)


@given(st.binary(max_size=99))
def test_other_bytes_are_told(data: bytes) -> None:
    refused(data)
    refused(sealed(data))


def test_sentences_say_what_to_do() -> None:
    assert "the file is empty" in refused(b"") and "--fast" in refused(b"")
    assert "a newer version" in refused(SMALL.replace(b"bundle 1\n", b"bundle 2\n"))
    assert "first line" in refused(SMALL[: HEAD - 1])


@given(st.data())
@settings(max_examples=300)
def test_a_bundle_of_other_parts_is_refused_or_can_be_used(data: st.DataObject) -> None:
    """Whoever makes the digest fit can make rules of their own, and nothing that breaks later."""
    form = msgspec.msgpack.decode(SMALL[HEAD + DIGEST_BYTES :])
    place = data.draw(st.sampled_from([place for place in places(form) if len(place) > 1]))
    try:
        engine = Engine.from_bundle(sealed(msgspec.msgpack.encode(with_part(form, place, data.draw(MISSHAPEN)))))
    except BundleError:
        return
    for event in ({"a": "x"}, {"a": "c:\\whoami.exe"}, {}):
        assert {found.rule.title for found in engine.matches(event)} <= {found.rule.title for found in engine.rules}


def with_rule(**changed: Raw) -> bytes:
    """Return a bundle of one rule about `whoami.exe`, of which some parts are others."""
    form = msgspec.msgpack.decode(bundle_rule(loaded(Like("a", (Wild.MANY, "whoami.exe")))), type=RuleForm)
    whole = msgspec.msgpack.decode(SMALL[HEAD + DIGEST_BYTES :], type=BundleForm)
    rule = Raw(msgspec.msgpack.encode(structs.replace(form, **changed)))
    return sealed(msgspec.msgpack.encode(structs.replace(whole, rules=(rule,))))


def raw(value: Any) -> Raw:
    return Raw(msgspec.msgpack.encode(value))


@pytest.mark.parametrize(
    "says",
    [
        [20, "a", "(", ""],
        [20, "a", "(?:a{999}){999}", ""],
        [22, "a", "192.0.2.1/24"],
        [18, [10, "eval", ["a"]], "b", False],
    ],
    ids=str,
)
def test_an_expression_that_cannot_be_asked_is_refused(says: Any) -> None:
    assert "what no rule can be" in refused(with_rule(says=raw(says)))


def test_an_expression_without_end_is_refused() -> None:
    assert "too deep" in refused(with_rule(says=Raw(b"\x92\x0f" * 100_000 + b"\x92\x17\xa1a")))
    assert "too deep" in refused(with_rule(says=Raw(b"\x92\x0f" * (DEEPEST + 1) + b"\x92\x17\xa1a")))


@pytest.mark.parametrize("literal", ["", "a\nb", "\u0100", "x" * 100_000])
def test_a_sketch_of_which_no_automaton_can_be_made_is_refused(literal: str) -> None:
    sketch = Sketch((Term(frozenset((literal,))),), frozenset(), UNKNOWN, ())
    assert "literal" in refused(with_rule(sketch=raw(sketch)))


def test_the_sketches_of_another_version_are_not_believed() -> None:
    never = raw(Sketch((), frozenset(), UNKNOWN, ()))
    event = {"a": "whoami.exe"}
    assert not Engine.from_bundle(with_rule(sketch=never)).found(event)
    whole = msgspec.msgpack.decode(with_rule(sketch=never)[HEAD + DIGEST_BYTES :], type=BundleForm)
    other = structs.replace(whole, made_by=b"another version")
    assert Engine.from_bundle(sealed(msgspec.msgpack.encode(other))).found(event) == (0,)


# --- as people use it ----------------------------------------------------------------------------------------------

FAST = ("-t", "python", "--fast", "-o")


def test_rules_that_stand_on_other_files_are_in_the_bundle(tmp_path: Path, ruleengine: Run) -> None:
    write(tmp_path, PROJECT | {"rules/filter.yml": filters("[b]")})
    done = ruleengine("compile", "rules", *FAST, "out/x.rulebundle", cwd=tmp_path)
    assert done.returncode == 3 and "RE904" in done.stderr and "7 rules in a bundle" in done.stderr
    words = ("one", "25", "15", "x b", "a", "a - me")
    events = [dict(zip(("f", "host", "u"), each.split(), strict=False)) for each in words]
    text = "".join(json.dumps(event) + "\n" for event in events)
    before = ruleengine("match", "-", "--rules", "rules", "--format", "ndjson", cwd=tmp_path, given=text)
    shutil.rmtree(tmp_path / "rules")
    after = ruleengine("match", "-", "--rules", "out/x.rulebundle", "--format", "ndjson", cwd=tmp_path, given=text)
    assert after.stdout == before.stdout and after.returncode == 0
    matched = {(row["title"], row["line"]) for row in map(json.loads, after.stdout.splitlines())}
    wanted = {("listed", 1), ("limited", 2), ("uses", 4), ("b", 5)}
    assert wanted <= matched and {("limited", 3), ("b", 6)}.isdisjoint(matched)


def test_the_same_rules_are_the_same_bytes(tmp_path: Path, ruleengine: Run) -> None:
    made = []
    for seed in ("1", "2"):
        path = tmp_path / f"{seed}.rulebundle"
        env = {"PYTHONHASHSEED": seed}
        assert ruleengine("compile", "rules/windows", "rules/cloud", *FAST, path, env=env).returncode == 0
        made.append(path.read_bytes())
    assert made[0] == made[1]
    words = ("compile", "rules/windows", "rules/cloud", *FAST, tmp_path / "1.rulebundle", "--check")
    assert ruleengine(*words).returncode == 0
    (tmp_path / "1.rulebundle").write_bytes(made[0] + b"x")
    stale = ruleengine(*words)
    assert stale.returncode == 1 and "RE905" in stale.stderr
    assert {path.suffix for path in tmp_path.iterdir()} == {".rulebundle"}


USAGE = (
    "--fast -o x.rulebundle",
    "-t splunk --fast -o x.rulebundle",
    "-t python:set --fast -o x.rulebundle",
    "-t python --fast",
    "-t python --fast -o x.json",
    *(f"-t python --fast -o x.rulebundle {more}" for more in ("--format ndjson", "--explain", "--strict", "-O a=b")),
)


@pytest.mark.parametrize("words", USAGE)
def test_what_would_be_passed_over_is_refused_with_a_hint(words: str, tmp_path: Path, ruleengine: Run) -> None:
    done = ruleengine("compile", ROOT / "rules" / "cloud", *words.split(), cwd=tmp_path)
    assert done.returncode == 2 and "RE701" in done.stderr and "--fast -o rules.rulebundle" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_rule_is_no_bundle(tmp_path: Path, ruleengine: Run) -> None:
    done = ruleengine("compile", "rules", "tag:none", *FAST, tmp_path / "x.rulebundle")
    assert done.returncode == 5 and list(tmp_path.iterdir()) == []


def test_match_takes_bundles_as_it_takes_folders(tmp_path: Path, ruleengine: Run) -> None:
    path = tmp_path / "x.rulebundle"
    ruleengine("compile", "rules/cloud", "rules/web", *FAST, path)
    words = ("match", "fixtures", "--format", "ndjson", "--rules")
    for selectors in ([], ["level:high"], ["!rule:aws_*"], ["logsource:aws"]):
        files = ruleengine(*words, "rules/cloud", "rules/web", *selectors)
        for more in ([], ["-j", "2"], ["--no-cache"]):
            bundle = ruleengine(*words, path, *selectors, *more)
            assert bundle.stdout == files.stdout and bundle.returncode == files.returncode == 0
    path.write_bytes(path.read_bytes()[:-1])
    damaged = ruleengine(*words, path, "rules/web")
    assert damaged.returncode == 3 and "RE101 the bundle is damaged" in damaged.stderr and damaged.stdout
    assert ruleengine(*words, path, "-p", "sysmon").returncode == 2


def test_a_bundle_needs_no_rule_files(tmp_path: Path, ruleengine: Run) -> None:
    path = tmp_path / "x.rulebundle"
    ruleengine("compile", "rules/cloud", *FAST, path)
    program = (
        "from ruleengine.engine import Engine\n"
        "engine = Engine.from_bundle('x.rulebundle')\n"
        "print([found.rule.level for found in engine.matches({'eventSource': 'cloudtrail.amazonaws.com', "
        "'eventName': 'DeleteTrail'})])\n"
        "import sys\n"
        "print([name for name in ('lark', 'yaml', 'ruleengine.sigma', 'ruleengine.dsl') if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)}
    )
    assert done.stdout == "['high']\n[]\n", done.stderr
