"""The lanes of the benchmark: streams of events as NDJSON files, made from the data beside the repository.

A lane is written once into a folder of the run. In the real ones the hint fields say what our table of channels says:
an engine without such a table then asks the same rules. Beside each lane whose events say where they come from lies a
copy in which the keys that say so have other names: over that copy no engine can leave a rule out.
"""

from __future__ import annotations

import io
import random
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import zstandard

from ruleengine.schema.logsources import event_source

ROOT = Path(__file__).parent.parent.parent
SHARED = ROOT.parent / "shared" / "data"
STORED = SHARED / "bench-lanes"
RULES = SHARED / "sigmahq" / "rules"

SEED = 20261125
SYNTHETIC = (
    "structured_windows",
    "match_heavy",
    "low_match",
    "sysmon_file_event",
    "raw_windows",
    "cisco_syslog",
    "mixed_schema",
    "no_match",
)
REAL = ("windows-history", "windows-attack")
UNIQUE = {"structured_windows, unique": "structured_windows", "windows-history, unique": "windows-history"}
NAMES = (*SYNTHETIC, *REAL, *UNIQUE)

ROUTING_KEYS = ("Channel", "Provider_Name", "_product", "_service", "_category")
WIDER = "registry_event"
"""The category that takes in others."""

_ROUTING_KEY = re.compile(rb'(?<!\\)"(%s)":' % "|".join(ROUTING_KEYS).encode())

PATHS = frozenset(
    "Image ParentImage GrandParentImage SourceImage TargetImage ImageLoaded CurrentDirectory TargetFilename"
    " TargetObject NewProcessName ParentProcessName ProcessName ImagePath ServiceFileName ObjectName PipeName Device"
    " Path".split()
)
"""Fields with paths: a folder of a random name is put before the last part."""

IDENTITIES = frozenset(
    "ProcessGuid ParentProcessGuid SourceProcessGUID TargetProcessGUID LogonGuid LogonId Hashes Hash md5 sha1".split()
)
"""Fields with identities: their hexadecimal digits are drawn anew."""

TEXTS = frozenset(
    "CommandLine ParentCommandLine ProcessCommandLine User SubjectUserName TargetUserName ParentUser Details"
    " ScriptBlockText Payload ContextInfo Message message Data CallTrace QueryName DestinationHostname UserAgent"
    " HostApplication Param1 param1 ServiceName TaskName".split()
)
"""Other fields with many values: a random word is put at one of the blanks, or at the end."""


class Lane(NamedTuple):
    """One lane on disk; `hints` are the fields that state product, service and category."""

    name: str
    routed: Path
    unrouted: Path
    events: int
    hints: tuple[str, str, str]

    def path(self, mode: str) -> Path:
        """Return the file for a mode, `routed` or `all`."""
        return self.routed if mode == "routed" else self.unrouted


def lines(source: Path) -> Iterator[bytes]:
    """Yield the lines of a compressed NDJSON file, without their ends."""
    with source.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as stream:
        for line in io.BufferedReader(stream, 1 << 20):
            yield line.rstrip(b"\n")


def original(name: str, events: int) -> Iterator[bytes]:
    """Yield the lines of a lane: of a synthetic one the first so many, of a real one evenly from the whole of it."""
    if name in SYNTHETIC:
        for index, line in enumerate(lines(STORED / f"{name}.ndjson.zst")):
            if index < events:
                yield line
        return
    source = SHARED / name / "events.ndjson.zst"
    step = max(1, sum(1 for _ in lines(source)) // events)
    taken = 0
    for index, line in enumerate(lines(source)):
        if index % step == 0 and taken < events:
            taken += 1
            yield line


def made(name: str, folder: Path, events: int) -> Lane:
    """Write a lane into a folder, and return it."""
    base = UNIQUE.get(name, name)
    file = name.replace(", ", "-")
    routed, unrouted = folder / f"{file}.ndjson", folder / f"{file}.unrouted.ndjson"
    found: Iterable[bytes] = original(base, events)
    if base in REAL:
        found = map(hinted, found)
    count = _written(unique(found) if name in UNIQUE else found, routed)
    with routed.open("rb") as given:
        told = any(_ROUTING_KEY.search(line) for line in given)
    if told:
        with routed.open("rb") as given:
            _written((renamed(line.rstrip(b"\n")) for line in given), unrouted)
    own = base in REAL
    hints = ("_product", "_service", "_category") if own else ("product", "service", "category")
    return Lane(name, routed, unrouted if told else routed, count, hints)


def hinted(line: bytes) -> bytes:
    """Return a line whose hints say what our engine takes from the channel: `-` where it says that there is none.

    Of several categories the one that the event was hinted with stands, else the first that is no wider one.
    """
    event: dict[str, Any] = msgspec.json.decode(line)
    source, before = event_source(event), event.get("_category")
    event["_product"] = source.product
    event["_service"] = source.service or ("-" if source.complete else None)
    if source.categories is not None:
        narrow = sorted(source.categories - {WIDER}) or ["-"]
        event["_category"] = before if before in narrow else narrow[0]
    return msgspec.json.encode(
        {field: value for field, value in event.items() if field[:1] != "_" or value is not None}
    )


def renamed(line: bytes) -> bytes:
    """Return a line in which no key says where the event comes from: only a key has a bare quote before its colon."""
    return _ROUTING_KEY.sub(rb'"\1_was":', line)


def repeated(path: Path, times: int) -> Path:
    """Write a file that is another one so many times, and return it."""
    out = path.with_suffix(f".x{times}.ndjson")
    with out.open("wb") as stream:
        for _ in range(times):
            with path.open("rb") as given:
                stream.writelines(given)
    return out


def _written(found: Iterable[bytes], path: Path) -> int:
    count = 0
    with path.open("wb") as stream:
        for line in found:
            stream.write(line + b"\n")
            count += 1
    return count


# --- unique values ----------------------------------------------------------------------------------------------------


def unique(found: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines in which every value of a field that has many values is one of its own; the same on every machine."""
    drawn = random.Random(SEED)
    for line in found:
        event: dict[str, Any] = msgspec.json.decode(line)
        for field, value in event.items():
            change = _change(field)
            if change is None:
                continue
            if isinstance(value, str):
                event[field] = change(value, drawn)
            elif isinstance(value, list):
                event[field] = [change(item, drawn) if isinstance(item, str) else item for item in value]
        yield msgspec.json.encode(event)


def _change(field: str) -> Callable[[str, random.Random], str] | None:
    if field in PATHS:
        return _folder
    if field in IDENTITIES:
        return _digits
    return _word if field in TEXTS else None


def _token(drawn: random.Random) -> str:
    return f"{drawn.getrandbits(40):010x}"


def _folder(value: str, drawn: random.Random) -> str:
    head, separator, tail = value.rpartition("\\")
    return f"{head}\\{_token(drawn)}{separator}{tail}" if separator else f"{value}{_token(drawn)}"


def _digits(value: str, drawn: random.Random) -> str:
    head, equals, rest = value.partition("=")  # SHA256=…
    changed = re.sub(r"[0-9A-Fa-f]{4}", lambda _: f"{drawn.getrandbits(16):04X}", rest if equals else value)
    return f"{head}={changed}" if equals else changed


def _word(value: str, drawn: random.Random) -> str:
    blanks = [found.start() for found in re.finditer(" ", value[:400])]
    if not blanks:
        return f"{value}{_token(drawn)}"
    at = drawn.choice(blanks)
    return f"{value[:at]} {_token(drawn)}{value[at:]}"
