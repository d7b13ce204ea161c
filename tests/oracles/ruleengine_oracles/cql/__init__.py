"""A second opinion on LogScale queries: the part of CQL that a rule about single events needs, read from the manuals.

It shares no line with ruleengine. Marks such as [D L1] name the source of a rule of evaluation: D is documented (L1 the
grammar, L2 operators, L3 filters, L4 expressions, L5 test(), L6 in(), L7 cidr(), L8 wildcard(), L9 text:…(), L10
array:contains(), L14 regexes), R was run on the vendor's engine, K is common knowledge; [?] nobody documents, and
whatever depends on it raises Undocumented. What is not of this part raises Unknown: the oracle never guesses.
"""

from __future__ import annotations

from typing import Any

from ruleengine_oracles.cql.evaluate import Scope, passes
from ruleengine_oracles.cql.events import Stored, ingest
from ruleengine_oracles.cql.nodes import Query
from ruleengine_oracles.cql.parsing import parse
from ruleengine_oracles.cql.problems import Undocumented, Unknown

__all__ = ["Query", "Undocumented", "Unknown", "ingest", "matches", "parse"]


def matches(
    query: str | Query,
    event: dict[str, Any],
    *,
    timestamp_ms: float | None = None,
    files: dict[str, list[dict[str, Any]]] | None = None,
) -> bool:
    """Return whether an event comes out of a query; `files` are lookup files by name, each a list of rows.

    Raises Unknown for a query that the oracle does not know, Undocumented where the manuals do not say what is true.
    """
    known = parse(query) if isinstance(query, str) else query
    fields = ingest(event, timestamp_ms)
    return passes(known.pipeline, Scope(Stored(fields, dict(fields)), files or {}))
