"""The two programs that are compared, as commands, and how long one run of a command takes and how much it holds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from bench.streaming.lanes import ROOT, Lane

VERSION = "0.21.0"
PARTS = ("product", "service", "category")
FINE = (0, 3, 5)
"""What the programs end with when they have done their work; ours: 3 with a rule or event refused, 5 with no event."""


class Run(NamedTuple):
    """One run of a command: seconds by the clock, seconds of processor time, megabytes at most."""

    wall: float
    cpu: float
    rss: float


class Programs(NamedTuple):
    """Where the programs are (`rsigma` None: not measured) and where ours keeps its cache."""

    rsigma: Path | None
    cache: Path

    def ours(self, lane: Path, rules: Path, hints: Sequence[str] | None = None) -> list[str]:
        """Return our command over a file; without hint fields every rule is asked, unless the events say more."""
        words = [str(Path(sys.executable).with_name("ruleengine")), "match", str(lane), "--rules", str(rules)]
        for part, field in zip(PARTS, hints or (), strict=False):
            words += ["--logsource-field", f"{part}={field}"]
        return [*words, "--format", "ndjson"]

    def theirs(self, rules: Path, hints: Sequence[str] | None = None) -> list[str]:
        """Return RSigma's command, which reads its standard input."""
        words = [str(self.rsigma), "engine", "eval", "-r", str(rules), "--quiet", "--output-format", "ndjson"]
        if hints:
            fields = ",".join(f"{part}={field}" for part, field in zip(PARTS, hints, strict=True))
            words += ["--logsource-routing", "--logsource-field-map", fields]
        return words

    def run_ours(
        self,
        lane: Path,
        rules: Path,
        hints: Sequence[str] | None = None,
        out: Path | None = None,
        *,
        accelerated: bool = True,
    ) -> Run:
        """Run ours over a file, with the accelerator unless it was not built, or without."""
        env = {"RULEENGINE_CACHE": str(self.cache), "RULEENGINE_ACCELERATOR": str(int(accelerated))}
        return run(self.ours(lane, rules, hints), out=out, env=env)

    def run_theirs(self, lane: Path, rules: Path, hints: Sequence[str] | None = None, out: Path | None = None) -> Run:
        """Run RSigma over a file."""
        return run(self.theirs(rules, hints), given=lane, out=out)


def hints_of(lane: Lane, mode: str) -> tuple[str, ...] | None:
    """Return the hint fields by which a lane is routed; None where every rule is asked."""
    return lane.hints if mode == "routed" else None


def find_rsigma(named: Path | None) -> Path | None:
    """Return RSigma of the version that is compared with: the one named, that of `make bench`, or one on the path."""
    found = shutil.which("rsigma")
    for path in (named, ROOT / ".rsigma" / "bin" / "rsigma", Path(found) if found else None):
        if path is None or not path.is_file():
            continue
        told = subprocess.run([str(path), "--version"], capture_output=True, text=True, check=False).stdout
        if told.split()[-1:] == [VERSION]:
            return path
        print(f"{path.name} is {told.strip() or 'of no known version'}, not {VERSION}: passed over", file=sys.stderr)
    return None


def on_one_core() -> None:
    """Keep this process and all that it starts on one core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def run(
    command: Sequence[str], *, given: Path | None = None, out: Path | None = None, env: Mapping[str, str] | None = None
) -> Run:
    """Run a command, file to /dev/null unless `out` is given; a command that fails ends the benchmark.

    The system counts the memory of a process from its birth, when it is a copy of this one: this one stays small.
    """
    nothing = Path(os.devnull)
    with (
        (given or nothing).open("rb") as stdin,
        (out or nothing).open("wb") as stdout,
        tempfile.TemporaryFile() as errors,
    ):
        return _waited(command, stdin, stdout, errors, os.environ | dict(env or {}))


def _waited(
    command: Sequence[str], stdin: IO[bytes], stdout: IO[bytes], errors: IO[bytes], env: Mapping[str, str]
) -> Run:
    start = time.perf_counter()
    process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=errors, env=env)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in FINE:
        errors.seek(0)
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}\n{errors.read()[-2000:].decode()}")
    kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Run(wall, usage.ru_utime + usage.ru_stime, kilobytes / 1024)
