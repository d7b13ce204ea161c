"""What `compile` leaves in a folder: a file a rule in the folders of the rules, and a manifest of all of them.

The same rules give the same bytes. The manifest records what each file was made from and how faithful it is.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any

import ruleengine
from ruleengine.compiling import Result
from ruleengine.formats import SCHEMA_VERSION
from ruleengine.ir import Rule
from ruleengine.target import Format, Limit, Options, Target

MANIFEST = "manifest.json"
Files = dict[str, bytes]
"""What to write, by paths relative to the folder, with `/`."""

Row = dict[str, Any]


def files_of(
    results: Sequence[Result], into: Target, form: Format, options: Options, roots: Sequence[str] = ()
) -> tuple[Files, list[Row]]:
    """Return the files of one target and the rows of the manifest, one for each rule, kept or not.

    `roots` are the files and folders that the rules were read from.
    """
    kept = [result for result in results if result.kept]
    folder = into.name.replace(":", "-")  # which Windows takes as well
    if form.many is not None:
        made = form.many([(result.given, result.compiled) for result in kept], options)
        files = {f"{folder}/{path}": data for path, data in made.items()}
        where = next(iter(files)) if len(files) == 1 else f"{folder}/"
        return files, [row(result, into, form, roots, where if result.kept else None) for result in results]
    assert form.one is not None
    names = file_names([result.given.rule for result in results], form.suffix, roots)
    files, rows = {}, []
    for result, name in zip(results, names, strict=True):
        path = f"{folder}/{name}"
        if result.kept:
            files[path] = form.one(result.given, result.compiled, options).encode("utf-8", "backslashreplace")
        rows.append(row(result, into, form, roots, path if result.kept else None))
    return files, rows


def file_names(rules: Sequence[Rule], suffix: str, roots: Sequence[str]) -> list[str]:
    """Return a relative path for each rule: that of its file, with the rule's own name when the file holds several."""
    paths = [re.sub(r"\.[^./]*\Z", "", mirrored(rule, roots)) for rule in rules]
    several = {path for path, count in Counter(paths).items() if count > 1}
    out: list[str] = []
    taken: set[str] = set()
    for path, rule in zip(paths, rules, strict=True):
        own = f"{path}.{plain(rule.name or rule.id or rule.title)}" if path in several else path
        name, number = own, 2
        while name.lower() in taken:  # some file systems do not tell case apart
            name, number = f"{own}.{number}", number + 1
        taken.add(name.lower())
        out.append(name + suffix)
    return out


def mirrored(rule: Rule, roots: Sequence[str] = ()) -> str:
    """Return a rule file's path as it is kept: relative, and inside.

    A path from the root of the file system, or above this folder, begins at the file or folder that was named.
    """
    return _kept(rule.source.path, tuple(roots)) if rule.source is not None else "rule"


@lru_cache(maxsize=1 << 16)
def _kept(given: str, roots: tuple[str, ...]) -> str:
    path = PurePath(given)
    if path.is_absolute() or ".." in path.parts:
        root = next((PurePath(each) for each in roots if path.is_relative_to(each)), path)
        path = path.relative_to(root.parent)
    return "/".join(part for part in path.parts if part not in ("..", ".", path.anchor))


def plain(name: str) -> str:
    """Return a name that every file system takes."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name)
    return kept[:80].strip("_") or "rule"


def row(result: Result, into: Target, form: Format, roots: Sequence[str] = (), file: str | None = None) -> Row:
    """Return what the manifest says of one rule in one target."""
    rule = result.given.rule
    return {
        "rule": rule.label,
        "title": rule.title,
        "path": mirrored(rule, roots) if rule.source else None,
        "digest": result.given.digest,
        "target": into.name,
        "target_version": into.version,
        "format": form.name,
        "fidelity": result.compiled.verdict,
        "limits": [limit_row(limit) for limit in result.compiled.limits],
        "accepted": result.accepted,
        "file": file,
    }


def limit_row(limit: Limit) -> Row:
    """Return one limit as data."""
    return {
        "kind": limit.kind,
        "construct": limit.construct,
        "field": limit.field,
        "bound": limit.bound or None,
        "reason": limit.reason,
    }


def manifest(rows: Iterable[Row], pipelines: Sequence[str]) -> bytes:
    """Return the manifest's text: a JSON object whose rows stand one a line, so that a change shows as one."""
    head = {"schema_version": SCHEMA_VERSION, "ruleengine": ruleengine.__version__, "pipelines": list(pipelines)}
    lines = ",\n".join(f"  {json.dumps(each, ensure_ascii=False)}" for each in rows)
    return f'{json.dumps(head)[:-1]}, "queries": [\n{lines}\n]}}\n'.encode("utf-8", "backslashreplace")


# --- in a folder ---------------------------------------------------------------------------------------------------


def known(folder: Path) -> list[str]:
    """Return the files that the folder's manifest lists; an unreadable manifest lists none."""
    try:
        read = json.loads((folder / MANIFEST).read_text("utf-8"))
        files = {each["file"] for each in read["queries"] if each["file"] and not each["file"].endswith("/")}
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return sorted(path for path in files if isinstance(path, str) and ".." not in PurePath(path).parts)


def differences(folder: Path, files: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Return what differs between a folder and what should be there: pairs of a path and a sentence."""
    out = []
    for path, data in sorted(files.items()):
        try:
            there = (folder / path).read_bytes()
        except OSError:
            out.append((path, "it is not there"))
            continue
        if there != data:
            out.append((path, "it is not what its rule says now"))
    return out + [(path, "no rule makes it any more") for path in left_over(folder, files)]


def left_over(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    """Return the files of the folder's old manifest that nothing makes any more."""
    return [path for path in known(folder) if path not in files and (folder / path).is_file()]


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files, and remove those of the old manifest that nothing makes any more; OSError if it cannot."""
    gone = left_over(folder, files)
    for parent in sorted({path.rpartition("/")[0] for path in files}):
        (folder / parent).mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        with open(f"{folder}/{path}", "wb") as stream:  # noqa: PTH123  # thousands of them: a Path takes longer than a file
            stream.write(data)
    for path in gone:
        (folder / path).unlink()
