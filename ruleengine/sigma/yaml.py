"""YAML with places: every key and value of a file with the stretch of text it was read from.

Built on the events of PyYAML's C parser, which keeps no stack of its own on ours: nesting, size and aliases are bounded
here. Scalars follow YAML 1.2's core schema, which Sigma names as its format: `yes` and `on` are strings, dates too.
Digits after a superfluous zero are kept as text, for that is how such codes stand in logs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from yaml import MarkedYAMLError, YAMLError
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.reader import ReaderError

from ruleengine.problem import Report, problem
from ruleengine.span import Source, Span

MAX_BYTES = 4 << 20
MAX_DEPTH = 100
MAX_NODES = 400_000
"""Nodes of one document, with every alias counted as what it stands for."""

Data = Any
"""Mapping, Sequence, str, int, Decimal, bool or None."""


class Edges(NamedTuple):
    """Where a key and its value stand, as offsets."""

    key_start: int
    key_end: int
    start: int
    end: int


class Mapping(dict[str, Data]):
    """A YAML mapping that knows where its keys and values stand. Keys are strings, as written."""

    __slots__ = ("edges", "end", "size", "source", "start")

    def __init__(self, source: Source, start: int) -> None:
        self.source, self.start, self.end, self.size = source, start, start, 1
        self.edges: dict[str, Edges] = {}

    @property
    def span(self) -> Span:
        return Span(self.source, self.start, self.end)

    def key_span(self, key: str) -> Span:
        edges = self.edges[key]
        return Span(self.source, edges.key_start, edges.key_end)

    def value_span(self, key: str) -> Span:
        edges = self.edges[key]
        return Span(self.source, edges.start, edges.end)


class Sequence(list[Data]):
    """A YAML sequence that knows where its entries stand."""

    __slots__ = ("edges", "end", "size", "source", "start")

    def __init__(self, source: Source, start: int) -> None:
        self.source, self.start, self.end, self.size = source, start, start, 1
        self.edges: list[tuple[int, int]] = []

    @property
    def span(self) -> Span:
        return Span(self.source, self.start, self.end)

    def item_span(self, index: int) -> Span:
        return Span(self.source, *self.edges[index])


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a YAML file."""

    root: Data
    span: Span


class _Stop(Exception):
    """A bound was passed: what, and where."""

    def __init__(self, code: str, start: int, end: int, message: str, hint: str = "") -> None:
        self.code, self.start, self.end, self.message, self.hint = code, start, end, message, hint


INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,4})?\Z")
BASED = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
WORDS: dict[str, Data] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}


def plain(text: str) -> Data:
    """Return the value of an unquoted scalar under YAML 1.2's core schema."""
    if text in WORDS:
        return WORDS[text]
    if not (text[0].isdigit() or text[0] in "+-."):
        return text
    if INTEGER.match(text) and len(text) <= 4000:
        return int(text)
    if BASED.match(text) and len(text) <= 3500:  # Python writes integers of up to 4,300 digits
        return int(text[2:], 8 if text[1] == "o" else 16)
    return Decimal(text) if FLOAT.match(text) and len(text) <= 4000 else text


def read(source: Source, report: Report) -> list[Document]:
    """Return the documents of a text; what cannot be read is reported, and what stood before it is returned."""
    documents: list[Document] = []
    if len(source.text) > MAX_BYTES:
        report(problem("RE102", source.path, f"the file is larger than {MAX_BYTES >> 20} MiB"))
        return documents
    try:
        documents.extend(_documents(source, report))
    except _Stop as stop:
        report(problem(stop.code, Span(source, stop.start, stop.end), stop.message, stop.hint))
    except MarkedYAMLError as error:
        report(_explained(source, error))
    except ReaderError as error:
        at = min(error.position, len(source.text))
        report(problem("RE103", Span(source, at, at + 1), "YAML does not allow this character here"))
    except YAMLError as error:
        report(problem("RE103", source.path, f"this is not YAML: {error}"))
    return documents


class _Reader:
    """The state of reading one document: open containers, the key that waits for its value, anchors."""

    def __init__(self, source: Source, report: Report) -> None:
        self.source, self.report = source, report
        self.root: Data = None
        self.open: list[Mapping | Sequence] = []
        self.keys: list[tuple[str, int, int] | None] = []
        self.anchors: dict[str, tuple[Data, int]] = {}

    def add(self, value: Data, start: int, end: int, size: int) -> None:
        """Put a finished value where it belongs."""
        if not self.open:
            self.root = value
            return
        parent = self.open[-1]
        parent.size += size
        if parent.size > MAX_NODES:
            raise _Stop(
                "RE105", start, end, f"the document holds more than {MAX_NODES:,} values once its aliases are followed"
            )
        if isinstance(parent, Sequence):
            parent.append(value)
            parent.edges.append((start, end))
            return
        waiting = self.keys[-1]
        if waiting is None:
            self.keys[-1] = (self.key(value, start, end), start, end)
            return
        key, key_start, key_end = waiting
        self.keys[-1] = None
        if key in parent.edges:
            line = self.source.row_column(parent.edges[key].key_start)[0]
            message = f"the key `{key}` is here for the second time; the first is in line {line}"
            self.report(problem("RE106", Span(self.source, key_start, key_end), message))
            return
        parent[key] = value
        parent.edges[key] = Edges(key_start, key_end, start, end)

    def key(self, value: Data, start: int, end: int) -> str:
        if isinstance(value, Mapping | Sequence):
            raise _Stop("RE107", start, end, "a key must be a word, not a list or a mapping", "put quotes around it")
        return value if isinstance(value, str) else self.source.text[start:end].strip()

    def close(self, end: int) -> None:
        done = self.open.pop()
        self.keys.pop()
        # A block collection ends where the next token begins: cut the white space and comments between.
        done.end = max(done.edges[-1][1] if isinstance(done, Sequence) and done.edges else done.start, done.start)
        if isinstance(done, Mapping) and done.edges:
            done.end = max(done.end, *(edges.end for edges in done.edges.values()))
        done.end = max(done.end, end) if self.source.text[end - 1 : end] in "]}" else done.end
        if isinstance(done, Mapping) and "<<" in done:
            self.merge(done)
        self.add(done, done.start, done.end, done.size)

    def merge(self, target: Mapping) -> None:
        """Fill in the keys of the mappings under `<<` (YAML 1.1's merge key) that the target has not itself."""
        edges = target.edges.pop("<<")
        given = target.pop("<<")
        for other in given if isinstance(given, Sequence) else [given]:
            if not isinstance(other, Mapping):
                raise _Stop("RE107", edges.start, edges.end, "`<<` takes in a mapping, or a list of mappings")
            for key, value in other.items():
                if key not in target:
                    target[key] = value
                    target.edges[key] = other.edges[key]


def _documents(source: Source, report: Report) -> Iterator[Document]:
    """Yield the documents of a text one by one, from the parser's events."""
    next_event = CParser(source.text).get_event
    reader = _Reader(source, report)
    document_start = 0
    while True:
        event: Any = next_event()
        kind = type(event)
        start, end = event.start_mark.index, event.end_mark.index
        if kind is ScalarEvent:
            value = event.value
            if event.tag is not None or event.implicit[0]:
                value = _scalar(event, start, end)
            if event.anchor:
                reader.anchors[event.anchor] = (value, 1)
            reader.add(value, start, end, 1)
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            if len(reader.open) >= MAX_DEPTH:
                raise _Stop("RE104", start, end, f"the document nests more than {MAX_DEPTH} levels deep")
            if event.tag is not None and event.tag not in TAGS and event.tag != "!":
                raise _Stop("RE108", start, end, f"the tag `{shown_tag(event.tag)}` has no meaning in a rule")
            container = Mapping(source, start) if kind is MappingStartEvent else Sequence(source, start)
            if event.anchor:
                reader.anchors[event.anchor] = (container, 0)
            reader.open.append(container)
            reader.keys.append(None)
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            reader.close(end)
        elif kind is AliasEvent:
            if event.anchor not in reader.anchors:
                hint = "put quotes around a value that begins with `*`"
                raise _Stop(
                    "RE103",
                    start,
                    end,
                    f"`*{event.anchor}` repeats something that is nowhere marked `&{event.anchor}`",
                    hint,
                )
            known = reader.anchors[event.anchor][0]
            if any(known is container for container in reader.open):
                raise _Stop("RE105", start, end, f"`*{event.anchor}` stands inside the very thing it repeats")
            reader.add(known, start, end, known.size if isinstance(known, Mapping | Sequence) else 1)
        elif kind is DocumentStartEvent:
            document_start = end if event.explicit else start
        elif kind is DocumentEndEvent:
            yield Document(reader.root, Span(source, document_start, start))
            reader = _Reader(source, report)
        elif kind is StreamEndEvent:
            return


def _scalar(event: ScalarEvent, start: int, end: int) -> Data:
    if event.tag is None:
        return plain(event.value)
    name = event.tag.rpartition(":")[2]
    if event.tag in ("!", "tag:yaml.org,2002:str"):
        return event.value
    value = plain(event.value) if event.tag in TAGS else event.value
    kinds = {"int": int, "float": Decimal, "bool": bool, "null": type(None)}
    if name in kinds and type(value) is kinds[name]:
        return value
    raise _Stop("RE108", start, end, f"the tag `{shown_tag(event.tag)}` has no meaning here")


def shown_tag(tag: str) -> str:
    """Return a tag as people write it."""
    return tag.replace("tag:yaml.org,2002:", "!!", 1)


SYNTAX_HINTS = (
    ("mapping values are not allowed", "put quotes around a value that holds `: `, and check the indentation"),
    ("could not find expected ':'", "a key needs a colon and a blank after it; a long text needs quotes"),
    ("did not find expected key", "check the indentation; a quote inside quotes is written twice"),
    ("did not find expected '-'", "the entries of a list must stand in one column"),
    ("did not find expected alphabetic", "put quotes around a value that begins with `*` or `&`"),
    ("unknown escape character", "in double quotes a backslash escapes; use single quotes for paths"),
    ("unexpected end of stream", "a quote or bracket that opens here is never closed"),
)


def _explained(source: Source, error: MarkedYAMLError) -> Any:
    """Return the problem of a syntax error, with a hint for the slips people make."""
    mark = error.problem_mark or error.context_mark
    start = min(mark.index, len(source.text)) if mark else 0
    sentence = error.problem or "this is not YAML"
    hint = next((hint for part, hint in SYNTAX_HINTS if part in sentence), "")
    character = source.text[start : start + 1]
    if "cannot start any token" in sentence and character:
        hint = "indent with blanks, not tabs" if character == "\t" else "put quotes around the value"
    if error.context and error.context_mark and "end of stream" in sentence:
        start = error.context_mark.index
    return problem("RE103", Span(source, start, start + 1), f"this is not YAML: {sentence}", hint)
