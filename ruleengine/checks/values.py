"""Values of one leaf against each other: repeated, covered by another, or true of everything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ruleengine.checks.implies import as_pattern, as_text, cased, covering, folded
from ruleengine.checks.parts import spelled
from ruleengine.ir import And, Equals, Expr, Item, Leaf, Like, Not, Or, Pattern, Regex, Wild
from ruleengine.load import Loaded
from ruleengine.problem import Problem, problem
from ruleengine.regex import regex_test
from ruleengine.values import fold

MAX_WORK, MAX_PAIRS = 100_000_000, 2_000_000
"""Characters and pairs of values of one list that are looked at; a longer list is not held against itself."""
SIMPLE = frozenset({"contains", "startswith", "endswith", "all", "neq"})


def repeated(loaded: Loaded) -> Iterator[Problem]:
    """Yield values of a list that stand there twice, or that another value of the list makes superfluous."""
    for leaf in spelled(loaded):
        item = leaf.item
        if len(item.values) > 1 and len(item.value_spans) == len(item.values) and not clearly_apart(item):
            tests = alternatives(leaf)
            if tests is not None:
                yield from _repeated(item, tests)


def clearly_apart(item: Item) -> bool:
    """Say, quickly, whether no value of a list can be part of another; nearly all lists are settled so."""
    if any(name not in SIMPLE for name in item.modifiers) or not all(type(value) is str for value in item.values):
        return False
    together = "\n" + fold("\n".join(map(str, item.values))) + "\n"
    if "*" in together or "?" in together or "\\\\" in together:
        return False
    folded_values = together[1:-1].split("\n")
    if len(folded_values) != len(item.values) or len(set(folded_values)) < len(folded_values):
        return False
    before = "" if item.field is None or "contains" in item.modifiers or "endswith" in item.modifiers else "\n"
    after = "" if item.field is None or "contains" in item.modifiers or "startswith" in item.modifiers else "\n"
    if len(folded_values) * len(together) > MAX_WORK:
        return False
    return (before == after == "\n") or all(together.count(f"{before}{value}{after}") == 1 for value in folded_values)


def alternatives(leaf: Leaf) -> Sequence[Expr] | None:
    """Return what each value of a leaf says, in the order of the values; None where they are not told apart."""
    test = leaf.test.item if isinstance(leaf.test, Not) else leaf.test
    if len(leaf.item.values) == 1:
        return (test,)
    if isinstance(test, And | Or) and len(test.items) == len(leaf.item.values):
        return test.items
    return None


def _repeated(item: Item, tests: Sequence[Expr]) -> Iterator[Problem]:
    seen: dict[object, int] = {}
    kept: list[tuple[int, Pattern]] = []
    for index, test in enumerate(tests):
        earlier = seen.setdefault(_identity(test), index)
        if earlier != index:
            line = item.value_spans[earlier].place.line
            sentence = f"this value is already in line {line} of the list"
            if item.values[earlier] != item.values[index]:
                sentence = f"this value finds just what the one in line {line} finds"
            yield problem("RE315", item.value_spans[index], sentence)
        elif (pattern := as_pattern(test)) is not None and not fits_all(test):
            kept.append((index, pattern if cased(test) else folded(pattern)))
    every = "all" in item.modifiers
    idle: dict[int, int] = {}
    for wide, narrow in _pairs(kept):
        idle.setdefault(*((wide, narrow) if every else (narrow, wide)))
    if idle:
        yield _idle(item, idle, every)


def _idle(item: Item, idle: dict[int, int], every: bool) -> Problem:
    """Return one problem for all superfluous values of a list, at the first of them."""
    index = min(idle)
    other = _shown(item, idle[index])
    why = f"it is there wherever {other} is" if every else f"{other} finds all that it finds"
    more = f", like {len(idle) - 1} more of the list," if len(idle) > 1 else ""
    return problem("RE316", item.value_spans[index], f"this value{more} adds nothing: {why}")


def _shown(item: Item, index: int) -> str:
    text = str(item.values[index])
    return f"`{text if len(text) <= 40 else text[:40] + '…'}` in line {item.value_spans[index].place.line}"


def _identity(test: Expr) -> object:
    """Return what is equal for tests that say the same."""
    match test:
        case Or(items):
            return frozenset(map(_identity, items))
        case Equals(value=bool()):
            return "boolean", test  # 1 == True in Python, and not in a rule
        case _ if (pattern := as_pattern(test)) is not None and not cased(test):
            return folded(pattern)
        case _:
            return test


def _pairs(patterns: Sequence[tuple[int, Pattern]]) -> Iterator[tuple[int, int]]:
    """Yield the values of which the first finds all that the second finds."""
    if len(patterns) ** 2 > MAX_PAIRS:
        return  # comparing each with each would take seconds
    texts = [as_text(pattern) for _, pattern in patterns]
    together = "\n".join(texts)
    for index, wide in patterns:
        longest = max((part for part in wide if isinstance(part, str)), key=len, default="")
        if Wild.MANY not in wide or together.count(longest) < 2:
            continue  # what it covers holds each of its literal parts
        test = covering(wide)
        for (other, _), text in zip(patterns, texts, strict=True):
            if other != index and test(text):
                yield index, other


# --- true of everything --------------------------------------------------------------------------------------------


def everything(loaded: Loaded) -> Iterator[Problem]:
    """Yield values that every text fits: an empty `contains`, a lone `*`, a regular expression that finds nothing."""
    for leaf in spelled(loaded):
        tests = alternatives(leaf) or ()
        for index, test in enumerate(tests):
            if fits_all(test) and leaf.item.value_spans:
                code, sentence, hint = _fitting(leaf.item, len(tests))
                yield problem(code, leaf.item.value_spans[index], sentence, hint)


def _fitting(item: Item, count: int) -> tuple[str, str, str]:
    """Return the code, sentence and hint for a value that every text fits."""
    if item.field is None:
        return "RE319", "every event has a value that this keyword fits", ""
    every = f"every `{item.field}` fits this"
    in_language = item.span is not None and item.span.source.in_language
    absent, there = ("{} missing", "{} exists") if in_language else ("{}: null", "{}|exists: true")
    if "neq" in item.modifiers:
        return "RE314", f"{every}, so only an event without one is left", f"write `{absent.format(item.field)}`"
    if count > 1 and "all" not in item.modifiers:
        return "RE319", f"{every}, so the other values of the list have no effect", ""
    return "RE314", every, f"write `{there.format(item.field)}`" if count == 1 else ""


def fits_all(test: Expr) -> bool:
    """Say whether a test surely holds for every text of its field."""
    match test:
        case Like(_, (Wild.MANY,)):
            return True
        case Regex(_, source, flags):
            # A part that is empty and asks for no particular place is found at the start of any text.
            return not any(mark in source for mark in ("^", "$", "\\")) and bool(regex_test(source, flags)(""))
        case _:
            return False
