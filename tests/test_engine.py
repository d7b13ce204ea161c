"""The engine by itself: what it is asked and what it answers, whatever stands in an event or in a block of lines."""

from __future__ import annotations

import copy
import gc
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, permutations, product
from pathlib import Path
from random import Random
from types import FunctionType, ModuleType
from typing import Any

import pytest

from ruleengine.analysis.agree import probes
from ruleengine.engine import Answer, Engine
from ruleengine.engine.cache import Cache
from ruleengine.events.complaints import Complaints
from ruleengine.ir import And, Call, Equals, Exists, Like, Not, Or, Wild
from ruleengine.load import load
from ruleengine.problem import Problem
from ruleengine.schema.logsources import HintFields, event_source
from ruleengine.values import Event
from tests import corpora
from tests.engine_cases import (
    FOLDER,
    Law,
    ask,
    check,
    check_every_way,
    for_any,
    lines,
    made,
    no_complaints,
    says,
    sigmahq,
    small,
    small_engine,
    small_memos,
    way,  # noqa: F401  # a fixture: pytest finds it by its name
)
from tests.engine_forms import FORMS, as_line
from tests.test_python_target import CONSTRUCTS

# --- what it is asked and what it answers --------------------------------------------------------------------------


@pytest.mark.usefixtures("way")
def test_small_rules_and_lines(golden: Callable[[Path, str], None]) -> None:
    """The file of hits is written by the engine, and each of its lines is compared with the law."""
    data = (FOLDER / "lines.ndjson").read_bytes()
    assert ask(data) > 200
    hits = {hit.line: hit for hit in small_engine().match_ndjson(data)}
    rows: list[str] = []
    for number, row in enumerate(lines(), 1):
        found = hits[number].rules if number in hits else ()
        rows += [row.decode(), f"    {'; '.join(rule.rule.title for rule in found)}"]
    golden(FOLDER / "hits.txt", "\n".join(rows) + "\n")
    matched = {rule.rule.title for hit in hits.values() for rule in hit.rules}
    assert matched == {loaded.rule.title for loaded in small()}, "every rule matches some line"


def test_rules_answer_in_their_order() -> None:
    chance = Random(1)
    for _ in range(5):
        rules = list(for_any(small()))
        chance.shuffle(rules)
        rules += rules[:3]
        some = Engine.from_rules(iter(rules))
        assert some.rules == tuple(rules)
        for row in lines():
            event = json.loads(row)
            found = some.found(event)
            assert list(found) == sorted(set(found))
            assert found == says(rules, event)
            assert some.matches(event) == [rules[index] for index in found]


def test_rules_that_are_not_about_one_event_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(
        "title: a\nname: a\nlogsource: {}\ndetection: {s: {a: x}, condition: s}\n---\n"
        "title: c\ncorrelation: {type: event_count, rules: [a], group-by: [b], timespan: 1m, condition: {gte: 2}}\n",
        "utf-8",
    )
    problems: list[Problem] = []
    found = load([str(tmp_path)], problems.append).rules
    assert ([loaded.expr is None for loaded in found], problems) == ([False, True], [])
    some = Engine.from_rules(found)
    assert some.rules == (found[0],)
    assert some.matches({"a": "X"}) == [found[0]]


@pytest.mark.parametrize("expr", [And(()), Or(()), Not(And(())), Not(Exists("a")), Like("a", ()), Not(Equals("a", ""))])
def test_rules_that_say_little(expr: Any) -> None:
    rules = made([expr])
    data = b'{}\n{"a":""}\n{"a":null}\n{"a":{}}\n{"a":[[],{"b":1}]}\n{"a":"x"}\n{"a":0}'
    check_every_way(Engine.from_rules(rules), Law(rules), data)


def test_every_construct_alone_and_with_others() -> None:
    """Each kind of leaf, negated, with another and without it, about events near each of them."""
    kinds = list(CONSTRUCTS.values())
    pairs = list(permutations(kinds, 2))
    both = [And(pair) for pair in pairs] + [Or((one, Not(other))) for one, other in pairs[::3]]
    rules = made([*kinds, *map(Not, kinds), *both, *(And((one, Not(other))) for one, other in pairs)])
    near = [event for kind in kinds for event in probes(kind, 40)]
    chance = Random(4)
    events = [*near, *({**one, **chance.choice(near)} for one in near)]
    some, law = Engine.from_rules(rules), Law(rules)
    assert check_every_way(some, law, b"\n".join(map(as_line, events))) > 20 * len(events)
    for index, kind in enumerate(kinds):
        alone = made([kind, And((kind, kinds[index - 1])), And((kinds[index - 1], Not(kind)))])
        check_every_way(Engine.from_rules(alone), Law(alone), b"\n".join(map(as_line, chance.sample(events, 200))))


@pytest.mark.usefixtures("way")
def test_no_rules_and_no_events() -> None:
    none = Engine.from_rules(())
    assert (none.rules, none.matches({"a": 1}), none.found({}), none.match_ndjson(b'{"a":1}\n')) == ((), [], (), [])
    for data in (b"", b"\n", b" \r\n\n", b"\xef\xbb\xbf"):
        assert small_engine().match_ndjson(data) == []
        assert small_engine().block(data, 1, no_complaints()) == Answer(0, [])


def test_an_engine_from_the_cache_answers_as_one_made_anew(tmp_path: Path) -> None:
    """Also when only some of its rules were kept, in another order, and others are new."""
    told: list[str] = []
    store = Cache(tmp_path, told.append)
    rules = for_any(small()) + made(CONSTRUCTS.values())
    data = b"\n".join([*lines(), *(as_line(event) for kind in CONSTRUCTS.values() for event in probes(kind, 15))])
    for chosen in (rules[:20], rules, rules, rules[::-1], rules[5:], rules[::2] + rules[::3]):
        assert check(Engine.from_rules(chosen, store=store), Law(chosen), data)
    assert (bool(list(tmp_path.iterdir())), told) == (True, [])


def test_the_cache_tells_functions_from_fields_of_their_names(tmp_path: Path) -> None:
    rules = made(
        [Equals(Call("len", "a"), 2), Equals("len(a)", 2), Equals("a", 2), Equals("a", "2"), Equals("a", True)]
    )
    events: list[Event] = [{"a": "xy"}, {"len(a)": 2}, {"a": 2}, {"a": "true"}, {"a": "2", "len(a)": "2"}]
    for chosen in (rules, rules[::-1]):
        some = Engine.from_rules(chosen, store=Cache(tmp_path, print))
        assert [some.found(event) for event in events] == [says(chosen, event) for event in events]


def test_asking_changes_no_event() -> None:
    for row in lines():
        event = json.loads(row)
        before = copy.deepcopy(event)
        small_engine().matches(event)
        assert repr(event) == repr(before)


@pytest.mark.usefixtures("way")
def test_a_block_may_begin_anywhere_and_be_cut_anywhere() -> None:
    rows = lines()
    data = b"\n".join(rows)
    whole = small_engine().block(data, 1, no_complaints())
    for cut in range(0, len(rows), 7):
        head, tail = b"\n".join(rows[:cut]), b"\n".join(rows[cut:])
        ended = head + b"\n" if cut else head
        parts = [small_engine().block(part, at, no_complaints()) for part, at in ((ended, 1), (tail, 1 + cut))]
        assert repr(list(chain(*(part.hits for part in parts)))) == repr(whole.hits)
        assert sum(part.events for part in parts) == whole.events
    later = small_engine().block(data, 5_000_000_001, no_complaints())
    assert [row[0] - 5_000_000_000 for row in later.hits] == [row[0] for row in whole.hits]


@pytest.mark.usefixtures("way")
def test_a_remark_for_tests_is_no_part_of_an_event() -> None:
    rules = made([Like(None, (Wild.MANY, "mimikatz", Wild.MANY)), Exists("@expect")])
    answer = Engine.from_rules(rules).block(b'{"@expect":["mimikatz"],"a":1}', 1, no_complaints())
    assert answer == Answer(1, [])


@pytest.mark.parametrize("hints", [("product", "service", "category"), ("log.product", "log.service", "log.category")])
def test_other_fields_may_state_the_log_source(hints: tuple[str, str, str]) -> None:
    fields = HintFields(*hints)
    some, law = Engine.from_rules(small(), fields), Law(small(), fields)
    odd: tuple[Any, ...] = ("windows", "linux", ["windows"], {}, {"x": 1}, None, 5, "", "sysmon", ["process_creation"])
    events = [{"Image": "C:\\powershell.exe", "m": "failed password", name: value} for name in hints for value in odd]
    nested = [{"m": "failed password", "Image": "x", "log": {name[4:]: value}} for name in hints for value in odd]
    several = [{"Image": "x", "log": value} for value in odd]
    for event in (*events, *nested, *several):
        assert some.source(event) == event_source(event, fields)
        assert some.found(event) == law.says(event) == says(small(), event, fields)
    check_every_way(some, law, b"\n".join(map(as_line, (*events, *nested, *several))))


STATED: dict[str, tuple[Any, ...]] = {
    "Channel": ("Security", "Microsoft-Windows-Sysmon/Operational", "System", 5, None),
    "EventID": (1, 3, "1", 4688, 4624, "4624", True, None),
    "Provider_Name": ("Microsoft-Windows-Sysmon", "x", None),
    "_product": ("windows", "linux", ["windows"], None),
    "_service": ("security", "sysmon", "sshd", None),
    "_category": ("process_creation", ["process_creation", "x"], "registry_set", None),
}


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("names", [*permutations(STATED, 1), *permutations(STATED, 2), tuple(STATED)], ids="-".join)
def test_events_of_one_shape_may_be_of_many_log_sources(names: tuple[str, ...]) -> None:
    chance = Random(6)
    combinations = list(product(*(STATED[name] for name in names)))
    chosen = chance.sample(combinations, min(len(combinations), 60))
    rest = {"Image": "C:\\Windows\\System32\\powershell.exe", "LogonType": 3, "m": "failed password"}
    events = [{**dict(zip(names, values, strict=True)), **rest} for values in (*chosen, *reversed(chosen))]
    wanted = [says(small(), event) for event in events]
    some = Engine.from_rules(small())
    assert [some.found(event) for event in events] == wanted
    other = Engine.from_rules(small())
    for _ in range(2):
        hits = other.block(b"\n".join(map(as_line, events)), 0, no_complaints()).hits
        assert [(place, found) for place, _, found in hits] == [row for row in enumerate(wanted) if row[1]]


def test_the_law_of_these_tests_is_the_law() -> None:
    rules = sigmahq()[::16]
    law = Law(rules)
    events = [*corpora.events("sigma-regression/events.ndjson"), *map(json.loads, lines())]
    chance = Random(3)
    changed = [
        json.loads(FORMS[name](event, chance)) for event in events[::9] for name in ("wrapped", "retyped", "cut")
    ]
    for event in [*events[::4], *changed, *events[::4]]:
        assert law.says(event) == says(rules, event)


# --- memories ------------------------------------------------------------------------------------------------------


def remembered(root: object) -> int:
    """Return how many entries all dictionaries, lists and sets have that an object leads to."""
    seen: set[int] = set()
    pending: list[object] = [root]
    total = 0
    while pending:
        one = pending.pop()
        if id(one) in seen or isinstance(one, type | ModuleType):
            continue
        seen.add(id(one))
        if isinstance(one, dict | list | set):
            total += len(one)
        pending.extend((one.__closure__, one.__defaults__) if isinstance(one, FunctionType) else gc.get_referents(one))
    return total


def strangers(start: int, count: int) -> Iterator[Event]:
    """Yield events that have nothing in common: other values in the same fields, other fields, other log sources."""
    for number in range(start, start + count):
        yield {"a": f"v{number}", "CommandLine": f"mimikatz {number}", "Image": f"C:\\{number}\\powershell.exe"}
        yield {f"k{number}": "mimikatz", "a": number, "b": float(number), "_service": f"s{number}", "EventID": number}
        yield {
            "Channel": f"c{number}",
            "EventID": number,
            "Provider_Name": str(number),
            "c": {"d": {"e": {"f": number}}},
        }


@pytest.mark.usefixtures("way")
def test_what_is_remembered_is_bounded() -> None:
    """Memories that are full start anew, so their size goes up and down; it must not go higher than it once was."""
    with small_memos(16):
        some = Engine.from_rules(small())
        sizes = []
        for start in range(0, 4_000, 40):
            assert some.block(b"\n".join(map(as_line, strangers(start, 40))), 1, no_complaints()).hits
            sizes.append(remembered(some))
    assert max(sizes[20:]) <= 1.1 * max(sizes[:20]), sizes


# --- threads -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("most", [3, 1 << 14])
def test_four_threads_get_the_same_answers(most: int) -> None:
    rules = sigmahq()[::12]
    events = [*map(json.loads, lines()), *corpora.events("sigma-regression/events.ndjson"), *strangers(0, 40)]
    chance = Random(5)
    rows = [as_line(event) for event in events]
    wanted = [says(rules, event) for event in events]
    interval = sys.getswitchinterval()

    def run(seed: int) -> list[Any]:
        order = list(range(len(events)))
        wrong: list[Any] = []
        for turn in range(3):
            Random(seed * 10 + turn).shuffle(order)
            wrong += [place for place in order if some.found(events[place]) != wanted[place]]
            answer = some.block(b"\n".join(rows[place] for place in order), 0, Complaints("x", wrong.append))
            hits = [(place, wanted[place]) for place in order if wanted[place]]
            wrong += [(row, hit) for row, hit in zip(answer.hits, hits, strict=True) if (order[row[0]], row[2]) != hit]
        return wrong

    with small_memos(most), ThreadPoolExecutor(4) as pool:
        some = Engine.from_rules(rules)
        sys.setswitchinterval(1e-6)
        try:
            assert list(chain.from_iterable(pool.map(run, [chance.randrange(1000) for _ in range(8)]))) == []
        finally:
            sys.setswitchinterval(interval)
