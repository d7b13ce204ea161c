"""How long writing all rules for two SIEMs takes, beside `sigma convert` for the same rules and SIEMs.

    python bench/compile.py [FOLDER]         (default: SigmaHQ's rules beside the repository)

Only rules that `sigma convert` can write are counted, which is found out first, rule by rule. Then each program writes
them for Splunk and for LogScale as whole processes from a cold start, in turn; the figure is the ratio of the medians
of the wall times. Bound: 0.25; beyond it the exit code is 1. It needs pysigma-backend-splunk and
pysigma-backend-crowdstrike, as the extra `dev` has them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

RUNS = 3
SIGMAHQ = Path(__file__).parent.parent.parent / "shared" / "data" / "sigmahq"
BOUND = 0.25
FOREIGN = ("splunk", "log_scale")
OWN = ("splunk", "logscale")
BIN = Path(sys.executable).parent


def writable(folder: Path) -> list[Path]:
    """Return the files of which pySigma writes every rule for both SIEMs."""
    from sigma.backends.crowdstrike import LogScaleBackend
    from sigma.backends.splunk import SplunkBackend
    from sigma.collection import SigmaCollection

    out = []
    for path in sorted(folder.rglob("*.yml")):
        if "regression" in path.name or "/regression_data/" in str(path):
            continue
        try:
            for backend in (SplunkBackend, LogScaleBackend):
                backend().convert(SigmaCollection.from_yaml(path.read_text("utf-8")))
        except Exception:  # noqa: BLE001  # whatever stops it: the rule is left out
            continue
        out.append(path)
    return out


def seconds(*command: str) -> float:
    """Return the wall time of a command, which must succeed (3: some rule was refused)."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    took = time.perf_counter() - start
    if done.returncode not in (0, 3):
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr.decode()[-2000:]}")
    return took


def converted(name: str, out: Path, rules: Path) -> float:
    """Return the wall time of sigma-cli for one SIEM."""
    return seconds(str(BIN / "sigma"), "convert", "-t", name, "--without-pipeline", "-o", str(out), str(rules))


def main() -> int:
    """Measure and print."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SIGMAHQ
    if not folder.is_dir():
        print(f"skipped: there is no folder {folder}")
        return 0
    paths = writable(folder)
    with tempfile.TemporaryDirectory() as made:
        rules, out = Path(made) / "rules", Path(made) / "out"
        for index, path in enumerate(paths):
            place = rules / f"{index // 100:03}" / f"{index:05}_{path.name}"
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
        own, foreign = [], []
        for _ in range(RUNS):
            into = [word for name in OWN for word in ("-t", name)]
            own.append(seconds(str(BIN / "ruleengine"), "compile", str(rules), *into, "-o", str(out)))
            foreign.append(sum(converted(name, Path(made) / f"{name}.txt", rules) for name in FOREIGN))
    ratio = median(own) / median(foreign)
    print(f"{len(paths):,} rules that sigma convert can write, for Splunk and LogScale, medians of {RUNS} runs:")
    print(f"  ruleengine compile  {median(own):7.2f} s  ({min(own):.2f} to {max(own):.2f})")
    print(f"  sigma convert       {median(foreign):7.2f} s  ({min(foreign):.2f} to {max(foreign):.2f})")
    print(f"  ratio {ratio:.3f} (bound {BOUND})")
    return int(ratio > BOUND)


if __name__ == "__main__":
    sys.exit(main())
