"""The sieve takes a program, which may come out of a bundle, or refuses it: it never reads what is not in it."""

from __future__ import annotations

import functools
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ruleengine.engine import Engine
from ruleengine.engine.bundle import BundleError
from ruleengine.engine.native import accelerated
from ruleengine.engine.programs import ANYWHERE, program_of
from ruleengine.engine.sketches import Sketch
from ruleengine.ir import Expr
from tests.corpora import NIGHTLY
from tests.test_bundle import raw, with_rule
from tests.test_sieve import EXPRS

if accelerated() != "yes":
    pytest.skip(f"a sieve? {accelerated()}", allow_module_level=True)

from ruleengine.engine._sieve import Sieve, is_program

MANY = 20_000 if NIGHTLY else 300


def sieve(program: bytes, fields: tuple[bytes, ...] = (b"a", b"b")) -> Sieve:
    """Return a sieve of one rule without literals, which learns nothing of keys and always has to ask the rule."""
    one = b"\1" + bytes(7)
    return Sieve(
        bytes(4 * 64), one, (), ((program, fields),), lambda _: (0, b"", False, {}, {}), lambda *_: one, lambda *_: b""
    )


def node(what: bytes, *inside: bytes, field: int = 0, size: int | None = None) -> bytes:
    content = b"".join(inside)
    return struct.pack("=cBxxII", what, 0, field, len(content) + 12 if size is None else size) + content


def text(given: bytes, size: int | None = None) -> bytes:
    return struct.pack("=I", len(given) if size is None else size) + given + bytes(-len(given) % 4)


def nested(levels: int) -> bytes:
    return functools.reduce(lambda inner, _: node(b"!", inner), range(levels), IS_X)


IS_X = node(b"w", text(b"x"))
NONE: dict[str, bytes] = {
    "nothing": b"",
    "half a head": IS_X[:5],
    "a head alone": IS_X[:12],
    "the end cut off": IS_X[:-4],
    "a byte cut off": IS_X[:-1],
    "no size": node(b"w", text(b"x"), size=0),
    "less than a head": node(b"&", IS_X, size=8),
    "a size too large": node(b"w", text(b"x"), size=24),
    "the largest size": node(b"w", text(b"x"), size=0xFFFFFFFF),
    "the largest sizes": node(b"&", node(b"w", size=0xFFFFFFFC), size=0xFFFFFFFC),
    "an odd size": node(b"w", text(b"x") + b"xyz", size=23),
    "an unknown node": node(b"q", text(b"x")),
    "NUL as a node": node(b"\0", text(b"x")),
    "a field too many": node(b"w", text(b"x"), field=2),
    "a field too many, nested": node(b"&", IS_X, node(b"x", field=9)),
    "the last field but one": node(b"x", field=0xFFFFFFFE),
    "a text past the end": node(b"w", text(b"x", size=5)),
    "a text of the largest size": node(b"i", text(b"x", size=0xFFFFFFFF)),
    "a text of nearly the largest size": node(b"i", text(b"x", size=0xFFFFFFFD)),
    "half the size of a text": node(b"w", b"\1\0", size=14),
    "a node past the end of its parent": node(b"&", node(b"w", text(b"x"), size=32), size=32) + bytes(32),
    "not of nothing": node(b"!"),
    "not of two": node(b"!", IS_X, IS_X),
    "unknown, with something inside": node(b"?", IS_X),
    "half a node inside": node(b"|", IS_X, b"w\0\0\0"),
    "a node of no size inside": node(b"|", IS_X, bytes(12)),
    "a text where a node should be": node(b"&", text(b"xyzabcd")),
    "deeper than the stack": nested(50_000),
}


@pytest.mark.parametrize("name", NONE)
def test_a_program_that_is_none_is_refused(name: str) -> None:
    assert not is_program(NONE[name], 2)
    with pytest.raises(ValueError, match=r"^a program cannot be used"):
        sieve(NONE[name])


LINES = b"\n".join((
    *(b'{"a":"x"}', b'{"b":"y","a":null}', b"{}", b'{"a":"x\\n","b":[1],"c":"1.0"}', b'{"a":"\xc3\xa9","c":-0.5}'),
))  # fmt: skip


def left(one: Sieve) -> list[Any]:
    """Return what is left of the lines."""
    assert one.read(LINES, 0) == (len(LINES), 5)
    return one.left()


def test_a_program_that_is_one_is_asked() -> None:
    def matched(program: bytes) -> list[int]:
        assert is_program(program, 2)
        return [row[0] for row in left(sieve(program)) if row[3]]

    assert (matched(IS_X), matched(node(b"&")), matched(node(b"|"))) == ([0], [0, 1, 2, 3, 4], [])
    assert matched(node(b"i", text(b""), field=ANYWHERE)) == [0, 1, 3]
    assert matched(nested(100)) == [0] and matched(nested(99)) == [1, 2, 3]


@settings(max_examples=MANY)
@given(
    EXPRS, st.lists(st.tuples(st.integers(0), st.integers(0, 2), st.binary(max_size=4)), max_size=3), st.integers(0, 3)
)
def test_a_changed_program_is_refused_or_answers(expr: Expr, edits: list[tuple[int, int, bytes]], fewer: int) -> None:
    program, names = program_of(expr)
    fields = tuple(name.encode() for name in names)[: max(0, len(names) - fewer)]
    for at, dropped, put in edits:
        at %= len(program) + 1
        program = program[:at] + put + program[at + dropped :]
    good = is_program(program, len(fields))
    assert good or edits or fewer
    if not good:
        with pytest.raises(ValueError, match=r"^a program cannot be used"):
            sieve(program, fields)
        return
    for number, _, _, rules, asked in left(sieve(program, fields)):
        assert 0 <= number < 5 and (rules, asked) in (((0,), ()), ((), (0,)))


def test_a_bundle_with_a_program_that_is_none_is_refused() -> None:
    for name, program in NONE.items():
        sketch = Sketch((), frozenset(), program, ("a", "b"))
        with pytest.raises(BundleError, match="program"):
            Engine.from_bundle(with_rule(sketch=raw(sketch)))
            pytest.fail(name)


def test_a_sieve_refuses_what_is_no_block() -> None:
    one: Any = sieve(IS_X)
    for block in ("text", None, 5, bytearray(b"{}"), [b"{}"]):
        with pytest.raises(TypeError):
            one.read(block, 0)
    assert one.read(b"", 0) == (0, 0) and one.left() == []
    for start in (-1, 3, 1 << 40):
        with pytest.raises((ValueError, OverflowError)):
            one.read(b"{}", start)
    with pytest.raises((ValueError, IndexError, OverflowError)):
        one.wanting(7)
    with pytest.raises(TypeError):
        one.__init__()


# --- whom it asks --------------------------------------------------------------------------------------------------


class Asked:
    """Answers a sieve of one rule as native.py does; but one of its answers is another, or an exception."""

    def __init__(self, wrong: str = "", answer: Any = None) -> None:
        self.wrong, self.answer = wrong, answer

    def __getattr__(self, name: str) -> Any:
        def told(*given: Any) -> Any:
            if name != self.wrong:
                right = {"key": (0, ALL, True, {b"x": bytes(4)}, {b"/y": bytes(4)}), "plan": ALL, "value": bytes(4)}
                return right[name]
            if isinstance(self.answer, BaseException):
                raise self.answer
            return self.answer

        return told

    def sieve(self) -> Sieve:
        return Sieve(bytes(4 * 64), ALL, (), ((IS_X, (b"a", b"b")),), self.key, self.plan, self.value)


ALL = b"\1" + bytes(7)
WRONG: tuple[Any, ...] = (
    *(
        None,
        5,
        "text",
        (),
        b"",
        b"\1",
        ALL + ALL,
        b"\xff" * 8,
        b"\xff" * 4,
        [1],
        (0, ALL, True, {}),
        (0, 5, True, {}, {}),
    ),
    *((0, ALL, True, {b"x": b"\xff" * 4}, {}), (0, ALL, True, {b"x": 5}, {}), (0, ALL, True, {}, {"x": bytes(4)})),
    *((0, b"123", True, {}, {}), ("0", ALL, True, {}, {}), (0, ALL, True, [], {})),
)
RAISED = (RuntimeError("asked"), KeyboardInterrupt("asked"), MemoryError("asked"))


@pytest.mark.parametrize("wrong", ["key", "plan", "value"])
def test_an_answer_that_is_none_is_refused_and_an_exception_goes_on(wrong: str) -> None:
    """Whatever happened then, the sieve goes on from it when it gets an answer that it can use."""
    usable = {"key": (), "plan": (None, b"\xff" * 8), "value": (b"", ALL, ALL + ALL)}[wrong]
    wanted = left(Asked().sieve())
    for answer in (*WRONG, *RAISED):
        if answer in usable:
            continue
        asked = Asked(wrong, answer)
        one = asked.sieve()
        expected = type(answer) if isinstance(answer, BaseException) else (ValueError, TypeError, SystemError)
        for _ in range(3):
            with pytest.raises(expected):
                one.read(LINES, 0)
            assert one.left() == [], answer
        asked.wrong = ""
        assert left(one) == wanted, answer


def test_a_sieve_is_asked_for_nothing_while_it_asks() -> None:
    asked = Asked()

    def again(*_: object) -> Any:
        with pytest.raises((RuntimeError, ValueError)):
            one.read(LINES, 0)
        with pytest.raises((RuntimeError, ValueError)):
            one.wanting(0)
        one.left()
        return ALL

    one = Sieve(bytes(4 * 64), ALL, (), ((IS_X, (b"a", b"b")),), asked.key, again, asked.value)
    assert left(one) == left(asked.sieve())
