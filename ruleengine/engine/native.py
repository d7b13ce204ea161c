"""The sieve, where it was built (`_sieve.c`): it looks through plain lines of JSON without making objects of them."""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate, chain
from threading import Lock

import msgspec

from ruleengine.engine.plans import UNFINISHED, Planner
from ruleengine.engine.sketches import Sketch
from ruleengine.engine.sought import Sought
from ruleengine.values import HINTS, Event

SWITCH = "RULEENGINE_ACCELERATOR"
"""The variable of the environment that turns the sieve off when it is `0`."""

FORMAT = 1
"""How this module and `programs.py` speak to the sieve; the same number stands in `_sieve_base.h`."""

PATIENCE = 1 << 17
"""Lines for which a sieve is kept that is full; to it, lines with anything new are odd."""

DECIDES, HIDDEN = 1, 2
"""What the sieve has to know of a key: its value decides the log source, or keywords do not look at it."""

Left = tuple[int, int, int, tuple[int, ...] | None, tuple[int, ...]]
"""A line of which something is left: its number in the block (from 0), its start and end, the rules that match it, and
those to be asked. None instead of rules: this line, and those up to the end, are to be looked at as without a sieve.
"""

_decode: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def accelerated() -> str:
    """Return "yes" if engines use the sieve, else "no: " and why."""
    if os.environ.get(SWITCH) == "0":
        return f"no: {SWITCH}=0"
    if sys.byteorder != "little":  # masks are written so
        return "no: it is for machines that begin a number with its last byte"
    try:
        from ruleengine.engine._sieve import FORMAT as BUILT
    except ModuleNotFoundError:
        return "no: it was not built"
    except ImportError as error:
        return f"no: {error}"
    return "yes" if BUILT == FORMAT else "no: it was built from another source"


def is_program(program: bytes, fields: int) -> bool:
    """Say whether a sieve takes a program of so many fields; where there is no sieve, none is read, and all will do."""
    if accelerated() != "yes":
        return True
    from ruleengine.engine import _sieve  # it may not have been built

    return _sieve.is_program(program, fields)


def sifter_of(
    planner: Planner, sought: Sequence[Sought], owner: Sequence[int], sketches: Sequence[Sketch]
) -> Sifter | None:
    """Return what uses the sieve for the rules of an engine; None where there is no sieve, or it cannot be used."""
    return Sifter(planner, sought, owner, sketches) if planner.by_keys and accelerated() == "yes" else None


class Sifter:
    """A sieve for the rules of an engine, made anew when it has learned as much as it can."""

    def __init__(
        self, planner: Planner, sought: Sequence[Sought], owner: Sequence[int], sketches: Sequence[Sketch]
    ) -> None:
        from ruleengine.engine._sieve import Sieve  # it may not have been built

        size = -(-len(owner) // 64) * 8
        self._automata = [one.automaton for one in sought]
        self._new = partial(
            Sieve,
            _numbers([*owner, *[0] * (size * 8 - len(owner))]),
            planner.free.to_bytes(size, "little"),
            tuple(_automaton(one, size) for one in sought),
            tuple((sketch.program, tuple(map(_utf8, sketch.fields))) for sketch in sketches),
            # Not methods of this object: it holds the sieve that calls them.
            partial(_key, planner, size),
            partial(_plan, planner, size),
            partial(_value, planner),
        )
        self._sieve, self._lines = self._new(), 0
        self._lock = Lock()

    def left(self, data: bytes) -> tuple[int, list[Left]]:
        """Return how many lines of a block are not odd, and what is left of the block, in the order of the lines."""
        end = total = 0
        found: list[Left] = []
        with self._lock:  # the sieve holds the lines that it has read
            if self._sieve.full and self._lines > PATIENCE:
                self._sieve, self._lines = self._new(), 0
            sieve = self._sieve
            while end < len(data):
                end, plain = sieve.read(data, end)
                total += plain
                self._lines += sieve.lines
                for number, automaton in enumerate(self._automata):
                    lines = sieve.wanting(number)
                    if lines is not None:
                        automaton.tell(lines, sieve.hit)
                found += sieve.left()
            sieve.read(b"", 0)  # else it would hold the block
        return total, found


def _automaton(sought: Sought, size: int) -> tuple[bytes, bytes, bytes, bytes]:
    """Return where the terms of each literal begin, and all of these; whether it is of values only; the mask of all."""
    begins = _numbers([0, *accumulate(map(len, sought.terms))])
    terms = _numbers(chain.from_iterable(sought.terms))
    return begins, terms, bytes(sought.values_only), sought.every.to_bytes(size, "little")


def _key(planner: Planner, size: int, name: bytes) -> tuple[int, bytes, bool, dict[bytes, bytes], dict[bytes, bytes]]:
    """Return what is asked of the values of a key: its flags, the terms that ask for no value, if others do, whether
    numbers are asked for, and the terms of values and of tails.
    """
    field = name.decode()
    flags = DECIDES * (field in planner.hints) | HIDDEN * (field in HINTS)
    index = planner.indices.get(field)
    if index is None or not index.constrained:
        return flags, b"", False, {}, {}
    return flags, index.others.to_bytes(size, "little"), index.numbers, _table(index.values), _table(index.tails)


def _table(terms: Mapping[str, Sequence[int]]) -> dict[bytes, bytes]:
    return {_utf8(text): _numbers(bits) for text, bits in terms.items()}


def _plan(planner: Planner, size: int, line: bytes, keys: int) -> bytes | None:
    """Return the terms that can hold in events like that of a line, which has so many keys; None if such are odd."""
    event = _decode.decode(line)
    if len(event) != keys or not UNFINISHED.isdisjoint(event):
        return None
    return planner.alive(event, planner.source(event)).to_bytes(size, "little")


def _value(planner: Planner, name: bytes, value: bytes) -> bytes:
    """Return those of the terms that ask for values of a field which a value leaves, given its JSON."""
    index = planner.indices[name.decode()]
    mask = index.mask(msgspec.json.decode(value)) & index.constrained
    return _numbers(_bits(mask))


def _bits(mask: int) -> Iterator[int]:
    while mask:
        last = mask & -mask
        yield last.bit_length() - 1
        mask ^= last


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # a rule may have half a character; no line does


def _numbers(given: Iterable[int]) -> bytes:
    """Return numbers as the sieve reads them."""
    return array("I", given).tobytes()
