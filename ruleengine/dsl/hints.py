"""What stopped the parser, in the words of the language: one sentence, the right place, at most one hint."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from ruleengine.dsl import words
from ruleengine.dsl.forgotten import ROWS
from ruleengine.dsl.habits import PASTED
from ruleengine.dsl.mask import CLOSERS, Opening, brackets, masked, open_quote
from ruleengine.dsl.misread import deeper
from ruleengine.dsl.slips import OPEN, Slip, fitting, shown
from ruleengine.suggest import meant

NARROW = frozenset({*words.METADATA, "logs", "rules"})
"""Statements that hold no conditions."""

PIECE = re.compile(r"""\"\"\"·*(?:\"\"\")?|'·*'?|"·*"?|`·*`?|/·+/[ims]*|[\w.@*%\\/:$-]+|[=!<>~&|]+|\S""")
"""One piece of a masked text, as people see pieces."""


def unknown_statement(word: str, known: Iterable[str]) -> str:
    """Return a hint for a word with which no statement begins."""
    return words.FOREIGN_STATEMENTS.get(word.lower(), "") or meant(word, known)


SURE = frozenset("== != <= >= = , and or not in like matches contains startswith endswith exists missing".split())
"""What may be put in the place of a slip to see what else is wrong with its statement."""
ROUNDS = 10
LONG = 5_000

Again = Callable[[str], UnexpectedInput | None]
"""Parses a text and returns what stopped the parser, if anything did."""


def all_slips(text: str, error: UnexpectedInput, keywords: Mapping[str, str], again: Again) -> Iterator[Slip]:
    """Yield what is wrong with a statement: behind a slip that is surely put right, the next one is looked for."""
    origin = list(range(len(text) + 1))
    last = -1
    for _ in range(ROUNDS):
        slip = explained(text, error, keywords)
        start = origin[slip.start]
        if start <= last:
            return
        last = start
        yield slip._replace(start=start, end=max(origin[min(slip.end, len(text))], start + 1))
        instead = repaired(text, slip)
        if instead is None or len(text) > LONG or open_quote(text) is not None:
            return
        text = text[: slip.start] + instead + text[slip.end :]
        origin[slip.start : slip.end] = [start] * len(instead)
        stopped = again(text)
        if stopped is None:
            return
        error = stopped


def repaired(text: str, slip: Slip) -> str | None:
    """Return what surely belongs in the place of a slip, or None."""
    if slip.hint == "leave it out":
        return ""
    found = re.match(r"write `(.+)`(?:,|$)", slip.hint)
    if found is None:
        return None
    instead, there = found[1], text[slip.start : slip.end]
    return f" {instead} " if instead in SURE else instead if instead[1:-1] in (there, there[1:-1]) else None


def explained(text: str, error: UnexpectedInput, keywords: Mapping[str, str]) -> Slip:
    """Return what is wrong with a statement that the parser could not finish.

    `keywords` are the terminals of the grammar that are one word or sign, by their names.
    """
    mask = masked(text)
    stop, expected = _stop(mask, error)
    if isinstance(error, UnexpectedCharacters):
        keywords = {}  # what the lexer would have taken is more than what the grammar would
    quote = open_quote(text)
    if quote is not None and quote.at <= stop:
        return _open_quote(text, quote)
    if (text.split(maxsplit=1) or [""])[0] in NARROW and (below := next(deeper(text), None)) and below.start <= stop:
        return below
    if quote is not None and (lost := _lost_quote(text, mask, stop)):
        return lost
    lonely = list(brackets(mask))
    return (
        fitting(PASTED, text, text, stop)
        or _bracket(mask, stop, lonely)
        or fitting(ROWS, text, mask, stop)
        or _general(text, mask, stop, wanted(expected, keywords, lonely))
    )


def _stop(mask: str, error: UnexpectedInput) -> tuple[int, Collection[str]]:
    """Return where the parser stopped, and which terminals it would have taken."""
    end = len(mask.rstrip())
    match error:
        case UnexpectedToken():
            at = end if error.token.type == "$END" else error.pos_in_stream
            return (at if isinstance(at, int) else end), error.accepts or error.expected
        case UnexpectedCharacters():
            return error.pos_in_stream or 0, error.allowed or ()
        case _:
            return end, ()


# --- quotes and brackets -------------------------------------------------------------------------------------------


def _open_quote(text: str, quote: Opening) -> Slip:
    line = text[quote.at :].split("\n", 1)[0].rstrip()
    if quote.sign == '"' and line.endswith('\\"'):
        hint = 'in double quotes `\\"` is a quote: write the text in single quotes'
    elif quote.sign == "'" and re.search(r"\w$", text[: quote.at]):
        hint = "a quote inside single quotes is written twice: `''`"
    else:
        hint = ""
    if quote.sign == "`":
        return Slip(quote.at, quote.at + len(line), "these backticks are never closed", hint, OPEN)
    if quote.sign == '"""':
        return Slip(quote.at, quote.at + 3, 'this `"""` is never closed', hint, OPEN)
    return Slip(quote.at, quote.at + len(line), "this text is never closed", hint or f"`{quote.sign}` is missing", OPEN)


def _lost_quote(text: str, mask: str, stop: int) -> Slip | None:
    """Return the text that took the beginning of the next one for its end; an apostrophe is something else."""
    sign = mask[stop - 1 : stop]
    if sign not in ("'", '"') or (text[stop - 2].isalnum() and text[stop : stop + 1].isalnum()):
        return None
    start = max(mask.rfind(sign, 0, stop - 1), 0)
    return Slip(start, stop, "this text goes on to where the next one begins: a quote is missing", "", OPEN)


def _bracket(mask: str, stop: int, lonely: list[Opening]) -> Slip | None:
    """Return the bracket without a partner that stopped the parser, if it was one."""
    for each in lonely:
        if each.closes and each.at == stop:
            opened = next((other for other in lonely if not other.closes and other.at < stop), None)
            if opened is not None:
                sentence = f"`{each.sign}` does not close the `{opened.sign}` before it"
                return Slip(each.at, each.at + 1, sentence, f"write `{CLOSERS[opened.sign]}`", OPEN)
            return Slip(each.at, each.at + 1, f"this `{each.sign}` closes nothing", "", OPEN)
    opened = next((each for each in reversed(lonely) if not each.closes and each.at < stop), None)
    if opened is None:
        return None
    begin = mask.rfind("\n", 0, stop) + 1
    at_end = stop >= len(mask.rstrip())
    if not at_end and not re.fullmatch(r"[ \t]*(?:(?:and|or)[ \t]+)?", mask[begin:stop]):
        return None
    inner = mask[opened.at + 1 : stop if at_end else begin]
    if not re.search(r"(?:\b(?:and|or|not)|[=<>(\[])\s*$", inner):
        return Slip(opened.at, opened.at + 1, f"this `{opened.sign}` is never closed", "", OPEN)
    return None


# --- what is expected ----------------------------------------------------------------------------------------------


def wanted(expected: Collection[str], keywords: Mapping[str, str], lonely: Iterable[Opening]) -> str:
    """Return what could have stood there, in the language's words; nothing when that would not help."""
    closing = {CLOSERS[each.sign] for each in lonely if not each.closes}
    left = set(expected)
    parts = []
    for name, needed, covered in words.EXPECTED:
        if needed <= left:
            parts.append(name)
            left -= covered
    signs = sorted(keywords[name] for name in left if name in keywords)
    parts += [f"`{sign}`" for sign in signs if sign not in ")]}" or sign in closing]
    if "$END" in left:
        parts.append("the end of the statement")
    parts = list(dict.fromkeys(", ".join(parts).split(", "))) if parts else []
    if not parts or len(parts) > 6:
        return ""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"


def _general(text: str, mask: str, stop: int, needs: str) -> Slip:
    last = ""
    start = 0
    for found in PIECE.finditer(mask, 0, stop):
        last, start = text[found.start() : found.end()], found.start()
    if stop >= len(mask.rstrip()):
        end = len(mask[:stop].rstrip())
        sentence = (
            f"the statement ends after `{shown(last)}`, which needs {needs}"
            if needs
            else "the statement is not finished"
        )
        return Slip(start, max(end, start + 1), sentence)
    piece = PIECE.match(mask, stop)
    end = piece.end() if piece else stop + 1
    sentence = f"`{shown(text[stop:end])}` cannot stand here"
    return Slip(stop, end, f"{sentence}: after `{shown(last)}` comes {needs}" if last and needs else sentence)
