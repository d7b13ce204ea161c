"""Feeds broken rules and events to the loader and says what goes wrong: an exception, a second lost, a silent pass.

    python -m tests.fuzzing --rules 200000 --events 200000 --seed 1

A failure prints what it was and leaves the input under build/fuzz/ to run it again with.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import yaml
import zstandard

from ruleengine import events, meaning
from ruleengine.checks import check
from ruleengine.draw import draw
from ruleengine.formats import WRITERS
from ruleengine.ir import Expr, Filter, Item, Rule, Single
from ruleengine.load import Loaded, load
from ruleengine.problem import Problem, in_order
from ruleengine.walk import walk
from tests.mutation import EVENTS, RULE, flipped, mutated

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "data"
LOST = ROOT / "build" / "fuzz"
LIMIT_S = 1.0
"""Processor seconds that one input may take."""

BODIES = ("detection", "correlation", "filter")


class Wrong(AssertionError):
    """An input was not treated as promised."""


@contextmanager
def in_time() -> Iterator[None]:
    """Raise Wrong if what is inside takes more processor time than one input may."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise Wrong(f"more than {LIMIT_S * 3} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT_S * 3)
    start = time.process_time()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    if (took := time.process_time() - start) > LIMIT_S:
        raise Wrong(f"took {took:.2f} s")


# --- rules ---------------------------------------------------------------------------------------------------------


def rule_texts() -> list[str]:
    """Return rules to break: ours, the cases', and some of SigmaHQ's when they are beside the checkout."""
    folders = [ROOT / "rules", ROOT / "tests" / "cases" / "sigma"]
    paths = sorted(path for folder in folders for path in folder.rglob("*.yml"))
    texts = [text for path in paths for text in _rules_in(path)]
    theirs = sorted((SHARED / "sigmahq").rglob("*.yml"))
    texts += [path.read_text("utf-8") for path in random.Random(1).sample(theirs, min(300, len(theirs)))]
    return [text for text in texts if len(text) < 20_000]


def _rules_in(path: Path) -> list[str]:
    """Return a file's text; of a file of cases, the rules in it."""
    text = path.read_text("utf-8")
    if "cases" not in path.parts:
        return [text]
    cases = yaml.safe_load(text)
    return [case["yaml"] for case in cases if isinstance(case, dict) and "yaml" in case]


def try_rule(data: bytes, path: Path) -> None:
    """Load a broken file, draw and format every problem, match an event; raise Wrong on a silent pass."""
    path.write_bytes(data)
    problems: list[Problem] = []
    with in_time():
        loaded = load([str(path)], problems.append)
        rules = loaded.rules
        check(rules, problems.append)
        for each in rules:
            if each.expr is not None:
                meaning.holds(each.expr, {"Image": "a", "EventID": 1, "CommandLine": ["-a", None, {"b": 2.5}]})
        found = in_order(problems)
        for one in found[:200]:
            draw(one, colour=True)
    for write in WRITERS.values():
        write(found[:200]).encode("utf-8", "surrogatepass")
    _silent(data, rules, problems)


def _silent(data: bytes, rules: Sequence[Loaded], problems: Sequence[Problem]) -> None:
    """Raise Wrong if something of the file was left out and nothing was said about it."""
    if any(each.expr is None and isinstance(each.rule.body, Single) for each in rules) and not problems:
        raise Wrong("a rule has no meaning and nobody said why")
    if any(found.severity == "error" for found in problems):
        return
    told = {found.code for found in problems}
    roots = _composed(data.decode("utf-8-sig"))
    if roots is None or told & {"RE227", "RE228"}:
        return
    expected = [
        root for root in roots if isinstance(root, yaml.MappingNode) and not set(BODIES).isdisjoint(_keys(root))
    ]
    if len(rules) != len(expected):
        raise Wrong(f"{len(expected)} documents are rules, {len(rules)} were loaded, and no problem says so")
    for root, each in zip(expected, rules, strict=True):
        written, read = _written(root), _read(each.rule)
        if written is not None and read is not None and written != read:
            raise Wrong(f"the detection has {written} values, {read} were read, and no problem says so")


def _composed(text: str) -> list[yaml.Node] | None:
    """Read the text as PyYAML does; what we read without a complaint, it must be able to."""
    try:
        return list(yaml.compose_all(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError as error:
        if "duplicate anchor" in str(error):  # YAML 1.2 allows it
            return None
        raise Wrong(f"PyYAML refuses what was read without a complaint: {error}") from error


def _keys(node: yaml.MappingNode) -> dict[str, yaml.Node]:
    return {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def _written(root: yaml.MappingNode) -> int | None:
    """Count the scalars under the selections of a document, without asking our reader; None with merge keys."""
    kind = "filter" if "filter" in _keys(root) else "detection"
    body = _keys(root).get(kind)
    if not isinstance(body, yaml.MappingNode):
        return None
    others = ("condition", "timeframe", *(("rules",) if kind == "filter" else ()))
    pending = [value for key, value in _keys(body).items() if key not in others]
    count = 0
    while pending:
        node = pending.pop()
        if isinstance(node, yaml.MappingNode):
            if "<<" in _keys(node):
                return None
            pending += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            pending += node.value
        else:
            count += 1
    return count if "<<" not in _keys(body) else None


def _read(rule: Rule) -> int | None:
    """Count the values of all items of a rule."""
    body = rule.body.body if isinstance(rule.body, Filter) else rule.body
    if not isinstance(body, Single):
        return None
    nodes: list[Expr] = [node for selection in body.selections for node in walk(selection.item)]
    return sum(len(node.values) for node in nodes if isinstance(node, Item))


# --- events --------------------------------------------------------------------------------------------------------


def event_texts() -> list[str]:
    """Return event files to break: small NDJSON, JSON arrays and CSV, some nested as EVTX tools write them."""
    records: list[dict[str, object]] = [
        {"EventID": 1, "Image": "C:\\Windows\\explorer.exe", "list": [1, 2.5, None, {"a": []}], "é": "ſK", "b": True},
        {
            "Event": {
                "System": {"EventID": 4688, "Provider": {"#attributes": {"Name": "x"}}},
                "EventData": {"New Value": "1"},
            }
        },
        {"big": 2**80, "small": -1e-7, "text": 'a"b\n', "user": {"name": "a.example"}},
    ]
    for lane in ("sigma-regression/events.ndjson", "windows-attack/nested-sample.ndjson", "linux/events.ndjson"):
        path = SHARED / lane
        if path.exists():
            records += [json.loads(line) for line in path.read_text("utf-8").splitlines()[:40]]
    chance = random.Random(2)
    texts = ['name,count\na,1\n"b,""c",2\n', "a;b;c\n1;2;3\n;;\n", "a\tb\n1\t2\n"]
    for _ in range(150):
        some = chance.sample(records, min(len(records), chance.choice((1, 2, 5))))
        texts.append("".join(json.dumps(record, ensure_ascii=chance.random() < 0.5) + "\n" for record in some))
        texts.append(json.dumps(some, indent=chance.choice((None, 1, 4))))
    return texts


NAMES = ("a.ndjson", "a.jsonl", "a.json", "a.csv", "a.log", "a.ndjson.gz", "a.json.zst", "a.csv.gz", "a")


def try_events(data: bytes, folder: Path, name: str, rules: Sequence[Loaded], *, given: str | None = None) -> None:
    """Read a broken file, ask a few rules about each event, draw the problems; raise Wrong on a silent loss."""
    path = folder / name
    path.write_bytes(data)
    problems: list[Problem] = []
    with in_time():
        records = list(events.read([str(path)], problems.append, format=given))
        for record in records:
            seen = meaning.Seen(record.event)
            for rule in rules:
                assert rule.expr is not None
                meaning.holds(rule.expr, seen)
        for one in problems[:200]:
            draw(one)
    for write in WRITERS.values():
        write(problems[:200])
    if given == "ndjson" and name.endswith("ndjson"):
        _unaccounted(data, [record.line for record in records], problems)
    elif (
        data.strip()
        and not records
        and not problems
        and data.strip() not in (b"[]", b"\xef\xbb\xbf[]")
        and not name.endswith(("csv", "csv.gz"))
    ):
        whole = data.removeprefix(b"\xef\xbb\xbf").strip(b" \r\n\t[]")
        if whole and not _is_table(data):
            raise Wrong("nothing was read, and nothing was said")


def _is_table(data: bytes) -> bool:
    """Say whether a file may be a CSV that is all header."""
    return b"\n" not in data.strip()


def _unaccounted(data: bytes, read: Sequence[int], problems: Sequence[Problem]) -> None:
    """Raise Wrong if a line that is not blank is neither an event nor reported."""
    if any(not found.place.line for found in problems) or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return
    told = {found.place.line for found in problems}
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip(b" \t\r\xef\xbb\xbf") and number not in told and number not in read:
            raise Wrong(f"line {number} is neither an event nor reported")
    if len(set(read)) != len(read):
        raise Wrong("one line became two events")


# --- running -------------------------------------------------------------------------------------------------------


def fuzz_rules(count: int, seed: int | str, show: bool = False) -> list[str]:
    """Try so many broken rules; return what went wrong, a line each."""
    texts, wrong = rule_texts(), list[str]()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rule.yml"
        _handful(Path(folder))  # the grammar is read once, and not by the first input
        for index in range(count):
            data = mutated(random.Random(f"rule {seed} {index}"), texts, RULE)
            try:
                try_rule(data, path)
            except (Exception, RecursionError) as error:  # noqa: BLE001  # whatever escapes is what is looked for
                wrong.append(_keep("rule", index, ".yml", data, error))
            _progress(show, "rules", index, count, wrong)
    return wrong


def fuzz_events(count: int, seed: int | str, show: bool = False) -> list[str]:
    """Try so many broken event files; return what went wrong, a line each."""
    texts, wrong = event_texts(), list[str]()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rules = _handful(folder)
        for index in range(count):
            chance = random.Random(f"events {seed} {index}")
            data = mutated(chance, texts, EVENTS)
            name = chance.choice(NAMES)
            if name.endswith((".gz", ".zst")):
                data = gzip.compress(data, 1) if name.endswith(".gz") else zstandard.compress(data, 1)
                data = flipped(chance, data) if chance.random() < 0.5 else data[: chance.randrange(len(data))]
            given = "ndjson" if name == "a.ndjson" else None
            try:
                try_events(data, folder, name, rules, given=given)
            except (Exception, RecursionError) as error:  # noqa: BLE001  # whatever escapes is what is looked for
                wrong.append(_keep("events", index, f".{name}", data, error))
            _progress(show, "event files", index, count, wrong)
    return wrong


HANDFUL = """
title: a handful of atoms
logsource: {product: any}
detection:
    words: ['explorer', 4688]
    text: {Image|endswith: '.exe', CommandLine|contains|all: ['-a', 'b?c']}
    number: {EventID|gte: 5, big: 1208925819614629174706176, small|lt: 0.5}
    other: {SourceIp|cidr: '192.0.2.0/24', list|re: '^[a-z]+$', user.name|fieldref: text, UtcTime|hour: 3}
    there: {a|exists: true}
    condition: (1 of them and not number) or all of them
"""


def _handful(folder: Path) -> tuple[Loaded, ...]:
    path = folder / "handful.yml"
    path.write_text(HANDFUL, "utf-8")
    problems: list[Problem] = []
    loaded = load([str(path)], problems.append)
    path.unlink()
    assert not problems, problems
    return loaded.events


def _keep(kind: str, index: int, suffix: str, data: bytes, error: BaseException) -> str:
    """Write the input down and return the line that says what happened."""
    LOST.mkdir(parents=True, exist_ok=True)
    path = LOST / f"{kind}-{index}{suffix}"
    path.write_bytes(data)
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(last.filename).name}:{last.lineno}"
    return f"{path.relative_to(ROOT)}: {type(error).__name__}: {str(error)[:200]} ({where})"


def _progress(show: bool, what: str, index: int, count: int, wrong: Sequence[str]) -> None:
    if show and ((index + 1) % 1000 == 0 or index + 1 == count):
        print(f"{index + 1:,} of {count:,} {what}, {len(wrong)} wrong", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, default=2000, help="how many broken rule files")
    parser.add_argument("--events", type=int, default=2000, help="how many broken event files")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--file", type=Path, help="only this rule file or event file, with its traceback")
    given = parser.parse_args()
    if given.file:
        with tempfile.TemporaryDirectory() as folder:
            data = given.file.read_bytes()
            _handful(Path(folder))
            if given.file.suffix == ".yml":
                try_rule(data, Path(folder) / "rule.yml")
            else:
                name = given.file.name.partition(".")[2]
                try_events(
                    data, Path(folder), name, _handful(Path(folder)), given="ndjson" if name == "a.ndjson" else None
                )
        return 0
    wrong = fuzz_rules(given.rules, given.seed, show=True) + fuzz_events(given.events, given.seed, show=True)
    print(*wrong[:50], sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
