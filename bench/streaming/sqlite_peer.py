"""pySigma's SQLite backend as a matcher: every rule as a query over a table of events; run by a Python that has it.

python bench/streaming/sqlite_peer.py RULES LANE EVENTS         (prints JSON)
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

from sigma.backends.sqlite import sqliteBackend  # in its own environment only
from sigma.collection import SigmaCollection

MISSING = re.compile(r"no such column: (.+)")


def queries(rules: Path) -> tuple[list[str], int]:
    """Return a query for each rule that the backend writes, and for how many it writes none."""
    backend, out, refused = sqliteBackend(), [], 0
    for path in sorted(rules.rglob("*.yml")):
        try:
            out += backend.convert(SigmaCollection.from_yaml(path.read_text("utf-8")))
        except Exception:  # noqa: BLE001  # whatever stops it: the rule is left out, and counted
            refused += 1
    return [query.replace("<TABLE_NAME>", "logs") for query in out], refused


def table(lane: Path, events: int) -> tuple[sqlite3.Connection, int, float]:
    """Return a database in memory with the events as rows, how many they are, and the seconds that took."""
    start = time.perf_counter()
    with lane.open("rb") as stream:
        rows: list[dict[str, Any]] = [json.loads(line) for line in islice(stream, events)]
    fields = list(dict.fromkeys(field for row in rows for field in row))
    base = sqlite3.connect(":memory:")
    base.create_function("regexp", 2, lambda pattern, text: text is not None and bool(re.search(pattern, str(text))))
    base.execute(f"CREATE TABLE logs ({', '.join(f'{quoted(field)} TEXT COLLATE NOCASE' for field in fields)})")
    marks = ", ".join("?" * len(fields))
    base.executemany(
        f"INSERT INTO logs VALUES ({marks})", ([scalar(row.get(field)) for field in fields] for row in rows)
    )
    return base, len(rows), time.perf_counter() - start


def quoted(field: str) -> str:
    """Return a field as the name of a column."""
    return '"' + field.replace('"', '""') + '"'


def scalar(value: Any) -> Any:
    """Return a value as SQLite stores one."""
    return value if isinstance(value, str | int | float) or value is None else json.dumps(value)


def runnable(base: sqlite3.Connection, given: list[str]) -> list[str]:
    """Return the queries that SQLite takes; columns that rules name and events have not are added, and are empty."""
    out = []
    for query in given:
        while True:
            try:
                base.execute(f"EXPLAIN {query}")
            except sqlite3.OperationalError as error:
                missing = MISSING.fullmatch(str(error))
                if missing is None:
                    break
                try:
                    base.execute(f"ALTER TABLE logs ADD COLUMN {quoted(missing[1])} TEXT COLLATE NOCASE")
                except sqlite3.OperationalError:  # a name that no column can have
                    break
                continue
            out.append(query)
            break
    return out


def main(rules: str, lane: str, events: str) -> int:
    """Measure and print; the time of an event is its insertion and its share of all queries."""
    start = time.perf_counter()
    written, refused = queries(Path(rules))
    converting = time.perf_counter() - start
    base, count, inserting = table(Path(lane), int(events))
    able = runnable(base, written)
    start, matches = time.perf_counter(), 0
    failed = 0
    for query in able:
        try:
            matches += len(base.execute(query).fetchall())
        except sqlite3.OperationalError:  # a regular expression that Python's re refuses
            failed += 1
    took = time.perf_counter() - start + inserting
    row = {"us": 1e6 * took / count, "events": count, "matches": matches, "queries": len(able) - failed}
    print(json.dumps(row | {"refused": refused + len(written) - len(able) + failed, "converting_s": converting}))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
