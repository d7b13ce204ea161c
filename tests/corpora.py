"""Public corpora beside the repository (`../shared/data`): their rules, their events, and our tables about them.

The corpora have licences of their own and are not part of the project: tests read them where they lie, and skip where
they are absent. `tests/cases/corpora` holds only ids of rules and events and what we say about them.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
import zstandard

from ruleengine.engine import Engine
from ruleengine.events import read
from ruleengine.ir import And, Expr, Leaf, Named, Not, Or
from ruleengine.load import Loaded, load
from ruleengine.meaning import holds
from ruleengine.problem import Problem
from ruleengine.values import Event
from tests.conftest import CASES, ROOT

SHARED = ROOT.parent / "shared" / "data"
NIGHTLY = bool(os.environ.get("RULEENGINE_NIGHTLY"))
"""All events of the large corpora, not a sample of them."""

Pair = tuple[str, str]
"""An event's `_id` and the id of a rule that fires on it."""


def shared(name: str) -> Path:
    """Return a file or folder of the corpora; skips the test that asks when it is not there."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"needs {name} of the shared data beside the repository")
    return path


def unpacked(name: str, folder: Path) -> Path:
    """Unpack an archive of rules (.tar.zst) into a folder, and return the folder."""
    with zstandard.open(shared(name), "rb") as packed, tarfile.open(fileobj=io.BytesIO(packed.read())) as archive:
        archive.extractall(folder, filter="data")
    return folder


def lines(name: str) -> list[dict[str, Any]]:
    """Return the objects of an expectation file, one a line, plain or .zst."""
    path = shared(name)
    data = path.read_bytes()
    if path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
    return [json.loads(line) for line in data.splitlines()]


def case(name: str) -> dict[str, Any]:
    """Return our own table about a corpus."""
    return _case(CASES / "corpora" / f"{name}.yml")


@cache
def _case(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return found


def rules(*folders: Path, unresolved: Sequence[str] = ()) -> tuple[Loaded, ...]:
    """Return the rules of some folders; nothing may be wrong with them but placeholders in the rules named."""
    problems: list[Problem] = []
    found = load([str(folder) for folder in folders], problems.append)
    assert {problem.code for problem in problems} <= {"RE213"}, problems
    assert sorted(str(loaded.rule.id) for loaded in found.rules if loaded.expr is None) == sorted(unresolved)
    return found.events


@cache
def windows_rules() -> tuple[Loaded, ...]:
    """Return SigmaHQ's rules for Windows, loaded once in a process."""
    with tempfile.TemporaryDirectory() as folder:
        archive = unpacked("sigma-rules-windows/rules.tar.zst", Path(folder))
        return rules(archive, unresolved=case("windows-attack")["unresolved"])


def events(name: str) -> Iterator[Event]:
    """Yield the events of a corpus; none of them may be broken."""
    problems: list[Problem] = []
    for record in read([str(shared(name))], problems.append):
        yield record.event
    assert problems == []


def fired(asked: Sequence[Loaded], given: Iterable[Event]) -> set[Pair]:
    """Return which rules fire on which events."""
    engine = Engine.from_rules(asked)
    return {(event["_id"], str(loaded.rule.id)) for event in given for loaded in engine.matches(event)}


def pairs(rows: Iterable[Mapping[str, Any]], key: str = "events") -> set[Pair]:
    """Return the pairs of rows that name a rule (`rule` or `rule_id`) and under `key` events."""
    return {(event, row.get("rule_id") or row["rule"]) for row in rows for event in row.get(key) or ()}


def selection(expr: Expr, name: str) -> Named:
    """Return the selection of this name in a lowered expression."""
    match expr:
        case Named(found, _) if found == name:
            return expr
        case And(items) | Or(items):
            below: Iterable[Expr] = items
        case Not(item) | Named(_, item) | Leaf(_, item):
            below = (item,)
        case _:
            below = ()
    for part in below:
        try:
            return selection(part, name)
        except LookupError:
            continue
    raise LookupError(name)


def check_decision(row: Mapping[str, Any], loaded: Loaded, event: Event, found: set[Pair]) -> None:
    """Check one verdict of ours: the rule fires or not, as said, and so do its selections that are said to decide."""
    where = f"{row['rule']} on {event['_id']}"
    assert loaded.expr is not None
    assert ((event["_id"], row["rule"]) in found) is row["fires"], where
    for name, true in row.get("selections", {}).items():
        assert holds(selection(loaded.expr, name), event) is true, f"{where}: {name}"
    for name, wanted in row.get("values", {}).items():
        assert event.get(name) == wanted, f"{where}: {name}"


# --- the page docs/corpora.md ---------------------------------------------------------------------------------------

PAGE = ROOT / "docs" / "corpora.md"


def _cells(*cells: object) -> str:
    return f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    return "\n".join([_cells(*heads), _cells(*("---" for _ in heads)), *(_cells(*row) for row in rows)])


def _few(ids: Sequence[str]) -> str:
    shown = ", ".join(f"`{id}`" for id in ids[:2])
    return f"{shown}, {len(ids) - 2} more" if len(ids) > 2 else shown


def _verdict(row: Mapping[str, Any]) -> str:
    return "fires" if row["fires"] else "does not fire"


def _decisions(name: str) -> str:
    rows = case(name)["decisions"]
    heads = ("rule", "events", "pairs", "reported by", "verdict", "why")
    return _table(
        heads,
        [
            (f"`{r['rule']}`", _few(r["events"]), len(r["events"]), ", ".join(r["by"]), _verdict(r), r["why"])
            for r in rows
        ],
    )


def tables() -> dict[str, str]:
    """Return the tables of the page by name, made from our case data."""
    attack, bots, hayabusa = case("windows-attack"), case("bot-useragents"), case("hayabusa-samples")
    counted = ("sigma-regression", "windows-attack", "hayabusa-samples", "cloud", "bot-useragents")
    results = [(f"`{name}`", what, f"{number:,}") for name in counted for what, number in case(name)["counts"].items()]
    smoke = [
        (f"`{row['events']}`", " ".join(f"`{folder}`" for folder in row["rules"]), row["every"], row["hits"])
        for row in case("smoke")["runs"]
    ]
    refused = [(f"`{row['pattern']}`", row["why"]) for row in bots["refused"]] or [("none", "")]
    return {
        "results": _table(("corpus", "what", "number"), results),
        "extra": _table(
            ("rule", "events", "proof"), [(f"`{r['rule']}`", _few(r["events"]), r["why"]) for r in attack["extra"]]
        ),
        "disputed-windows-attack": _decisions("windows-attack"),
        "disputed-sigma-regression": _decisions("sigma-regression"),
        "disputed-cloud": _decisions("cloud"),
        "disputed-hayabusa-samples": _table(
            ("rule", "azuma", "verdict", "why"),
            [(f"`{r['rule']}`", r["azuma"], _verdict(r), r["why"]) for r in hayabusa["decisions"]],
        ),
        "refused": _table(("pattern", "why"), refused),
        "smoke": _table(("events", "rules of SigmaHQ", "every n-th event", "pairs that fire"), smoke),
    }


def page_now() -> str:
    """Return the text of the page with its tables made anew."""
    text = PAGE.read_text("utf-8")
    made = tables()
    marks = Counter(part.split(" -->")[0] for part in text.split("<!-- table: ")[1:])
    assert marks == Counter(list(made)), "each table stands on the page once"
    for name, table in made.items():
        head, rest = text.split(f"<!-- table: {name} -->\n")
        text = f"{head}<!-- table: {name} -->\n{table}\n<!-- end -->{rest.split('<!-- end -->', 1)[1]}"
    return text
