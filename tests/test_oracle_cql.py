"""The oracle for LogScale says what the manuals say, refuses what it does not know, and knows nothing of ruleengine."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ruleengine_oracles import cql
from tests.conftest import CASES, ROOT

ORACLE = ROOT / "tests" / "oracles" / "ruleengine_oracles" / "cql"
DATA = CASES / "oracles" / "cql"
EVALUATED = ("filters", "regexes", "functions", "table", "traps")
OUTCOMES = {"passes": True, "dropped": False, "undocumented": "undocumented"}


def cases(name: str) -> list[dict[str, Any]]:
    """Return the cases of a file."""
    loaded: list[dict[str, Any]] = yaml.safe_load((DATA / f"{name}.yml").read_text("utf-8"))
    return loaded


def asked() -> Iterator[Any]:
    """Yield each query with each of its events and what is to come out."""
    for name in EVALUATED:
        for number, case in enumerate(cases(name), 1):
            for outcome, expected in OUTCOMES.items():
                for event in case.get(outcome, ()):
                    yield pytest.param(case, event, expected, id=f"{name}-{number}-{outcome}-{json.dumps(event)}")


def said(query: str, event: dict[str, Any], **more: Any) -> bool | str:
    """Return the oracle's answer, or the word `undocumented`."""
    try:
        return cql.matches(query, event, **more)
    except cql.Undocumented:
        return "undocumented"


@pytest.mark.parametrize(("case", "event", "expected"), list(asked()))
def test_the_oracle_says_what_the_manuals_say(
    case: dict[str, Any], event: dict[str, Any], expected: bool | str
) -> None:
    assert said(case["query"], event, timestamp_ms=case.get("time"), files=case.get("files")) == expected


@pytest.mark.parametrize("case", cases("rejected"), ids=lambda case: case["query"])
def test_what_is_not_known_is_refused_where_it_stands(case: dict[str, Any]) -> None:
    with pytest.raises(cql.Unknown) as refused:
        cql.parse(case["query"])
    assert refused.value.position == case["position"], refused.value


@pytest.mark.parametrize("case", cases("ingest"), ids=lambda case: json.dumps(case["event"]))
def test_an_event_is_stored_flat(case: dict[str, Any]) -> None:
    if case.get("undocumented"):
        with pytest.raises(cql.Undocumented):
            cql.ingest(case["event"])
        return
    fields = cql.ingest(case["event"])
    assert json.loads(fields.pop("@rawstring")) == case["event"]
    assert fields == case["fields"]


def test_a_lookup_file_that_was_not_given_is_no_answer() -> None:
    with pytest.raises(cql.Unknown, match=r"other\.csv"):
        cql.matches('match(file="other.csv", field=a, column="v")', {"a": "x"}, files={"l.csv": []})


def test_each_file_of_cases_has_a_key_of_each_kind_only() -> None:
    known = {"query", "why", "time", "files", *OUTCOMES}
    for name in EVALUATED:
        for case in cases(name):
            assert set(case) <= known and set(case) & set(OUTCOMES), case
    assert sum(1 for _ in asked()) >= 120


# --- properties ----------------------------------------------------------------------------------------------------

TEXTS = st.text(alphabet=st.sampled_from("abAB*?/\\\"'.+()[]{}|^$- \n\t\r1٣éßk\u212a\u017f\u2028😀"), max_size=6)


def literal(text: str) -> str:
    """Return a text as a regex: word characters as they are, other ASCII escaped."""
    return re.sub(r"[^A-Za-z0-9\x80-\U0010ffff]", lambda found: f"\\x{ord(found[0]):02x}", text)


def string(text: str) -> str:
    """Return a text as a string of CQL."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


@given(TEXTS, TEXTS)
def test_an_escaped_literal_is_itself(wanted: str, value: str) -> None:
    assert cql.matches(rf"a=/\A{literal(wanted)}\z/", {"a": value}) == (wanted == value)
    assert cql.matches(rf"a=/x{literal(wanted)}/", {"a": f"{value}x{wanted}"})
    assert cql.matches(f"text:contains(string=a, substring={string('x' + wanted)})", {"a": value + "x" + wanted})


@given(TEXTS, TEXTS)
def test_equality_and_its_opposite_are_opposites(pattern: str, value: str) -> None:
    for event in ({"a": value}, {"b": value}):
        forms = [f"a={string(pattern)}", f"a!={string(pattern)}", f"NOT a={string(pattern)}", f"!(a={string(pattern)})"]
        answers = [said(form, event) for form in forms]
        if "undocumented" in answers:
            assert set(answers) == {"undocumented"}
        else:
            assert answers == [answers[0], *[not answers[0]] * 3]


@given(st.lists(st.booleans(), min_size=4, max_size=4))
def test_or_binds_more_than_and(truths: list[bool]) -> None:
    event = {name: "1" for name, truth in zip("abcd", truths, strict=True) if truth}
    a, b, c, d = truths
    assert cql.matches("a=1 OR b=1 c=1 AND NOT d=1 OR a=1", event) == ((a or b) and c and (not d or a))
    assert cql.matches("case { a=1 ; b=1 } | c=1 | case { NOT d=1 ; a=1 }", event) == ((a or b) and c and (not d or a))


REGEXES = st.recursive(
    st.sampled_from(["a", "b", "[ab]", "[^a]", "[a-c1]", r"\d", r"[^\n]", "1", r"\x41"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda both: f"(?:{both[0]}|{both[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "*?"])).map(
            lambda both: f"({both[0]}){both[1]}"
        ),
    ),
    max_leaves=6,
)


@given(REGEXES, st.text(alphabet="abcABC1\n-", max_size=6), st.booleans())
def test_on_ascii_a_regex_of_the_shared_part_means_what_it_means_to_python(source: str, value: str, fold: bool) -> None:
    flags = re.ASCII | (re.IGNORECASE if fold else re.NOFLAG)
    expected = re.search(source, value, flags) is not None
    assert cql.matches(f"a=/{source}/{'i' if fold else ''}", {"a": value}) == expected


@given(st.text(alphabet='ab=!"/*|(){};,:[] \n<>5.-_#NOTRDcase', max_size=12))
def test_any_text_is_a_query_or_is_refused(text: str) -> None:
    try:
        cql.parse(text)
    except cql.Unknown as refused:
        assert 0 <= refused.position <= len(text)


# --- a second opinion is no second opinion if it asks the first ---------------------------------------------------


def imports(path: Path) -> Iterator[str]:
    """Yield the modules that a module imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield str(node.module)


@pytest.mark.parametrize("path", sorted(ORACLE.glob("*.py")), ids=lambda path: path.name)
def test_the_oracle_imports_nothing_of_ours(path: Path) -> None:
    allowed = set(sys.stdlib_module_names) | {"lark"}
    for name in imports(path):
        assert name.startswith("ruleengine_oracles.cql") or name.split(".")[0] in allowed, name


def test_the_oracle_is_all_of_these_files() -> None:
    assert sorted(
        path.suffix for path in ORACLE.iterdir() if path.is_file() and path.suffix not in (".py", ".pyc")
    ) == [".lark"]
    assert "import" not in (ORACLE / "grammar.lark").read_text("utf-8").split()
