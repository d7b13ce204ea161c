"""The sieve reads JSON as the decoder does: the same lines, the same events, the same complaints, byte by byte.

Each line is asked of an engine with its sieve and without, and both are compared with the law (`check`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ruleengine.engine import Engine
from ruleengine.engine.native import accelerated
from ruleengine.ir import And, Equals, Exists, Expr, Like, LogSource, Not, Or, Regex, SameAs, Wild
from ruleengine.load import Loaded
from tests.corpora import NIGHTLY
from tests.engine_cases import Law, check, for_any, made, small

pytestmark = pytest.mark.skipif(accelerated() != "yes", reason=f"a sieve? {accelerated()}")

MANY = 2_000 if NIGHTLY else 60

AROUND = 900
"""Lines of a block; of more problems than a thousand only the count is told."""


def within(text: str) -> Like:
    return Like(None, (Wild.MANY, text, Wild.MANY))


SAID: tuple[Expr, ...] = (
    *(Exists(name) for name in ("a", "b", "", "c.d", "aa", "\\", '"', "\n", "é", "/")),
    *(Equals("a", text) for text in ("", "x", "5", "0", "-0", "1.0", "é", "/", "\\", '"', "\x7f", "true")),
    *(Equals("a", text, cased) for text in "\b\f\n\r\t" for cased in (True, False)),
    *(Equals("a", value) for value in (0, 5, 10, True, False, 2**63, 2**70)),
    *(Equals("a", text, cased=True) for text in ("X", "é", "É")),
    *(Like("a", ("x", Wild.MANY)), Like("a", (Wild.MANY, "\\y.exe")), Like("a", (Wild.MANY, "\ufffd", Wild.MANY))),
    *(within("x"), within("mimikatz"), within('"'), within("\0"), within("\ufffd"), within("1")),
    *(Regex("a", "^.$"), Regex("a", r"\d\d", ""), Equals("c.d", "x"), SameAs("a", "b"), Not(Exists("a"))),
    *(Not(Equals("a", "x")), And((Exists("b"), Not(Equals("a", 5)))), Or((Equals("b", "y"), within("zz")))),
)
LOGS = (LogSource(product="windows"), LogSource(service="security"), LogSource(category="process_creation"))


@cache
def engine() -> Engine:
    """Return rules that tell apart what lines hold, for any log source, and by log sources."""
    routed = made([Not(Exists("no"))] * len(LOGS), LOGS)
    return Engine.from_rules((*made(SAID), *routed, *for_any(small())))


@cache
def law() -> Law:
    return Law(engine().rules)


def ask(lines: Iterable[bytes]) -> None:
    """Ask lines, all together and with good ones between."""
    rows = list(lines)
    for start in range(0, len(rows), AROUND):
        check(engine(), law(), b"\n".join(rows[start : start + AROUND]))


def read_by_the_sieve(line: bytes) -> bool:
    """Say whether the sieve reads a line by itself."""
    sifter = engine()._sifter
    assert sifter is not None
    return sifter.left(line)[0] == 1


# --- values, texts and lines by name -------------------------------------------------------------------------------

DIGITS = {
    "plain": "0 5 10 -5 4624 999999999999999999 -99999999999999999 1.0 0.5 -1.5 5.0 10.50 0.1 -0.0 0.0 123456.789012",
    "minus nothing": "-0 -00 - -- +0 -a --5",
    "zeros before": "00 01 05 -01 000.1 0x5",
    "points": "1. .5 -.5 1.. 1.5. 1..5 . 1.e1 1.a",
    "exponents": "1e5 1E5 1e+5 1e-5 1e 1e+ 1ee5 1.0e1 0e0 1e999 -1e999 1e-999 1e308 1e309 1.7976931348623157e308",
    "large": "9223372036854775807 9223372036854775808 18446744073709551615 18446744073709551616 1180591620717411303424 "
    "-9223372036854775808 -9223372036854775809 1234567890123456789 12345678901234567 9007199254740993",
    "long fractions": "0.30000000000000004 1.00000000000000000001 3.14159265358979323846 100000000000000000000.0",
    "words": "true false null True TRUE tru truex nul nulll fals NaN Infinity -Infinity nan undefined",
    "signs": "+5 5,5 5_0 ５ 1a 5: 5} 5] 5[ 5{}",
}
BROKEN = (
    "",
    "[",
    "{",
    '"',
    "'x'",
    "[1,]",
    "[,1]",
    '{"a":}',
    '{"a"}',
    '{"a":1,}',
    '{,"a":1}',
    "{1:2}",
    "[1 2]",
    "[}",
    "{]",
)
PIECES: dict[str, bytes] = {
    "plain": b"x mimikatz",
    "nothing": b"",
    "quote before a colon": b'mimikatz\\":1,\\"x\\":',
    "quotes": b'\\"mimikatz\\"',
    "backslashes": b"C:\\\\x\\\\y.exe",
    "backslash before the end": b"x\\\\",
    "open at the end": b"x\\",
    "each escape": b'\\"\\\\\\b\\f\\n\\r\\t',
    **{f"escaped {sign}": b"\\" + sign.encode() for sign in "bfnrt"},
    "slash": b"\\/",
    "slash as it is": b"/",
    "u": b"\\u0041\\u00e9\\u20ac\\u0000",
    "u in capitals": b"\\U0041",
    "u of a pair": b"\\ud83d\\ude00",
    "u of halves": b"\\ud83d x \\ude00",
    "u cut": b"\\u00",
    "u of no digits": b"\\u00g0",
    "u of a quote": b"\\u0022,\\u0022",
    "unknown escapes": b"\\x41",
    "escaped newline": b"\\\\n",
    "a quote of another kind": b"\\'",
    "raw NUL": b"x\0y",
    "raw tab": b"x\ty",
    "raw carriage return": b"x\ry",
    "raw control": b"x\x1fy",
    "raw escape": b"\x1b[31m",
    "delete": b"x\x7fy",
    "two bytes": "éÉß".encode(),
    "first and last of two bytes": "\x80\u07ff".encode(),
    "first and last of three bytes": "\u0800\uffff\ud7ff\ue000".encode(),
    "first and last of four bytes": "\U00010000\U0010ffff".encode(),
    "marks": "\ufeff\u2028\u2029\x85".encode(),
    "letters that fold to ASCII": "\u212a\u017f\u0130\u0131".encode(),
    "continuation alone": b"x\x80y",
    "start alone": b"x\xc3",
    "two of three": b"x\xe2\x82y",
    "three of four": b"x\xf0\x9f\x98y",
    "overlong slash": b"\xc0\xaf",
    "overlong of one byte": b"\xc1\xbf",
    "overlong of three": b"\xe0\x80\xaf",
    "overlong of three, last": b"\xe0\x9f\xbf",
    "overlong of four": b"\xf0\x8f\xbf\xbf",
    "half of a pair": b"\xed\xa0\x80",
    "both halves": b"\xed\xa0\xbd\xed\xb8\x80",
    "past the last": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "latin-1": b"caf\xe9",
    "FE and FF": b"\xfe\xff",
    "after eight": b"xxxxxxx\\n\xc3\xa9yyyyyyyy\\\\zz",
}
BLANKS = ("", " ", "\t", "\r", " \t\r ", "\n", "\x0b", "\x0c", "\0", "\xa0", "\ufeff", "/**/", "//")
NAMES = (
    "a",
    "b",
    "c",
    "c.d",
    "",
    "Event",
    "@expect",
    "EventID",
    "Channel",
    "Provider_Name",
    "_product",
    "_service",
    "é",
)


def literals() -> Iterator[str]:
    for texts in DIGITS.values():
        yield from texts.split()
    yield from BROKEN


@pytest.mark.parametrize("name", [*NAMES, "nested"])
def test_each_value_at_each_name(name: str) -> None:
    if name == "nested":
        ask(b'{"a":[%b],"c":{"d":%b}}' % (text, text) for text in map(str.encode, literals()))
        return
    key = name.encode()
    for before, after in ((b"", b""), (b'"a":"x",', b',"b":5'), (b'"%b":1,' % key, b"")):
        ask(b'{%b"%b":%b%b}' % (before, key, text.encode(), after) for text in literals())


@pytest.mark.parametrize("name", PIECES)
def test_each_piece_of_a_text(name: str) -> None:
    """In values, in names, in what is nested, in what states the log source; more than once, and far from the start."""
    piece = PIECES[name]
    texts = (piece, b"x" + piece, b"a longer text before it" + piece, piece + b"y", piece * 3)
    forms = (b'{"a":"%b"}', b'{"a":"x","c":{"d":"%b"}}', b'{"a":["%b",5]}', b'{"%b":"x"}', b'{"a":{"%b":1},"b":"x"}')
    hints = tuple(b'{"%b":"%%b","a":"x"}' % hint for hint in (b"Channel", b"_product", b"EventID"))
    ask(form % text for form, text in product((*forms, *hints), texts))
    ask(form % text + b"\r" for form, text in product(forms, texts))


@pytest.mark.parametrize("name", ["_product", "_service", "_category", "Channel", "EventID", "Provider_Name"])
def test_words_and_their_texts_state_other_log_sources(name: str) -> None:
    values = (b"null", b'"null"', b"true", b'"true"', b"4688", b'"4688"', b"4688.0", b'"4688.0"', b'""', b'"windows"')
    lines = [b'{"%b":%b,"a":"x"}' % (name.encode(), value) for value in values]
    for order in (lines, lines[::-1]):
        check(Engine.from_rules(engine().rules), law(), b"\n".join(order))


def test_blanks_wherever_they_may_stand() -> None:
    shape = '%{%"a"%:%"x"%,%"c"%:%[%1%,%{%"d"%:%null%}%]%}%'
    places = [at for at, sign in enumerate(shape) if sign == "%"]

    def lines() -> Iterator[str]:
        for blank, at in product(BLANKS, places):
            yield (shape[:at] + blank + shape[at + 1 :]).replace("%", "")
        for blank in BLANKS:
            yield shape.replace("%", blank)

    ask(line.encode() for line in lines())


NEARLY = (1 << 20) - 64
"""Bytes of a long text in a line that the sieve still reads."""

LINES: dict[str, bytes] = {
    "mark before": b'\xef\xbb\xbf{"a":"x"}',
    "two in a line": b'{"a":"x"} {"a":"y"}',
    "comma behind": b'{"a":"x"},',
    "NUL behind": b'{"a":"x"}\0',
    "NULs": b"\0\0\0\0",
    "array of one": b'[{"a":"x"}]',
    "name twice": b'{"a":"x","a":"y"}',
    "name twice, the same": b'{"a":"x","a":"x"}',
    "name twice, nested": b'{"a":{"b":1,"b":2},"c":{"d":"y","d":"x"}}',
    "hint twice": b'{"_product":"linux","_product":"windows","a":"x"}',
    "names in short escapes": b'{"\\\\":"x","\\"":1,"\\n":null,"\xc3\xa9":2,"\\/":3}',
    "name in escapes": b'{"\\u0061":"x"}',
    "name twice, once in escapes": b'{"a":"y","\\u0061":"x"}',
    "word in a name, then in a value": b'{"mimikatz":1,"a":"mimikatz"}',
    "word in a value, then in a name": b'{"a":"mimikatz","mimikatz":1}',
    "word in names alone": b'{"mimikatz":1,"b":{"mimikatz":2},"x":[{"mimikatz":3}]}',
    "word in names and values below": b'{"mimikatz":[{"mimikatz":"mimikatz"}],"b":"\\":\\"mimikatz"}',
    "no names": b"{}",
    "blank names": b'{"":"x"," ":"y"}',
    "no value": b'{"a"}',
    "no colon": b'{"a" "x"}',
    "name without quotes": b'{a:"x"}',
    "equals": b'{"a"="x"}',
    "Windows, nested": b'{"Event":{"System":{"EventID":5},"EventData":{"a":"x"}}}',
    "Event as a text": b'{"Event":"x","a":"x"}',
    "remark": b'{"@expect":["x"],"a":"x"}',
    "remark below": b'{"b":{"@expect":1,"Event":{"a":"x"}},"a":"x"}',
    "object for a log source": b'{"_product":{"a":"windows"},"EventID":[5],"a":"x"}',
    "word for a log source": b'{"_product":true,"EventID":null,"Channel":1.0,"a":"x"}',
    "long log source": b'{"Channel":"' + b"x" * 600 + b'","a":"x"}',
    "long name": b'{"' + b"n" * 70_000 + b'":"x","a":"x"}',
    "more than a megabyte": b'{"b":"y","a":"' + b"x" * (1 << 20) + b'mimikatz"}',
    "megabyte": b'{"a":"' + b"x" * NEARLY + b'mimikatz"}',
    "megabyte of backslashes": b'{"a":"' + b"\\\\" * (1 << 19) + b'y.exe"}',
    "much of another alphabet": b'{"a":"%b","b":"x"}' % ("é" * (1 << 16)).encode(),
    "megabyte of digits": b'{"a":"' + b"1" * NEARLY + b'.0"}',
    "megabyte of zeros": b'{"a":"' + b"0" * NEARLY + b'5"}',
    "megabyte of slashes": b'{"a":"' + b"/" * NEARLY + b'x"}',
    "megabyte of blanks": b'{"a":' + b" " * NEARLY + b'"x"}',
    "5000 digits": b'{"a":' + b"1" * 5_000 + b',"b":"x"}',
    "5000 digits behind a point": b'{"a":0.' + b"1" * 5_000 + b',"b":"x"}',
    "4000 names": b"{" + b",".join(b'"n%d":"x"' % number for number in range(4_000)) + b"}",
    "4000 times one name": b"{" + b",".join([b'"a":"x"'] * 4_000) + b"}",
    "4000 members": b'{"a":[' + b",".join([b'"x"'] * 4_000) + b"]}",
}
for _deep, (_begin, _end) in product((30, 31, 32, 33, 34, 99, 100, 101, 2_000), ((b"[", b"]"), (b'{"d":', b"}"))):
    LINES[f"{_deep} deep {_begin.decode()}"] = b'{"c":' + _begin * _deep + b'"x"' + _end * _deep + b',"a":"x"}'
    LINES[f"{_deep} deep {_begin.decode()}, open"] = b'{"a":"x","c":' + _begin * _deep


@pytest.mark.parametrize("name", LINES)
def test_each_line_alone_and_between_others(name: str) -> None:
    good, line = b'{"a":"x","b":5}', LINES[name]
    for block in (line, line + b"\n", line + b"\r\n", b"\n".join((good, line, good, b"", line, good)) + b"\n\n"):
        check(engine(), law(), block)


def test_what_is_usual_is_read_by_the_sieve() -> None:
    """Else all of this would compare the decoder with itself."""
    texts = [
        "plain",
        "nothing",
        "quotes",
        "backslashes",
        "each escape",
        "slash as it is",
        "delete",
        "two bytes",
        "marks",
    ]
    assert all(read_by_the_sieve(b'{"a":"%b","b":[{}]}' % PIECES[name]) for name in texts)
    assert all(read_by_the_sieve(b'{"a":%b}' % text.encode()) for text in DIGITS["plain"].split())
    assert all(map(read_by_the_sieve, (b"{}", b' { "a" : true , "c" : [ null , { "d" : 1 } ] }\r', LINES["megabyte"])))


# --- changed bytes -------------------------------------------------------------------------------------------------

SEEDS = (
    b'{"a":"x","b":5,"c":{"d":[1,"y"]}}',
    b'{"EventID":4624,"a":"C:\\\\x\\\\y.exe","b":null}',
    '{"a":"é\\"\\n€","_product":"windows"}'.encode(),
    b'{ "b" : -1.50 , "a" : [ true , { } , [ ] ] }\r',
    '{"c.d":"x","":false,"Channel":"Security","a":"😀"}'.encode(),
    b'{"a":"long enough for eight at once","b":"\\\\\\"x"}',
)
SIGNS = [
    bytes([code]) for code in b'\0\t\n\r\x1f "+,-./01569:AEINaenutf[\\]x{}\x7f\x80\xbf\xc0\xc3\xe2\xed\xf0\xf4\xff'
]


def changed_once(line: bytes, signs: list[bytes]) -> Iterator[bytes]:
    """Yield a line with each byte left out, cut before it, changed in a bit, and each sign in its place and before."""
    for at in range(len(line) + 1):
        yield line[:at]
        yield line[:at] + line[at + 1 :]
        for sign in signs:
            yield line[:at] + sign + line[at + 1 :]
            yield line[:at] + sign + line[at:]


@pytest.mark.parametrize("number", range(len(SEEDS)))
def test_every_change_of_one_byte(number: int) -> None:
    signs = [bytes([code]) for code in range(256)] if NIGHTLY else SIGNS
    lines = sorted(set(changed_once(SEEDS[number], signs)))
    chosen = lines if NIGHTLY else Random(number).sample(lines, 1_500)
    ask(chosen)


EDITS = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.integers(0, 4),
        st.one_of(st.sampled_from([*SIGNS, *PIECES.values()]), st.binary(max_size=3)),
    ),
    min_size=1,
    max_size=4,
)


def edited(line: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """Return a line in which at some places so many bytes were replaced by others."""
    for at, dropped, put in edits:
        at %= len(line) + 1
        line = line[:at] + put + line[at + dropped :]
    return line


@settings(max_examples=MANY)
@given(st.lists(st.tuples(st.sampled_from(SEEDS), EDITS), min_size=1, max_size=40))
def test_changes_of_several_bytes(changed: list[tuple[bytes, list[tuple[int, int, bytes]]]]) -> None:
    check(engine(), law(), b"\n".join(edited(line, edits) for line, edits in changed))


TOKENS = [
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b'"a"',
    b'"b"',
    b'"x"',
    b"5",
    b"1.0",
    b"-0",
    b"null",
    b"true",
    b" ",
    b"\r",
]


@settings(max_examples=MANY)
@given(st.lists(st.lists(st.sampled_from(TOKENS), max_size=9).map(b"".join), min_size=1, max_size=40))
def test_words_of_json_in_any_order(inner: list[bytes]) -> None:
    check(engine(), law(), b"\n".join(b'{"c":' + text + b"}" for text in inner) + b"\n" + b"\n".join(inner))


def test_a_new_engine_reads_as_one_that_has_learned() -> None:
    """What the sieve learned of lines before, broken ones among them, changes nothing."""
    rules: tuple[Loaded, ...] = engine().rules
    lines = [line for seed in SEEDS for line in Random(1).sample(sorted(set(changed_once(seed, SIGNS))), 40)]
    lines += [b'{"a":"%b"}' % piece for piece in PIECES.values()]
    for seed in range(4):
        Random(seed).shuffle(lines)
        check(Engine.from_rules(rules), law(), b"\n".join(lines))
