"""Turns what a user names (files, folders, patterns, `-`) into the list of event files to read."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ruleengine.events.sniff import suffix
from ruleengine.events.stream import STANDARD_INPUT
from ruleengine.problem import Report, problem


def find(paths: Sequence[str], report: Report) -> list[str]:
    """Return the files in the order of `paths`, folders sorted and recursive, each file once."""
    found: dict[str, str] = {}
    for path in paths:
        for file in _expand(path, report):
            found.setdefault(os.path.realpath(file) if file != STANDARD_INPUT else file, file)
    return list(found.values())


def total_bytes(paths: Sequence[str]) -> int:
    """Return how many bytes, as they lie on disk, `read` is going to take from these paths; standard input counts 0."""
    files = find(paths, lambda _: None)
    return sum(Path(file).stat().st_size for file in files if Path(file).is_file())


def _expand(path: str, report: Report) -> Iterator[str]:
    if path == "-":
        yield STANDARD_INPUT
    elif Path(path).is_dir():
        yield from _folder(path, report)
    elif os.path.lexists(path):
        yield path
    else:
        matches = sorted(glob.glob(path, recursive=True)) if glob.has_magic(path) else []  # noqa: PTH207  # absolute patterns too
        if not matches:
            kind = "no file matches this pattern" if glob.has_magic(path) else "there is no such file or folder"
            report(problem("RE601", path, kind))
        for match in matches:
            if not Path(match).is_dir():
                yield match
            elif not path.endswith("**"):  # `**` lists the folders and, beside them, all their files
                yield from _folder(match, report)


def _folder(folder: str, report: Report) -> Iterator[str]:
    def unreadable(error: OSError) -> None:
        report(problem("RE602", str(error.filename), f"this folder cannot be read: {error.strerror}"))

    files: list[str] = []
    for parent, below, names in os.walk(folder, onerror=unreadable):
        below[:] = [name for name in below if not name.startswith(".")]  # caches and repositories, not logs
        files.extend(str(Path(parent, name)) for name in names if suffix(name) and not name.startswith("."))
    files.sort()
    if not files:
        hint = "name a file of another suffix itself, with its format"
        report(problem("RE601", folder, "this folder has no event files (.ndjson .jsonl .json .csv .evtx)", hint))
    yield from files
