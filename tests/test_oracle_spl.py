"""The Splunk oracle reads queries as the vendor's manuals say: cases by the table of differences, and its refusals."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ruleengine_oracles.spl import Query, Undocumented, Unknown, ingest, matches, parse
from ruleengine_oracles.spl.pcre import compiled
from tests.conftest import CASES, ROOT
from tests.real_pcre import library, searches

FOLDER = CASES / "oracles" / "spl"
PACKAGE = ROOT / "tests" / "oracles" / "ruleengine_oracles" / "spl"
OPTIONS = ("time", "empty_survives", "lookups", "environment")
Case = Mapping[str, Any]


def read(name: str) -> list[Case]:
    """Return the cases of a file; those of `where` are written without the search that precedes them."""
    found: list[dict[str, Any]] = yaml.safe_load((FOLDER / f"{name}.yml").read_text("utf-8"))
    start = "* | " if name == "where" else ""
    return [case | {"query": f"{start}{case['query']}"} if "query" in case else case for case in found]


QUERIES = [(name, case) for name in ("search", "where", "commands") for case in read(name)]


def about(kind: str) -> list[Any]:
    """Return the pairs of a case and an event it lists under a key."""
    return [
        pytest.param(case, event, id=f"{name}: {case['query']} {json.dumps(event, default=str)}")
        for name, case in QUERIES
        for event in case.get(kind, [])
    ]


def run(case: Case, event: dict[str, Any]) -> bool:
    return matches(case["query"], event, **{name: case[name] for name in OPTIONS if name in case})


@pytest.mark.parametrize(("case", "event"), about("matches"))
def test_an_event_comes_out(case: Case, event: dict[str, Any]) -> None:
    assert run(case, event) is True


@pytest.mark.parametrize(("case", "event"), about("misses"))
def test_an_event_is_dropped(case: Case, event: dict[str, Any]) -> None:
    assert run(case, event) is False


@pytest.mark.parametrize(("case", "event"), about("open"))
def test_what_no_manual_says_is_not_guessed(case: Case, event: dict[str, Any]) -> None:
    with pytest.raises(Undocumented):
        run(case, event)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["query"]) for _, case in QUERIES if case.get("rejected")])
def test_a_query_outside_the_subset_is_refused_with_its_place(case: Case) -> None:
    with pytest.raises(Unknown) as problem:
        parse(case["query"])
    assert 0 <= problem.value.position <= len(case["query"])


def test_every_case_says_something() -> None:
    known = {"of", "query", "matches", "misses", "open", "rejected", *OPTIONS}
    for _, case in QUERIES:
        assert set(case) <= known
        assert any(case.get(key) for key in ("matches", "misses", "open", "rejected")), case


def test_every_row_of_the_table_and_every_trap_is_covered() -> None:
    rows = (
        "precedence, right-hand side, string equality, equality of numbers, order, wildcard, escapes,"
        " words that need quotes, unequal and missing, NOT and missing, regex command, exists, IN, CIDR, regex,"
        " multivalue, field names, field vs field, raw keyword, time"
    )
    traps = {f"trap {number}" for number in (1, 2, 7, 9, 10, 11, 12, 15)}
    assert {*rows.split(", "), *traps} <= {case["of"] for _, case in QUERIES}


# --- regular expressions ----------------------------------------------------------------------------------------------

PATTERNS: list[Case] = read("regex")


@pytest.mark.parametrize("case", [pytest.param(case, id=case["pattern"]) for case in PATTERNS])
def test_a_pattern_means_what_pcre_says(case: Case) -> None:
    if case.get("rejected"):
        with pytest.raises(Unknown):
            compiled(case["pattern"])
        return
    pattern = compiled(case["pattern"])
    assert [text for text in case.get("matches", []) if not pattern.search(text)] == []
    assert [text for text in case.get("misses", []) if pattern.search(text)] == []


PIECES = r"""
    a b K k s ſ é ß 1 _ - . ^ $ | * + ? {2} {1,2} { } {} [ ] [^ ( ) ) && --
    \A \z \Z \b \B \d \w \s \D \W \S \h \V \N \n \. \x41 \x{e9} \1
    (?: (?i) (?i: (?-i) (?m) (?s) (?ms-i: (?= (?! (?<= (?<! (?> (?<n>
    [:alpha:] [[:lower:]] [a-c] [^k] [\w-] [^\W\d] [\H]
""".split()
SUBJECTS = st.text("abAK\u212ak\u017fséÉß1_ -\n\n\r\v\u2028\xa0{}.][&", max_size=5)


@pytest.mark.skipif(library() is None, reason="libpcre2-8 is not installed")
@given(st.lists(st.sampled_from(PIECES), max_size=7).map("".join), st.lists(SUBJECTS, min_size=4, max_size=8))
@settings(max_examples=300)
def test_a_pattern_means_what_the_real_pcre_says(pattern: str, texts: list[str]) -> None:
    """A pattern that is read is one to PCRE2, and the two agree of every text."""
    try:
        read = compiled(pattern)
    except Unknown:
        return
    assert [bool(read.search(text)) for text in texts] == [searches(pattern, text) for text in texts]


@pytest.mark.skipif(library() is None, reason="libpcre2-8 is not installed")
@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case["pattern"]) for case in PATTERNS if "rejected" not in case]
)
def test_the_cases_are_right_of_the_real_pcre(case: Case) -> None:
    for kind, expected in (("matches", True), ("misses", False)):
        assert [text for text in case.get(kind, []) if searches(case["pattern"], text) is not expected] == []


def test_a_bad_pattern_is_shown_at_its_place() -> None:
    for query in ('* | where match(a,"x**")', '* | regex a="x**"'):
        with pytest.raises(Unknown) as problem:
            parse(query)
        assert query[problem.value.position - 2 : problem.value.position + 1] == "x**"


# --- fields -----------------------------------------------------------------------------------------------------------


def test_an_event_becomes_fields() -> None:
    event = {
        "a": {"b": 1, "c": {"d": True}},
        "a.b": "again",
        "n": [1, None, [2.50]],
        "o": [{"x": "p"}, {"x": "q", "y": {}}],
        "none": None,
        "empty": "",
        "big": 1e20,
        "small": -0.0,
    }
    assert ingest(event, time=1.5) == {
        "a.b": ["1", "again"],
        "a.c.d": ["true"],
        "n{}": ["1"],
        "n{}{}": ["2.5"],
        "o{}.x": ["p", "q"],
        "empty": [""],
        "big": ["100000000000000000000"],
        "small": ["0"],
        "_raw": [json.dumps(event, separators=(",", ":"))],
        "_time": ["1.5"],
    }
    assert "empty" not in ingest(event, empty_survives=False)
    assert "_time" not in ingest(event)


def test_a_query_is_read_once_and_used_often() -> None:
    query = parse("a=1")
    assert isinstance(query, Query)
    assert [matches(query, {"a": value}) for value in (1, 2)] == [True, False]


def test_a_query_that_nests_too_deeply_is_refused() -> None:
    for query in (f'* | where match(a,"{"(" * 5000}{")" * 5000}")', f"{'NOT ' * 5000}a=1"):
        with pytest.raises(Unknown):
            parse(query)


def test_a_lookup_that_was_not_given_is_refused() -> None:
    with pytest.raises(Unknown):
        matches("* | lookup hosts name OUTPUT owner", {"name": "web"})


# --- properties -------------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)


@given(TEXT)
def test_a_quoted_literal_matches_its_own_text(text: str) -> None:
    """In `where` any text can be written; the comparison of a text with itself never depends on what it spells."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    assert matches(f'* | where a="{quoted}"', {"a": text})


@given(TEXT)
def test_an_escaped_pattern_matches_its_own_text_only(text: str) -> None:
    pattern = "".join(f"\\x{{{ord(char):x}}}" for char in text)
    query = parse(f'* | where match(a,"\\A{pattern}\\z")')
    assert matches(query, {"a": text})
    assert not matches(query, {"a": f"{text}\n"})


@given(st.text('ab=()"*|\\ ANDORNOT!<,', max_size=14))
def test_a_query_is_read_or_refused(query: str) -> None:
    """There is no third way out: a text is a query of the subset, or Unknown names a place in it."""
    try:
        parse(query)
    except Unknown as problem:
        assert 0 <= problem.position <= len(query)


# --- independence -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: str(path.name))
def test_the_oracle_imports_nothing_of_ours(path: Path) -> None:
    """Else its agreement with what we compile would prove nothing."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [item.name for item in node.names]
            for name in names:
                top = name.partition(".")[0]
                assert name.startswith("ruleengine_oracles.spl") or top in sys.stdlib_module_names or top == "lark", (
                    name
                )
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert not node.value.startswith("ruleengine"), "nor by name"
