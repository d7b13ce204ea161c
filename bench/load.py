"""How long loading and checking a folder of rules take, as multiples of PyYAML's C loader alone on the same files.

    python bench/load.py [FOLDER]        (default: SigmaHQ's rules beside the repository)

Each is the median of three runs, each in a process of its own, so that no cache is warm from the run before; imports
and grammars, which are once a process, are not counted. Bounds: load 3, check (load and all checks) 6; beyond them the
exit code is 1.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import yaml

from ruleengine.checks import check
from ruleengine.load import load
from ruleengine.problem import Problem

RUNS = 3
SIGMAHQ = Path(__file__).parent.parent.parent / "shared" / "data" / "sigmahq"
BOUNDS = {"load": 3.0, "check": 6.0}


SMALLEST = "title: T\nlogsource: {product: windows}\ndetection: {s: {Image: a}, condition: s}"


def plain(texts: list[bytes]) -> None:
    """Read YAML and do nothing with it."""
    for text in texts:
        list(yaml.load_all(text, yaml.CSafeLoader))


def loaded(folder: str, *, checks: bool) -> None:
    """Load the rules, and check them."""
    found: list[Problem] = []
    rules = load([folder], found.append, evaluating=False).rules
    if checks:
        check(rules, found.append)


def seconds(what: str, folder: str) -> float:
    """Return the processor time of one run: wall time would measure the neighbours on a busy machine."""
    texts = [path.read_bytes() for path in sorted(Path(folder).rglob("*.yml"))]
    gc.disable()  # as the command does
    start = time.process_time()
    if what == "plain":
        plain(texts)
    else:
        loaded(folder, checks=what == "check")
    return time.process_time() - start


def main(folder: str) -> int:
    """Print the figures and return the exit code."""
    with tempfile.TemporaryDirectory() as small:
        (Path(small) / "rule.yml").write_text(SMALLEST)
        loaded(small, checks=True)
    jobs = [(what, folder) for _ in range(RUNS) for what in ("plain", *BOUNDS)]
    with get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        taken = pool.starmap(seconds, jobs, chunksize=1)
    base = median(taken[0 :: len(BOUNDS) + 1])
    print(f"PyYAML CSafeLoader {base:.2f} s")
    over = False
    for index, (name, bound) in enumerate(BOUNDS.items(), 1):
        figure = median(taken[index :: len(BOUNDS) + 1])
        over = over or figure > bound * base
        print(f"{name:18} {figure:.2f} s = {figure / base:.2f} x (at most {bound:g})")
    return int(over)


if __name__ == "__main__":
    rules = sys.argv[1] if len(sys.argv) > 1 else str(SIGMAHQ)
    if not Path(rules).is_dir():
        sys.exit(f"skipped: there is no folder {rules}")
    sys.exit(main(rules))
