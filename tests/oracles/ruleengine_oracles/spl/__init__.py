"""What a Splunk search means for one event: an interpreter of the subset of SPL that single-event rules need.

It is written from the vendor's manuals and imports nothing of ruleengine: its agreement with compiled rules is
evidence. What it does not know it refuses (Unknown); what the manuals leave open it does not guess (Undocumented).

Every rule of evaluation cites its source:
  S1 manual of `search` · S2 of `where` · S3 comparison and conditional functions · S4 manual of `regex`
  S7 Boolean expressions · S8 backslashes, wildcards, SPL and regular expressions · S9 difference between != and NOT
  [D] says that it is documented there, [K] that it is common knowledge, "undocumented" that it is neither.

The subset: `[search] TERMS | COMMAND …`, where a command is
  search TERMS  f=v != < <= > >= with quoted or bare values, `*`, CIDR, CASE(v); f IN (…); NOT, OR, AND; `macro(…)`; *
  where CONDITION · eval f=EXPRESSION, … · regex f="…" · regex f!="…" · fields [+|-] … · table … · a `macro` alone
  lookup TABLE column [AS f] OUTPUT column [AS f], …
with comments in three backticks. Expressions: functions.SIGNATURES lists the functions, eval.lark the operators. Free
text, TERM(), time modifiers, subsearches and every other command are Unknown.

Traps for who writes queries: NULL must not reach AND, OR or NOT, not even beside FALSE; nest `if` instead. A field of
several values belongs to mvfind, mvcount, mvindex, mvmap, mvfilter, isnull and isnotnull only. A name that Splunk uses
itself (host, source, …) is no ordinary field.

Not modelled, because a search for a field cannot see it: how index-time segments may hide a value with wildcards
amid punctuation (S8 warns of it), and settings of fields.conf, props.conf and transforms.conf.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ruleengine_oracles.spl.ingest import ingest
from ruleengine_oracles.spl.pipeline import Query, parse
from ruleengine_oracles.spl.problem import Undecided, Undocumented, Unknown
from ruleengine_oracles.spl.row import Lookups, Row, packed

__all__ = ["Query", "Undecided", "Undocumented", "Unknown", "ingest", "matches", "parse"]


def matches(
    query: str | Query,
    event: Mapping[str, Any],
    *,
    time: float | None = None,
    empty_survives: bool = True,
    lookups: Lookups | None = None,
    environment: Mapping[str, str | list[str]] | None = None,
) -> bool:
    """Return whether an event comes out of a query's pipeline.

    `time` is the event's own in epoch seconds, `lookups` the tables by name, `environment` what index, sourcetype,
    source, host, eventtype and tag are. Terms over those that are not given, and macros, are taken to be true: the
    query is run where it was meant to. Raises Unknown for a query outside the subset, Undocumented for a result that
    no manual promises.
    """
    read = parse(query) if isinstance(query, str) else query
    held = ingest(event, empty_survives=empty_survives, time=time)
    given = {name: [value] if isinstance(value, str) else value for name, value in (environment or {}).items()}
    row = Row({name: packed(values) for name, values in held.items()}, given, lookups or {})
    for step in read.steps:
        if (after := step(row)) is None:
            return False
        row = after
    return True
