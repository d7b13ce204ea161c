"""Patterns, regular expressions, folds, numbers and encodings against the plainest definitions of them."""

from __future__ import annotations

import base64
import re
from decimal import Decimal

from hypothesis import assume, example, given
from hypothesis import strategies as st

from ruleengine.ir import And, Call, Equals, Pattern, Wild
from ruleengine.meaning import equals, holds
from ruleengine.regex import NotPortable, regex_test
from ruleengine.strings import base64_forms, joined, pattern
from ruleengine.values import fold, number, pattern_test, same_fold, text

LETTERS = "abAB\\*?\n.é"
TEXTS = st.text(LETTERS, max_size=12)
PATTERNS = st.lists(st.one_of(st.sampled_from(Wild), st.text(LETTERS, min_size=1, max_size=2)), max_size=8).map(joined)


# --- patterns ------------------------------------------------------------------------------------------------------


def fits(parts: list[str | Wild], given: str) -> bool:
    """Match character by character, trying every length of every star."""
    if not parts:
        return not given
    head, rest = parts[0], parts[1:]
    if head is Wild.MANY:
        return any(fits(rest, given[cut:]) for cut in range(len(given) + 1))
    if head is Wild.ONE:
        return bool(given) and fits(rest, given[1:])
    return given[:1] == head and fits(rest, given[1:])


def characters(parts: Pattern) -> list[str | Wild]:
    return [piece for part in parts for piece in ([part] if isinstance(part, Wild) else part)]


@given(PATTERNS, TEXTS)
@example((Wild.MANY, "ab", Wild.MANY, "b"), "ab")
@example(("a", Wild.MANY, "a"), "a")
@example((Wild.ONE, Wild.MANY, Wild.ONE), "a")
def test_a_pattern_matches_what_a_naive_matcher_says(parts: Pattern, given: str) -> None:
    assert pattern_test(parts, True)(given) is fits(characters(parts), given)
    folded = [piece if isinstance(piece, Wild) else fold(piece) for piece in characters(parts)]
    assert pattern_test(parts, False)(fold(given)) is fits(folded, fold(given))


@given(st.text("ab\\*?", max_size=10))
@example("\\\\\\*")
def test_a_sigma_string_is_read_as_the_specification_says(written: str) -> None:
    """Read one character after the other: a backslash escapes `*`, `?` and itself, and else is itself."""
    parts: list[str | Wild] = []
    position = 0
    while position < len(written):
        character, following = written[position], written[position + 1 : position + 2]
        if character == "\\" and following and following in "\\*?":
            parts.append(following)
            position += 2
            continue
        parts.append(Wild(character) if character in "*?" else character)
        position += 1
    assert pattern(written) == joined(parts)


# --- regular expressions -------------------------------------------------------------------------------------------

ATOMS = st.sampled_from(
    ["a", "b", "A", ".", "[ab]", "[^a]", "[a-c]", r"\.", r"\d", r"\w", r"\s", r"\\", "^", "$", r"\b", "é", "\\x41"]
)
REGEXES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}|{pair[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,}", "*?", "+?"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=8,
)
FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}


def as_python(source: str, flags: str) -> re.Pattern[str]:
    """Write a portable pattern for `re`: `$` is the very end, classes are ASCII; flags become Python's."""
    end = r"(?=\n|\Z)" if "m" in flags else r"\Z"
    source = re.sub(r"\\.|\$", lambda found: end if found[0] == "$" else found[0], source)
    return re.compile(source, re.ASCII | sum(FLAGS[flag] for flag in flags))


@given(REGEXES, st.text("abcAC1 .\\\né", max_size=8), st.sampled_from(["", "i", "m", "s", "im", "is", "ms", "ims"]))
def test_a_portable_regex_finds_what_python_finds(source: str, given: str, flags: str) -> None:
    assume("é" not in source or "i" not in flags)  # with ASCII, Python folds ASCII only; ours are tested by cases
    try:
        test = regex_test(source, flags)
    except NotPortable:
        assume(False)
        return
    assert test(given) is (as_python(source, flags).search(given) is not None)


@given(st.text("ab()[]{}|*+?^$\\.,-0123:<>=!PdwsxbpQAzZ", max_size=12))
def test_every_text_is_a_portable_regex_or_refused_with_a_place(source: str) -> None:
    try:
        test = regex_test(source)
    except NotPortable as refused:
        assert refused.message and 0 <= refused.start <= refused.end <= len(source) + 1
    else:
        test("ab1")


# --- case, numbers, encodings --------------------------------------------------------------------------------------


@given(st.characters())
@example("ſ")
@example("\u212a")
@example("İ")
@example("ς")
def test_fold_is_its_definition(character: str) -> None:
    """A character folds to its lower case if that is one character whose upper case it is.

    Python's own tables may be newer than ours, so a character that Python alone changes may stay as it is.
    """
    lower = character.lower()
    expected = lower if len(lower) == 1 and lower.upper() == character else character
    assert fold(character) in (expected, character)
    if ord(character) < 0x500:
        assert fold(character) == expected
    assert len(fold(character)) == 1
    assert fold(fold(character)) == fold(character)
    assert character in same_fold(character)


@given(st.text(max_size=20))
def test_fold_goes_character_by_character(given: str) -> None:
    assert fold(given) == "".join(map(fold, given))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=5, min_value=-(10**20), max_value=10**20))
def test_a_number_equals_its_text_and_its_text_with_noughts(value: Decimal) -> None:
    written = format(value, "f")
    assert number(written) == value
    assert equals(f"{written}00", value)
    assert equals(written.replace("-", "-00") if value < 0 else f"00{written}", value)
    assert not equals(f"{written} ", value)
    assert not equals(written, value + 1)


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_the_text_of_a_number_is_a_decimal_of_the_same_value(value: float) -> None:
    assert number(text(value)) == Decimal(repr(value))
    assert float(text(value)) == value or isinstance(value, int)
    assert equals(value, text(value))


@given(st.binary(min_size=3, max_size=12), st.binary(max_size=7), st.binary(max_size=7))
def test_base64offset_finds_bytes_wherever_they_stand(needle: bytes, before: bytes, after: bytes) -> None:
    encoded = base64.b64encode(before + needle + after).decode()
    forms = list(base64_forms(needle, offset=True))
    assert forms[len(before) % 3] in encoded
    assert len(forms) == 3


def test_a_field_that_is_called_like_a_function_is_another_one() -> None:
    event = {"len(x)": "a", "x": "abc"}
    assert holds(And((Equals("len(x)", "a"), Equals(Call("len", "x"), 3))), event)
    assert holds(And((Equals(Call("len", "x"), 3), Equals("len(x)", "a"))), event)
