"""The project's configuration: `ruleengine.toml`, or the table `[tool.ruleengine]` of `pyproject.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruleengine.problem import Problem, problem
from ruleengine.span import Place
from ruleengine.suggest import meant

FILE = "ruleengine.toml"
ROOT_MARKS = (FILE, "pyproject.toml", ".git")


@dataclass(frozen=True, slots=True)
class Config:
    """What a project sets: where it begins, where its rules and fixtures are, and the values of placeholders."""

    root: Path
    rules: tuple[str, ...] = ("rules",)
    fixtures: tuple[str, ...] = ("fixtures",)
    placeholders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class ConfigError(Exception):
    """The configuration cannot be followed; it holds the problem to show, and the exit code is 2."""

    def __init__(self, found: Problem) -> None:
        super().__init__(found.message)
        self.problem = found


def project_root(start: Path) -> Path:
    """Return the nearest folder at or above a path that holds a configuration or a repository; else its own."""
    folder = start.resolve()
    folder = folder if folder.is_dir() else folder.parent
    marked = (one for one in (folder, *folder.parents) if any((one / mark).exists() for mark in ROOT_MARKS))
    return next(marked, folder)


def shown(path: Path) -> str:
    """Return a path as people write it: relative to where they are, when it lies below."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def read_config(start: Path) -> Config:
    """Return the configuration that holds for a folder; without one, the defaults."""
    root = project_root(start)
    own, project = root / FILE, root / "pyproject.toml"
    path = own if own.exists() else project
    if not path.exists():
        return Config(root)
    try:
        text = path.read_text("utf-8")
        table: Any = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(problem("RE710", shown(path), f"the file cannot be read: {error.strerror}")) from None
    except UnicodeDecodeError:
        raise ConfigError(problem("RE710", shown(path), "the file is not UTF-8 text")) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(problem("RE710", shown(path), f"this is not TOML: {error}")) from None
    if path is project:
        table = table.get("tool", {}).get("ruleengine", {})
    return _config(root, table, path, text)


def _config(root: Path, table: Any, path: Path, text: str) -> Config:
    known = ("rules", "fixtures", "placeholders")
    given: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            raise _fault(path, text, key, f"there is no setting `{key}`", meant(key, known))
        if key == "placeholders":
            given[key] = _placeholders(value, path, text)
        elif isinstance(value, list) and all(isinstance(entry, str) for entry in value):
            given[key] = tuple(value)
        else:
            raise _fault(path, text, key, f"`{key}` is a list of paths", f'write `{key} = ["{key}"]`')
    return Config(root, **given)


def _placeholders(value: Any, path: Path, text: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise _fault(path, text, "placeholders", "`placeholders` is a table of names and lists of values")
    out: dict[str, tuple[str, ...]] = {}
    for name, entries in value.items():
        entries = [entries] if isinstance(entries, str) else entries
        if not isinstance(entries, list) or not entries or not all(isinstance(entry, str) for entry in entries):
            raise _fault(path, text, name, f"the placeholder `{name}` takes a list of at least one text")
        out[name] = tuple(entries)
    return out


def _fault(path: Path, text: str, key: str, message: str, hint: str = "") -> ConfigError:
    rows = text.splitlines()
    row = next((number for number, line in enumerate(rows, 1) if line.lstrip(' ["').startswith(key)), 0)
    place = Place(shown(path), row, excerpt=rows[row - 1] if row else "")
    return ConfigError(problem("RE710", place, message, hint))
