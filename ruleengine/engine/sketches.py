"""What is worked out for each rule by itself, once, and kept for the next run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from ruleengine.engine.programs import program_of
from ruleengine.engine.terms import Term, terms_of
from ruleengine.engine.verify import deciding
from ruleengine.load import Loaded
from ruleengine.shelf import Store

KIND = "sketches"

MOST = 20_000
"""Sketches that are kept of rules that were not asked about this time."""


class Sketch(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What the engine has to know of a rule before it is ever asked."""

    terms: tuple[Term, ...]
    decided: frozenset[str]
    """The fields each of which can decide alone that the rule does not match."""
    program: bytes
    """What the rule says, for the sieve."""
    fields: tuple[str, ...]
    """The fields that the program numbers."""


class Sketched(Loaded):
    """A rule that came with its sketch, if that can be used."""

    __slots__ = ("sketch",)

    sketch: Sketch | None


_decode = msgspec.msgpack.Decoder(dict[bytes, Sketch]).decode
_encode = msgspec.msgpack.Encoder().encode


def sketch(loaded: Loaded) -> Sketch:
    """Return the sketch of a rule about one event; it may have come with it."""
    if isinstance(loaded, Sketched) and loaded.sketch is not None:
        return loaded.sketch
    assert loaded.expr is not None
    return Sketch(terms_of(loaded.expr), deciding(loaded.expr), *program_of(loaded.expr))


def sketches(rules: Sequence[Loaded], store: Store | None) -> list[Sketch]:
    """Return the sketch of each rule; those that the store has are not made again."""
    if store is None or all(isinstance(loaded, Sketched) and loaded.sketch for loaded in rules):
        return [sketch(loaded) for loaded in rules]
    # A set of rules is known again by the folders it is from, whatever was changed in it.
    folders = {str(Path(loaded.rule.source.path).parent.absolute()) for loaded in rules if loaded.rule.source}
    key = "\0".join(sorted(folders)).encode("utf-8", "surrogateescape")
    known = _known(store.get(KIND, key))
    used = {loaded.identity: known.get(loaded.identity) or sketch(loaded) for loaded in rules}
    if not known.keys() >= used.keys():  # some of the rules may be asked about today, and all of them tomorrow
        store.put(KIND, key, _encode(known | used if len(known) < MOST else used))
    return [used[loaded.identity] for loaded in rules]


def _known(data: bytes | None) -> dict[bytes, Sketch]:
    try:
        return _decode(data) if data is not None else {}
    except msgspec.DecodeError:
        return {}
