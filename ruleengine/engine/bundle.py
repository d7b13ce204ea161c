"""A bundle: rules about one event in one file, ready for the engine, without the files that they were written in.

It begins with a line that names its format, and a digest of all that follows. Each rule is in it with its metadata, its
lowered expression and its sketch: lists, parameters, filters and shared conditions are worked in. Automata are not, for
they are made for the machine that they run on, within a second. The same rules make the same bytes.

A bundle is data, like a rule file: nothing in it is run, and whoever may write it decides what matches.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from hashlib import blake2b
from pathlib import Path

import msgspec
from msgspec import Raw, Struct

import ruleengine
from ruleengine.codec import FileRead, NotKept, RuleRead, file_read, kept_file
from ruleengine.codec.lowered import LoweredForm, lowered, lowered_bytes, lowered_form
from ruleengine.engine.cache import DIGEST_BYTES, digest, source_digest
from ruleengine.engine.native import is_program
from ruleengine.engine.sketches import Sketch, Sketched, sketch
from ruleengine.ir import Expr, Rule, Single
from ruleengine.load import Loaded
from ruleengine.problem import Report, problem
from ruleengine.span import Source, Span

SUFFIX = ".rulebundle"
"""What the name of a bundle ends with."""

FORMAT = 1
"""The number of the only format that is read and written; it changes with the forms of rules and expressions."""

MAGIC = b"ruleengine bundle "
LIMIT = 256 << 20
"""Bytes of the largest bundle that is read: all of SigmaHQ is a fiftieth of it."""

LITERAL = re.compile(r"[^\n\u0100-\U0010ffff]{1,1000}\Z")
"""What an automaton can be made to look for, as far as its shape tells."""


class BundleError(ValueError):
    """A bundle that cannot be used; its text is one sentence without an end that says why."""


class NotBundled(Exception):
    """A rule that no bundle can hold; its text says why."""


class RuleForm(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A rule in a bundle; parts are decoded apart."""

    path: str
    """The file that it was read from, as it is to be shown."""
    head: Raw
    """What the codec of rule files makes of its metadata."""
    says: Raw
    sketch: Raw


class BundleForm(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """All of a bundle but its digest."""

    version: str
    """The version of ruleengine that made it, for people."""
    made_by: bytes
    """A digest of the source that made its sketches."""
    rules: tuple[Raw, ...]


class Bundled(Sketched):
    """A rule out of a bundle: its metadata, what it says, and its sketch; its body is empty, and no place is known."""

    __slots__ = ("_form",)

    def __init__(self, rule: Rule, form: LoweredForm, identity: bytes, sketch: Sketch | None) -> None:
        super().__init__(rule, None, identity)
        self._form: LoweredForm | None = form
        self.sketch = sketch

    @property
    def expr(self) -> Expr | None:
        if self._form is not None:
            self._expr, self._form = lowered(self._form), None
        return super().expr

    @property
    def askable(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle holds: rules, which may have sketches, and the version of ruleengine that made it."""

    rules: tuple[Loaded, ...]
    version: str


# --- writing -------------------------------------------------------------------------------------------------------

_encode = msgspec.msgpack.Encoder(order="deterministic").encode  # sets have an order of their own in each process


def bundle_rule(loaded: Loaded, path: str | None = None) -> Raw:
    """Return a rule about one event as bundles hold it; NotBundled when none can.

    `path` is shown as its file instead of the path that it was read from.
    """
    rule = loaded.rule
    assert loaded.expr is not None
    if path is None:
        path = rule.source.path if rule.source else ""
    try:
        form = RuleForm(path, _head(rule), lowered_bytes(loaded.expr), Raw(_encode(sketch(loaded))))
        return Raw(_encode(form))
    except (NotKept, ValueError) as error:  # the path may be no Unicode
        raise NotBundled(str(error)) from None


def _head(rule: Rule) -> Raw:
    """Return what a bundle keeps of a rule beside what it says, as bytes."""
    source = Source("", "")
    head = Rule(
        title=rule.title,
        logs=replace(rule.logs, span=None),
        body=Single((), ()),
        id=rule.id,
        name=rule.name,
        level=rule.level,
        status=rule.status,
        tags=rule.tags,
        meta=rule.meta,
        span=Span(source, 0, 0),
    )
    return kept_file(FileRead((RuleRead(head),)), source)


def bundle_of(rules: Iterable[Raw]) -> bytes:
    """Return the bundle of some rules, each as `bundle_rule` returns it."""
    content = _encode(BundleForm(ruleengine.__version__, _own_source(), tuple(rules)))
    return MAGIC + b"%d\n" % FORMAT + digest(content) + content


@cache
def _own_source() -> bytes:
    return source_digest(Path(ruleengine.__file__).parent)


# --- reading -------------------------------------------------------------------------------------------------------


def read_bundle(source: str | os.PathLike[str] | bytes) -> Bundle:
    """Return what a bundle holds, given its path or its content; BundleError says why it cannot be used.

    OSError when the file cannot be read. Sketches that another version made are made anew, which takes seconds for
    thousands of rules.
    """
    content = _checked(source if isinstance(source, bytes) else _content(Path(source)))
    try:
        form = _decode(content)
        bundled = _rules(form.rules, known=form.made_by == _own_source())
    except RecursionError:
        raise BundleError("the bundle holds what no rule can be: it is nested too deep") from None
    except ValueError as error:
        raise BundleError(f"the bundle holds what no rule can be: {error}") from None
    return Bundle(bundled, form.version)


_decode = msgspec.msgpack.Decoder(BundleForm).decode
_decode_rule = msgspec.msgpack.Decoder(RuleForm).decode
_decode_sketch = msgspec.msgpack.Decoder(Sketch).decode


def _content(path: Path) -> bytes:
    with path.open("rb", buffering=0) as stream:
        if os.fstat(stream.fileno()).st_size > LIMIT:
            raise BundleError(f"the bundle is larger than {LIMIT >> 20} MiB")
        return stream.readall()


def _checked(data: bytes) -> bytes:
    """Return what follows the digest of a bundle, which fits it."""
    head, end, _ = data[:64].partition(b"\n")
    if not head.startswith(MAGIC):
        shown = "the file is empty" if not data else "the file is no bundle"
        raise BundleError(f"{shown}: `ruleengine compile RULES -t python --fast -o NAME{SUFFIX}` writes one")
    number = head.removeprefix(MAGIC)
    if not end or not re.fullmatch(rb"[1-9][0-9]{0,8}", number):
        raise BundleError("the bundle is damaged: its first line is not whole")
    if int(number) != FORMAT:
        how = "a newer version of ruleengine reads it" if int(number) > FORMAT else "compile its rules again"
        raise BundleError(f"the bundle is of format {int(number)}, and this version reads format {FORMAT}: {how}")
    start = len(head) + 1
    told, content = data[start : start + DIGEST_BYTES], data[start + DIGEST_BYTES :]
    if digest(content) != told:
        raise BundleError("the bundle is damaged: its content is not what its digest says; compile its rules again")
    return content


def _rules(given: Sequence[Raw], *, known: bool) -> tuple[Loaded, ...]:
    """Return the rules, with their sketches if these are known to be of this version."""
    rules: list[Loaded] = []
    for data in given:
        form = _decode_rule(data)
        heads = file_read(form.head, Source(form.path, "")).rules
        if len(heads) != 1:
            raise ValueError(f"{len(heads)} rules stand in the place of one")
        identity = blake2b(data, digest_size=16, person=b"bundled").digest()
        own = _sound(_decode_sketch(form.sketch)) if known else None
        rules.append(Bundled(heads[0].rule, lowered_form(form.says), identity, own))
    return tuple(rules)


def _sound(given: Sketch) -> Sketch:
    """Return a sketch of which automata and a sieve can be made; ValueError for any other."""
    for term in given.terms:
        if not all(map(LITERAL.match, term.literals or ())):
            raise ValueError("a literal is none")
    if not is_program(given.program, len(given.fields)):
        raise ValueError("a program is none")
    return given


def put_bundle(path: Path, data: bytes) -> None:
    """Write a bundle in one step, so that its readers have the old one or the new; OSError if it cannot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise


def bundled_rules(paths: Sequence[str], report: Report) -> list[Loaded]:
    """Return the rules of some bundles; one that cannot be used is reported."""
    rules: list[Loaded] = []
    for path in paths:
        try:
            rules.extend(read_bundle(path).rules)
        except BundleError as error:
            report(problem("RE101", path, str(error)))
        except OSError as error:
            report(problem("RE101", path, f"the file cannot be read: {error.strerror or error}"))
    return rules
