"""The engine on events that mean harm: broken, odd, huge and deep lines, and dictionaries that no JSON writes."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from itertools import chain, permutations, product
from random import Random
from typing import Any

import pytest

from ruleengine.engine import Engine
from ruleengine.events.complaints import Complaints
from ruleengine.events.json_text import DEPTH_LIMIT
from ruleengine.ir import And, Atom, Equals, Exists, Like, Not, Or, Regex, Wild
from ruleengine.load import Loaded
from ruleengine.meaning import Seen, holds
from ruleengine.problem import Problem
from ruleengine.values import Event
from tests.corpora import NIGHTLY
from tests.engine_cases import (
    Law,
    ask,
    check,
    for_any,
    is_portable,
    made,
    no_complaints,
    says,
    small,
    small_engine,
    small_memos,
    way,  # noqa: F401  # a fixture: pytest finds it by its name
)

# --- lines that are broken, odd, or large --------------------------------------------------------------------------

GOOD = b'{"CommandLine":"mimikatz","a":"x","b":"y"}'
ODD_LINES: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b" \t \r",
    "no JSON": b"mimikatz",
    "cut": b'{"CommandLine":"mimikatz"',
    "cut in an escape": b'{"CommandLine":"mimikatz\\u00',
    "two objects": b'{"a":"x"}{"a":"y"}',
    "array": b'[{"CommandLine":"mimikatz"}]',
    "text": b'"mimikatz"',
    "number": b"5",
    "null": b"null",
    "trailing comma": b'{"a":"x",}',
    "NaN": b'{"a":NaN,"CommandLine":"mimikatz"}',
    "huge number": b'{"a":1e400}',
    "tiny number": b'{"a":1e-400}',
    "2**70": b'{"a":1180591620717411303424}',
    "2.0**70": b'{"a":1180591620717411303424.0}',
    "many digits": b'{"a":' + b"9" * 4_000 + b"}",
    "too many digits": b'{"a":' + b"9" * 5_000 + b"}",
    "exponent": b'{"a":1E0,"b":100000e-5}',
    "minus nothing": b'{"a":-0}',
    "half a character": b'{"a":"\\ud800","CommandLine":"mimikatz \\udc00"}',
    "half a character in a name": b'{"\\ud800":"mimikatz","CommandLine":"mimikatz"}',
    "a whole one in halves": b'{"a":"\\ud83d\\ude00","CommandLine":"mimi\\u006batz"}',
    "no UTF-8": b'{"CommandLine":"mimikatz \xff\xfe","a":"\xc3"}',
    "no UTF-8 amid": b'{"CommandLine":"mimi\xffkatz"}',
    "half UTF-8 before the end": b'{"a":"x\xe2\x82"}',
    "overlong": b'{"a":"\xc1\xb8","CommandLine":"\xc0\xafmimikatz"}',
    "NUL": b'{"CommandLine":"mimi\\u0000katz","a":"\\u0000"}',
    "raw NUL": b'{"CommandLine":"mimikatz\0"}',
    "raw tab": b'{"CommandLine":"x\t-enc\ty mimikatz"}',
    "NUL alone": b"\0",
    "mark amid": b'\xef\xbb\xbf{"CommandLine":"mimikatz"}',
    "carriage return": b'{"CommandLine":"mimikatz"}\r',
    "carriage return amid": b'{"CommandLine":\r"mimikatz"}',
    "form feed": b'\x0c{"CommandLine":"mimikatz"}',
    "line separator": '{"CommandLine":"mimi\u2028katz","a":"\u2029\x85"}'.encode(),
    "escaped name": b'{"Command\\u004cine":"mimikatz"}',
    "name twice": b'{"a":"x","b":"y","a":{"CommandLine":"mimikatz"}}',
    "escapes": b'{"CommandLine":"\\"mimikatz\\\\\\/\\b\\f\\n\\r\\t"}',
    "backslashes": b'{"CommandLine":"\\\\u006d\\\\\\u006dimikatz","a":"C:\\\\Users\\\\Temp\\\\\\u0078.exe"}',
    "long text": b'{"CommandLine":"' + b"x" * (1 << 20) + b' mimikatz"}',
    "long text of a word": b'{"CommandLine":"' + b"mimikatz -enc " * 40_000 + b'"}',
    "long text of escapes": b'{"CommandLine":"' + b"\\u006d" * 180_000 + b'imikatz"}',
    "long name": b'{"' + b"a" * (1 << 20) + b'":"mimikatz"}',
    "many names": b'{"CommandLine":"mimikatz",' + b",".join(b'"k%d":%d' % (n, n) for n in range(5_000)) + b"}",
    "many members": b'{"CommandLine":[' + b",".join(b'"v%d"' % n for n in range(10_000)) + b',"mimikatz"]}',
    "many objects": b'{"c":[' + b",".join(b'{"d":%d}' % n for n in range(120)) + b"]}",
}
for _depth, (_kind, _start, _end) in product(
    (DEPTH_LIMIT - 1, DEPTH_LIMIT, DEPTH_LIMIT + 1, 5_000), (("arrays", b"[", b"]"), ("objects", b'{"d":', b"}"))
):
    _inner = _start * (_depth - 1) + b'"mimikatz"' + _end * (_depth - 1)
    ODD_LINES[f"{_depth} {_kind}"] = b'{"CommandLine":' + _inner + b',"c":' + _inner + b"}"


@pytest.mark.parametrize("name", ODD_LINES)
def test_an_odd_line_between_good_ones(name: str) -> None:
    odd = ODD_LINES[name]
    for data in (odd, odd + b"\n", b"\n".join((GOOD, odd, GOOD)), b"\r\n".join((b"", GOOD, odd, odd, b"", GOOD, b""))):
        ask(data)


@pytest.mark.usefixtures("way")
def test_a_blank_line_counts_as_a_line() -> None:
    _, last = small_engine().match_ndjson(GOOD + b"\n\n" + GOOD)
    assert last.line == 3


TEXT = 'x/tmp/run me/"now" C:\\Temp\\Ab\tcdef é\u2028ßz\x7f/end'


def test_each_character_of_what_is_sought_may_be_escaped() -> None:
    """Whole texts, beginnings, ends and parts, of a field or anywhere; and each character in turn as an escape."""
    parts = [TEXT[at : at + size] for size in (4, 9) for at in range(len(TEXT) - size)]
    tests: list[Atom] = [Equals("a", TEXT), Equals("c.d", TEXT), Like(None, (TEXT,))]
    for field in ("a", "c.d", None):
        tests += [Like(field, (Wild.MANY, part, Wild.MANY)) for part in parts]
        tests += [Like(field, (TEXT[:size], Wild.MANY)) for size in range(3, len(TEXT))]
        tests += [Like(field, (Wild.MANY, TEXT[-size:])) for size in range(3, len(TEXT))]
        tests += [Regex(field, re.escape(part)) for part in parts[::5] if is_portable(re.escape(part))]
    rules = made(tests)
    rows: list[bytes] = []
    for ascii in (True, False):
        written = [json.dumps(sign, ensure_ascii=ascii)[1:-1] for sign in TEXT]
        for at in range(len(TEXT) + 1):
            unusual = [r"\/" if sign == "/" else f"\\u{ord(sign):04X}" for sign in TEXT]
            text = "".join((*written[:at], *unusual[at : at + 1], *written[at + 1 :]))
            rows += [b'{"a":"%s"}' % text.encode(), b'{"c":[1,{"d":["%s"]}],"a":"x"}' % text.encode()]
    some = Engine.from_rules(rules)
    assert check(some, Law(rules), b"\n".join(rows)) > len(rows) * len(tests) / 4


def test_what_is_remembered_minds_case() -> None:
    """Tests that mind case and tests that do not are asked of the same texts in either case, one after the other."""
    words = ("Mimikatz", "mimikatz", "MIMIKATZ", "é", "É")
    regexes = [Regex("a", word, flags) for word in words for flags in ("", "i")]
    likes = [Like("a", (Wild.MANY, word, Wild.MANY), cased) for word in words for cased in (True, False)]
    larger = Or((Regex("a", "Mimi"), Regex("a", "KATZ"), Regex("a", "É")))
    rules = made([*regexes, *likes, larger, Not(larger), And((larger, Regex("a", "[0-9]")))])
    texts = [f"{word}{end}" for end in ("", "1") for word in (*words, "MiMiKaTz", "x")]
    for order in permutations(texts[:5]):
        some = Engine.from_rules(rules)
        for text in (*order, *texts, *order):
            assert some.found({"a": text}) == says(rules, {"a": text}), text


def test_any_member_of_arrays_in_arrays_counts() -> None:
    rules = made([Equals("a", "x"), Equals("a", 7), Like("a", (Wild.MANY, r"\x.exe")), Regex("a", "^x"), Exists("a")])
    members: tuple[Any, ...] = ("x", 7, r"C:\x.exe", None, {}, {"a": "x"}, "q")
    for first, second in product(members, members):
        for value in (
            [first, second],
            [[first, second]],
            [first, [second]],
            [[[first], second], "q"],
            [[], [first], []],
        ):
            event = {"a": value}
            assert Engine.from_rules(rules).found(event) == says(rules, event), event


@pytest.mark.parametrize("size", [1, 3, 100, 65_535, 65_536, 65_537, 200_000])
def test_lines_of_any_length_keep_their_numbers(size: int) -> None:
    """Blocks are looked at in steps; a step may end before, in or behind a line."""
    rows = [
        b'{"CommandLine":"%s%s"}' % (b"x" * (size % 977 * n), b" mimikatz" if n % 3 == 0 else b"") for n in range(9)
    ]
    long = b'{"a":"' + b"y" * size + b'"}'
    ask(b"\n".join(chain.from_iterable((row, long) for row in rows)))
    ask(b"\n".join((*rows, b"broken mimikatz", *rows, b"", long, b"{", *rows)))


def test_all_odd_lines_in_one_block() -> None:
    names = list(ODD_LINES)
    for seed in range(3 if NIGHTLY else 1):
        Random(seed).shuffle(names)
        ask(b"\n".join(row for name in names for row in (ODD_LINES[name], GOOD)))


@pytest.mark.usefixtures("way")
def test_a_broken_line_is_told_with_its_line() -> None:
    with pytest.raises(ValueError, match=r"^line 3: not a JSON object: the JSON text ends in the middle"):
        small_engine().match_ndjson(GOOD + b"\n\n{\n" + GOOD)
    problems: list[Problem] = []
    answer = small_engine().block(GOOD + b"\n{\n" + GOOD + b"\n5", 41, Complaints("logs/x", problems.append))
    assert answer.events == 2
    assert [row[0] for row in answer.hits] == [41, 43]
    assert [(found.code, found.place.path, found.place.line) for found in problems] == [
        ("RE603", "logs/x", 42),
        ("RE603", "logs/x", 44),
    ]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("name", ["EventID", "a", "Channel", "_product"])
def test_numbers_chosen_to_collide_in_dictionaries_cost_no_more(name: str) -> None:
    """Multiples of 2**61 - 1 have one hash in Python: a memory of them would be searched from end to end."""

    def cost(numbers: range) -> float:
        some = Engine.from_rules(small())
        data = b"\n".join(b'{"%s":%d,"CommandLine":"mimikatz"}' % (name.encode(), number) for number in numbers)
        begin = time.process_time()
        some.block(data, 1, no_complaints())
        return time.process_time() - begin

    prime, count = 2**61 - 1, 6_000
    plain = min(cost(range(2**62, 2**62 + count)) for _ in range(2))
    chosen = min(cost(range(prime, prime * (count + 1), prime)) for _ in range(2))
    assert chosen < 5 * plain


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("beside", [0, 1, 50])
def test_the_depth_limit_holds_for_shapes_that_are_known(beside: int) -> None:
    flat = b'{"c":1,"m":"x"}\n'
    for depth in (DEPTH_LIMIT - 1, DEPTH_LIMIT, DEPTH_LIMIT + 1):
        arrays = depth - 1
        ask(flat * 3 + b'{"c":' + b"[" * arrays + b"]" * arrays + b',"m":"x"}\n' + flat * beside)
        small_engine().block(flat, 1, no_complaints())
        deep = b'{"c":' + b"[" * arrays + b"]" * arrays + b',"m":"x"}\n'
        problems: list[Problem] = []
        answer = small_engine().block(deep + flat * beside, 1, Complaints("x", problems.append))
        assert answer.events == beside + (depth <= DEPTH_LIMIT)
        assert [found.code for found in problems] == ["RE605"] * (depth > DEPTH_LIMIT)


# --- dictionaries that no JSON writes ------------------------------------------------------------------------------

NAN, INF = float("nan"), float("inf")
VALUES: tuple[Any, ...] = (
    *(NAN, INF, -INF, -0.0, 0.0, 0, False, True, 1, 1.0, "1", "1.0", 2**70, 2.0**70),
    *(str(2**70), -(2**63), 10**400, 5e-324, "nan", "inf", "Infinity"),
    *("", " ", "\0", "mimikatz\0", "\ud800", "mimikatz \udfff -enc ", "\ud83d\ude00", "\n", "x" * 513, "x" * 512),
    *([], {}, [[]], [{}], [None], None, [[[["mimikatz"]]]], {"": ""}, {"a": {"a": {"a": "mimikatz"}}}, [NAN]),
    *([True, 1], ["x", ["y", {"d": "ab"}]], {"d": [{"e": {"f": "whoami"}}]}, {"d": 7.0}, [1, 1.0, True]),
)  # fmt: skip
NAMES = (
    "a",
    "b",
    "CommandLine",
    "Image",
    "c",
    "c.d",
    "EventID",
    "Channel",
    "Provider_Name",
    "_product",
    "_category",
    "m",
)


def test_any_value_anywhere() -> None:
    """Each value at each name, alone, beside others, and again when all the others were asked."""
    every = for_any(small())
    given = [{name: value} for name, value in product(NAMES, VALUES)]
    beside = [{"Image": "C:\\powershell.exe", **event, "LogonType": 3} for event in given]
    for rules in (small(), every):
        for most in (2, 1 << 14):
            with small_memos(most):
                some = Engine.from_rules(rules)
                for event in (*given, *beside, *reversed(given)):
                    assert some.found(event) == says(rules, event), event


def test_numbers_that_are_equal_have_texts_of_their_own() -> None:
    """1, 1.0 and True are one key of a dictionary; what was remembered of one says nothing of another."""
    texts = ("1", "1.0", "true", "0", "false", "1180591620717411303424", "1180591620717411300000")
    rules = made(
        [*(Equals("a", text) for text in texts), Equals("a", 1), Equals("a", True), Like("a", ("1", Wild.MANY))]
    )
    alike: list[Any] = [1, 1.0, True, "1", "1.0", 0, 0.0, -0.0, False, 2**70, 2.0**70]
    for first, second in product(alike, alike):
        some = Engine.from_rules(rules)
        for value in (first, second, [first], [second], [first, second], first):
            assert some.found({"a": value}) == says(rules, {"a": value}), (first, second, value)


def test_half_surrogates_in_dictionaries() -> None:
    """Regular expressions read half a character as U+FFFD, and two halves as one; other tests take them as they are."""
    texts = ("ab\ufffd", "\U0001f600x", "\ufffd", "ab", "x")
    pairs = list(product(("a", None), texts))
    rules = made([*(Regex(*pair) for pair in pairs), *(Like(field, (text, Wild.MANY)) for field, text in pairs)])
    some = Engine.from_rules(rules)
    halves = ("ab\ud800", "ab\udfff!", "\ud83d\ude00x", "\ud83d", "\ude00\ud83dx", "\ud800\ud83d\ude00x")
    for value in (*halves, "\U0001f600x", "ab\ufffd"):
        for event in ({"a": value}, {"a": [value, 5]}, {"b": {"a": value}}, {"a": value, "b": "\udc00"}):
            assert some.found(event) == says(rules, event), event


@pytest.mark.parametrize("depth", [99, 100, 101, 5_000])
@pytest.mark.parametrize("around", [lambda inner: [inner], lambda inner: {"d": inner}], ids=["arrays", "objects"])
def test_deep_dictionaries_are_answered_or_refused(depth: int, around: Callable[[Any], Any]) -> None:
    """What the law says when Python's stack is large enough, the engine says, too, or that the stack is too small."""
    inner: Any = "mimikatz nc -e /bin/sh"
    for _ in range(depth):
        inner = around(inner)
    refused = 0
    for name, loaded in product(("CommandLine", "c", "m", "a"), for_any(small())):
        event = {name: inner, "User": "aN"}
        try:
            found = Engine.from_rules([loaded]).found(event)
        except RecursionError:
            refused += 1
        else:
            assert found == (0,) * with_a_large_stack(loaded, event), loaded.rule.title
    assert refused == 0 or depth > 900


def with_a_large_stack(loaded: Loaded, event: Event) -> bool:
    """Return what the law says of an event that is nested deeper than Python goes by itself."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        return loaded.expr is not None and holds(loaded.expr, Seen(event))
    finally:
        sys.setrecursionlimit(limit)
