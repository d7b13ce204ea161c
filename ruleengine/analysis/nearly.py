"""The nearest thing: why a value that looks right does not satisfy a leaf, in one phrase."""

from __future__ import annotations

from collections.abc import Iterator

from ruleengine.ir import Compare, Equals, Expr, InList, InNetwork, Item, Like, Regex, Wild
from ruleengine.meaning import Seen, holds, listed
from ruleengine.regex import regex_test
from ruleengine.suggest import distance, nearest
from ruleengine.times import moment
from ruleengine.values import address_in, fold, network, number, pattern_test, text
from ruleengine.walk import children, walk

LONGEST = 2_000
"""Characters of a value that are searched for something near; more would take too long for a hint."""

ATOMS = 400
"""Values of one leaf that are tried."""

Near = tuple[int, str]
"""How far (less is nearer), and the phrase."""


def nearest_miss(item: Item, test: Expr, seen: Seen) -> str:
    """Return what is nearest to making a false leaf true, as a phrase; nothing when nothing is near."""
    if item.field is not None and not list(seen.values(item.field)) and "exists" not in item.modifiers:
        other = nearest(item.field, (key for key in seen.event if not key.startswith("_")))
        return f"the event has `{other}`, not `{item.field}`" if other and other != item.field else ""
    found: list[Near] = []
    for atom in [node for node in walk(test) if not children(node)][:ATOMS]:
        if not holds(atom, seen):
            found.extend(_near(atom, seen))
    return min(found)[1] if found else ""


def _near(atom: Expr, seen: Seen) -> Iterator[Near]:
    match atom:
        case Equals(field, str(wanted), cased):
            for given in seen.texts(field, cased=True):
                yield from _whole(given, wanted, cased)
        case Equals(field, wanted, _):
            if any(given.strip() == str(wanted) for given in seen.texts(field, cased=True)):
                yield 1, "blanks around the value"
        case Like(field, pattern, cased):
            for given in seen.texts(field, cased=True):
                yield from _part(given[:LONGEST], pattern, cased)
        case Regex(field, source, flags) if "i" not in flags:
            if any(regex_test(source, flags + "i")(given) for given in seen.texts(field, cased=True)):
                yield 1, "upper and lower case differ; `re|i` does not mind"
        case Compare(field, sign, bound):
            for value in seen.values(field):
                if number(value) is None:
                    yield 2, f"`{text(value)[:40]}` is not a number"
                else:
                    yield 5, f"{text(value)} is not {sign} {bound}"
        case InList(field, _, entries):
            for given in seen.texts(field, cased=True):
                for entry, expires_us in entries:
                    if expires_us is not None and listed(given, entry):
                        day = moment(expires_us)
                        yield 1, f"its entry expired on {day:%Y-%m-%d}" if day else "its entry has expired"
        case InNetwork(field):
            for given in seen.texts(field, cased=True):
                readable = address_in(given, network("0.0.0.0/0")) or address_in(given, network("::/0"))
                if not readable:
                    yield 2, f"`{given[:60]}` is not written as a plain address"
        case _:
            return


def _whole(given: str, wanted: str, cased: bool) -> Iterator[Near]:
    """Compare a value with the whole text that it should be."""
    if cased and fold(given) == fold(wanted):
        yield 1, "upper and lower case differ, and `cased` minds"
        return
    left, right = (given, wanted) if cased else (fold(given), fold(wanted))
    if left.strip() == right.strip():
        yield 1, "blanks around the value differ"
    elif right and right in left:
        side = "at its end" if left.endswith(right) else "at its beginning" if left.startswith(right) else "inside"
        yield 3, f"`{_short(wanted)}` stands {side}, but the value is longer"
    elif left and len(left) < 200 and (apart := distance(left, right, 2)) <= 2:
        yield 1 + apart, f"`{_short(wanted)}` is {_edits(apart)} away"
    elif left.replace("/", "\\") == right.replace("/", "\\"):
        yield 2, "slashes and backslashes differ"


def _part(given: str, pattern: tuple[str | Wild, ...], cased: bool) -> Iterator[Near]:
    """Compare a value with a pattern of which it should have a part, a beginning or an end."""
    if cased and pattern_test(pattern, cased=False)(fold(given)):
        yield 1, "upper and lower case differ, and the encoded or `cased` text minds"
        return
    texts = [part for part in pattern if isinstance(part, str)]
    if len(texts) != 1 or Wild.ONE in pattern:
        return
    wanted = texts[0]
    left, right = (given, wanted) if cased else (fold(given), fold(wanted))
    if right in left:
        side = "not at the end" if pattern[-1] is not Wild.MANY else "not at the beginning"
        yield 2, f"`{_short(wanted)}` is in it, but {side}"
    elif right.strip() and right.strip() in left:
        yield 2, f"`{_short(wanted)}` is in it, but for the blanks around"
    elif " ".join(right.split()) and " ".join(right.split()) in " ".join(left.split()):
        yield 2, f"`{_short(wanted)}` is in it, but for the number of blanks"
    elif "\\" in right and right.replace("\\", "/") in left.replace("\\", "/"):
        yield 2, "slashes and backslashes differ"
    elif 4 <= len(right) <= 60 and (window := _window(left, right)):
        yield 3, f"`{_short(window)}` is one letter away from `{_short(wanted)}`"


def _window(given: str, wanted: str) -> str:
    """Return a part of a text that is one slip away from another; a slip leaves one half as it was."""
    half = len(wanted) // 2
    for piece, offset in ((wanted[:half], 0), (wanted[half:], half)):
        at = given.find(piece)
        while at >= 0:
            for size in (len(wanted), len(wanted) + 1, len(wanted) - 1):
                for start in (at - offset, at - offset - 1, at - offset + 1):
                    part = given[max(start, 0) : max(start, 0) + size]
                    if distance(part, wanted, 1) == 1:
                        return part
            at = given.find(piece, at + 1)
    return ""


def _short(written: str) -> str:
    return written if len(written) <= 48 else written[:45] + "…"


def _edits(apart: int) -> str:
    return "one letter" if apart == 1 else f"{apart} letters"
