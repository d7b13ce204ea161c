"""Paths written in test files: they lead to files inside the project, or nowhere."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from ruleengine.config import ROOT_MARKS, project_root
from ruleengine.problem import Problem, problem
from ruleengine.span import Span


@lru_cache(maxsize=256)
def root_of(folder: Path) -> Path:
    """Return the project of an absolute folder; see `project_root`."""
    return project_root(folder).resolve()


def is_file(path: str | Path) -> bool:
    """Say whether there is a file; a name that the operating system does not take names none."""
    try:
        return Path(path).is_file()
    except OSError:  # longer than a name may be
        return False


def inside(written: str, beside: str, where: Span) -> str | Problem:
    """Return the path that a test file means, as it is shown, or the problem with it; links are followed first."""
    folder = Path(beside).parent
    shown = os.path.normpath(folder / written)
    try:
        real = Path(shown).resolve()
        there, is_folder = is_file(real), real.is_dir()
    except (OSError, ValueError):  # a NUL character, half a surrogate pair, a name that is too long
        return problem("RE512", where, "this is not a path")
    root = root_of(folder.resolve())
    if not real.is_relative_to(root):
        marked = any((root / mark).exists() for mark in ROOT_MARKS)
        hint = "copy the file into the project" if marked else "put an empty `ruleengine.toml` into the project's root"
        return problem("RE505", where, f"`{written}` leads out of the project, the folder `{root.name}`", hint)
    if not there:
        return problem("RE512", where, f"`{shown}` {'is a folder' if is_folder else 'does not exist'}")
    return "./-" if shown == "-" else shown  # "-" alone would be standard input
