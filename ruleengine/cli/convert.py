"""Convert rules between Sigma's YAML and the rule language; nothing that both can say is lost.

ruleengine convert rule.yml --to rule                    one file, to stdout
ruleengine convert rules/ --to rule --output converted   a folder, into the same folders below another one
ruleengine convert rules/ tag:attack.t1059* --to sigma --output converted

What a language cannot say is an error that names it (exit code 1), and that rule is left out. Comments come along.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ruleengine.cli.main import FINDINGS, NOTHING, OK
from ruleengine.cli.parser import UsageError
from ruleengine.cli.rules import SELECT_HELP, Chosen, choose, tell
from ruleengine.draw import counted
from ruleengine.ir import Rule
from ruleengine.load import LANGUAGE_SUFFIX
from ruleengine.problem import Problem, in_order


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("paths", nargs="*", metavar="SELECT", help=SELECT_HELP)
    parser.add_argument("--to", choices=("rule", "sigma"), required=True, help="the language to write")
    parser.add_argument("--output", metavar="FOLDER", type=Path, help="where to write; stdout when there is one file")
    parser.add_argument("--force", action="store_true", help="write over files that are there already")


def run(args: argparse.Namespace) -> int:
    """Write the rules in the other language."""
    from ruleengine.dsl.translate import translated

    chosen = choose(args.paths, evaluating=False)
    tell(chosen.problems)
    files, left = by_file(chosen, args.to)
    if args.output is None and len(files) > 1:
        raise UsageError(f"{len(files):,} files do not fit on stdout", "name a folder for them: --output FOLDER")
    targets = places(list(files), args.paths, args.to, args.output) if args.output else {}
    found: list[Problem] = []
    texts = {path: translated(rules, args.to, found.append) for path, rules in files.items()}
    tell(in_order(found))
    if args.output:
        write({targets[path]: text for path, text in texts.items() if text}, force=args.force)
    else:
        sys.stdout.writelines(texts.values())
    sys.stderr.write(told(len([text for text in texts.values() if text]), left, args.to) + "\n")
    code = chosen.code if files or chosen.code else NOTHING
    return max(code, FINDINGS if found else OK)


def by_file(chosen: Chosen, language: str) -> tuple[dict[str, list[Rule]], int]:
    """Return the rules of each file that is not in the language yet, and how many files are."""
    files: dict[str, list[Rule]] = {}
    left: set[str] = set()
    for rule in (loaded.rule for loaded in chosen.rules):
        path = rule.source.path if rule.source else ""
        if path.endswith(LANGUAGE_SUFFIX) == (language == "rule"):
            left.add(path)
        else:
            files.setdefault(path, []).append(rule)
    return files, len(left)


def places(paths: Sequence[str], words: Sequence[str], language: str, output: Path) -> dict[str, Path]:
    """Return where each file goes: below the folder it was found in when that was named; UsageError if two collide."""
    from ruleengine.dsl.translate import SUFFIXES

    folders = sorted((Path(word) for word in words if Path(word).is_dir()), key=lambda one: -len(one.parts))
    out: dict[str, Path] = {}
    taken: dict[Path, str] = {}
    for path in paths:
        folder = next((one for one in folders if Path(path).is_relative_to(one)), None)
        inner = Path(path).relative_to(folder) if folder is not None else below(path)
        target = output / inner.with_suffix(SUFFIXES[language])
        if target in taken:
            raise UsageError(f"`{taken[target]}` and `{path}` would both be written to `{target}`")
        taken[target] = path
        out[path] = target
    return out


def below(path: str) -> Path:
    """Return the part of a path that is kept when no folder was named: all of it when it is below this one."""
    given = Path(path)
    return Path(given.name) if given.is_absolute() or ".." in given.parts else given


def write(texts: dict[Path, str], *, force: bool) -> None:
    """Write files; UsageError, before anything is written, when one is there already and says something else."""
    other = [path for path, text in texts.items() if path.exists() and (path.is_dir() or read(path) != text)]
    if other and not force:
        sentence = f"`{other[0]}` is there already" + (f", and {len(other) - 1:,} more" if len(other) > 1 else "")
        raise UsageError(sentence, "`--force` writes over it", code="RE702")
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8", newline="\n")
        except OSError as error:
            raise UsageError(f"`{path}` cannot be written: {error.strerror}", code="RE702") from None


def read(path: Path) -> str | None:
    """Return the text of a file, None when it has none."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def told(count: int, left: int, language: str) -> str:
    """Return the last line on stderr."""
    line = f"{counted(count, 'file')} converted"
    return line + (f"; {counted(left, 'file')} passed over, for {LEFT[language]}" if left else "")


LEFT = {"rule": "they are in the rule language already", "sigma": "they are Sigma already"}
