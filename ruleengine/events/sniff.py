"""Tells which format a file of events has: by its first bytes, helped by its name."""

from __future__ import annotations

import json
from typing import Literal

from ruleengine.events.evtx_file import MAGIC

Format = Literal["ndjson", "json", "csv", "evtx"]

HEAD = 64 << 10
"""Bytes that are looked at before a decision is forced."""

COMPRESSED = (".gz", ".zst")
SUFFIXES: dict[str, Format | None] = {  # None: JSON, and the content says which kind
    ".ndjson": "ndjson",
    ".jsonl": None,
    ".json": None,
    ".csv": "csv",
    ".evtx": "evtx",
}
BINARIES = (
    (b"PK\3\4", "a ZIP archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))


def suffix(path: str) -> str:
    """Return the suffix that tells the format, in lower case, without that of a compression; `` when it is unknown."""
    name = path.lower()
    for ending in COMPRESSED:
        name = name.removesuffix(ending)
    return next((known for known in SUFFIXES if name.endswith(known)), "")


def enough(head: bytes) -> bool:
    """Say whether the head holds a whole line that is not blank, or as much as is looked at."""
    return len(head) >= HEAD or b"\n" in head.lstrip()


def sniff(head: bytes, path: str) -> Format | str:
    """Return the format, or a sentence that says why there is none."""
    if head.startswith(MAGIC):
        return "evtx"
    known = SUFFIXES.get(suffix(path))
    text = head.lstrip()
    if known == "evtx":
        return known
    if text[:1] not in (b"{", b"["):
        if kind := _binary(head):
            return f"this is {kind}, not a file of events"
        if known:
            return known
        if suffix(path) or not text or any(_is_object(line) for line in text.split(b"\n")):
            return "ndjson"
        return "the first line is no JSON, so the format of this file cannot be told"
    if known:
        return known
    first = text.split(b"\n", 1)[0]
    return "json" if text.startswith(b"[") or _goes_on(first, whole=b"\n" not in text) else "ndjson"


def _goes_on(line: bytes, whole: bool) -> bool:
    """Say whether a first line is the beginning of an object that spans lines, or more than one object."""
    try:
        json.loads(line)
    except json.JSONDecodeError as error:
        text = line.decode(errors="replace").rstrip()
        if error.msg == "Extra data":
            return text[error.pos] == "{"
        return error.pos >= len(text) and not whole
    except (ValueError, RecursionError):
        return False
    return False


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _binary(head: bytes) -> str:
    for magic, kind in BINARIES:
        if head.startswith(magic):
            return kind
    start = head[:4096]
    return "binary data" if len(start) - len(start.translate(None, _CONTROL)) > len(start) / 10 else ""
