"""The command itself: it starts fast, and each way to end has one sentence and one exit code."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import IO, Any

import pytest

import ruleengine as package
from ruleengine.cli.main import VERBS
from ruleengine.cli.output import add_format, coloured, outputs
from ruleengine.cli.parser import UsageError, load
from ruleengine.suggest import distance, nearest
from tests.conftest import CASES, ROOT, Run

USAGE = tomllib.loads((CASES / "cli" / "usage.toml").read_text("utf-8"))["case"]
FORMATS = tomllib.loads((CASES / "cli" / "formats.toml").read_text("utf-8"))["case"]

HEAVY = {"lark", "yaml", "sigma", "jsonschema", "re2", "msgspec", "orjson", "rich", "zstandard", "argparse", "shtab"}
HEAVY |= {"hyperscan", "ruleengine.engine"}

# A verb that behaves as the tests need, put beside the real ones.
# A shell that runs us in the background has interrupts ignored, and children inherit that.
ODD_VERB = """
import signal, sys, time, types
signal.signal(signal.SIGINT, signal.default_int_handler)
from ruleengine.cli import main
verb = types.ModuleType("odd", "An odd verb.")
verb.arguments = lambda parser: None
def run(args):
    {body}
verb.run = run
sys.modules["odd"] = verb
main.VERBS["odd"] = ("odd", "odd")
sys.argv = ["ruleengine", "odd"]
main.entry()
"""


WRITE = """
    from ruleengine.cli.output import Output, write_problems
    from ruleengine.problem import problem
    from pathlib import Path
    found = [problem("RE101", "::error::a.yml", "it is gone")]
    write_problems(found, [Output("text", None), Output("github", None), Output("json", Path({file!r}))])
    return 1
"""


def odd(body: str, stdout: int | IO[str] = subprocess.PIPE, **variables: str) -> subprocess.Popen[str]:
    """Start a command whose only work is `body`, with Python's buffering as users have it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.Popen(
        [sys.executable, "-c", ODD_VERB.format(body=body)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        env=environment | variables,
    )


def test_help_takes_at_most_six_times_a_bare_python() -> None:
    times: dict[str, list[float]] = {"bare": [], "help": []}
    commands = {"bare": ["-c", "pass"], "help": ["-m", "ruleengine", "--help"]}
    for _ in range(9):  # turn about, so that a busy moment hits both
        for name, words in commands.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
            times[name].append(time.perf_counter() - start)
    assert statistics.median(times["help"]) <= 6 * statistics.median(times["bare"])


@pytest.mark.parametrize(
    "code", ["import ruleengine", "import sys; sys.argv = ['', '--help']; import ruleengine.__main__"]
)
def test_the_start_imports_nothing_heavy(code: str) -> None:
    code += "\nimport sys; print('\\n'.join(m for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert HEAVY.isdisjoint(done.stdout.split())


@pytest.mark.parametrize(
    "case", USAGE, ids=[" ".join(case["command"]).encode("unicode_escape").decode() for case in USAGE]
)
def test_wrong_usage(case: dict[str, Any], ruleengine: Run) -> None:
    done = ruleengine(*case["command"])
    assert (done.returncode, done.stdout, done.stderr) == (2, "", case["stderr"])


@pytest.mark.parametrize("case", FORMATS, ids=[" ".join(case["given"]) or "none" for case in FORMATS])
def test_formats(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("GITHUB_ACTIONS", "true" if case.get("actions") else "")
    parser = argparse.ArgumentParser()
    add_format(parser)
    args = parser.parse_args([word for one in case["given"] for word in ("--format", one)])
    if "outputs" in case:
        assert [f"{one.format}={one.file}" if one.file else one.format for one in outputs(args)] == case["outputs"]
        return
    with pytest.raises(UsageError) as caught:
        outputs(args)
    assert (f"{caught.value.code} {caught.value}", caught.value.hint) == (case["refused"], case["hint"])


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_lists_every_verb_with_its_line(words: list[str], ruleengine: Run) -> None:
    done = ruleengine(*words)
    assert done.returncode == 0 and not done.stderr
    for verb, (_, line) in VERBS.items():
        assert any(row.split() == [verb, *line.split()] for row in done.stdout.splitlines())


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_each_verb_explains_itself(verb: str, ruleengine: Run) -> None:
    first = (load(verb).__doc__ or "").partition("\n")[0]
    for words in ([verb, "--help"], ["help", verb]):
        done = ruleengine(*words)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"usage: ruleengine {verb}")
        assert " ".join(first.split()) in " ".join(done.stdout.split())


@pytest.mark.parametrize("topic", ["RE101", "re101", "unreadable-file"])
def test_help_explains_a_code(topic: str, ruleengine: Run) -> None:
    done = ruleengine("help", topic)
    assert done.returncode == 0
    assert done.stdout.startswith("RE101 unreadable-file: a file cannot be read\n\n")


def test_version(ruleengine: Run) -> None:
    assert ruleengine("version").stdout == ruleengine("--version").stdout == f"ruleengine {package.__version__}\n"
    verbose = ruleengine("version", "--verbose").stdout
    assert (
        "python" in verbose and "pysigma" in verbose and "not installed" not in verbose.replace("evtx         not", "")
    )
    assert re.search(r"^  accelerator  (yes|no: .+)$", verbose, re.M)


def test_a_broken_installation_can_still_say_its_versions() -> None:
    code = "import sys; sys.modules['hyperscan'] = None; sys.argv = ['', 'version', '-v']"
    code += "\nfrom ruleengine.cli.main import entry; entry()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\n  accelerator  no: import of hyperscan halted" in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "tcsh"])
def test_completions_know_every_verb(shell: str, ruleengine: Run) -> None:
    done = ruleengine("completions", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(verb in done.stdout for verb in VERBS)
    if (program := shutil.which(shell)) and shell != "tcsh":
        subprocess.run([program, "-n"], input=done.stdout, text=True, check=True)


def test_a_defect_is_named_and_never_passes() -> None:
    command = odd("raise ZeroDivisionError('a \\x1b[31m b')", RULEENGINE_DEBUG="")
    _, said = command.communicate(timeout=60)
    assert command.returncode == 2
    assert said.startswith("ruleengine: RE703 a defect in ruleengine stopped it at cli/")
    assert "ZeroDivisionError: a \\x1b[31m b\n" in said and "Traceback" not in said and "RULEENGINE_DEBUG=1" in said


def test_the_traceback_of_a_defect_is_there_when_asked_for() -> None:
    command = odd("1 / 0", RULEENGINE_DEBUG="1")
    _, said = command.communicate(timeout=60)
    assert command.returncode == 2
    assert "RE703" in said and "Traceback" in said


def test_ctrl_c_keeps_what_was_printed() -> None:
    command = odd("print('so far'); print('ready', file=sys.stderr, flush=True); time.sleep(60)")
    assert command.stderr and command.stderr.readline() == "ready\n"
    command.send_signal(signal.SIGINT)
    out, said = command.communicate(timeout=60)
    assert (command.returncode, out, said) == (130, "so far\n", "ruleengine: interrupted\n")


@pytest.mark.parametrize(
    "body", ["[print(n) for n in range(200_000)]", "print('one line')", "sys.stdout.write('x' * 10)"]
)
def test_a_reader_that_leaves_ends_the_command_quietly(body: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = odd(body, stdout=writer)
    os.close(writer)
    _, said = command.communicate(timeout=60)
    assert (command.returncode, said) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_said() -> None:
    with open("/dev/full", "w") as full:
        command = odd("print('lost')", stdout=full)
        _, said = command.communicate(timeout=60)
    assert (command.returncode, said) == (
        2,
        "ruleengine: RE702 the output cannot be written: No space left on device\n",
    )


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no /proc, where nobody can make a file")
def test_a_file_that_cannot_be_made_is_said() -> None:
    command = odd(WRITE.format(file="/proc/out.json").strip())
    _, said = command.communicate(timeout=60)
    assert command.returncode == 2
    assert said.splitlines()[-1].startswith("ruleengine: RE702 `/proc/out.json` cannot be written: ")


def test_text_that_no_encoding_holds_is_escaped() -> None:
    command = odd("print('\\ud800 \\u65e5')", PYTHONIOENCODING="latin-1", LC_ALL="C")
    out, said = command.communicate(timeout=60)
    assert (command.returncode, out, said) == (0, "\\ud800 日\n", "")


@pytest.mark.parametrize(
    ("terminal", "variables", "expected"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colour(terminal: bool, variables: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with open(os.devnull, "w") as stream:
        monkeypatch.setattr(stream, "isatty", lambda: terminal, raising=False)
        assert coloured(stream) is expected


def test_problems_go_to_each_place(tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    command = odd(WRITE.format(file=str(file)).strip(), GITHUB_ACTIONS="true")
    out, said = command.communicate(timeout=60)
    assert (command.returncode, said) == (1, "")
    first, drawn, resumed, annotation = out.splitlines()
    token = first.removeprefix("::stop-commands::")
    assert len(token) == 32 and resumed == f"::{token}::", "what a rule says is no command to GitHub"
    assert drawn == "::error::a.yml RE101 it is gone"
    assert annotation == "::error file=%3A%3Aerror%3A%3Aa.yml,title=RE101 unreadable-file::it is gone"
    assert json.loads(file.read_text("utf-8"))["counts"] == {"error": 1, "warning": 0, "notice": 0}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("containz", "contains"),
        ("contians", "contains"),
        ("CONTAINS", "contains"),
        ("contnz", None),
        ("endwith", "endswith"),
        ("xx", None),
        ("cdr", "cidr"),
        ("", None),
        ("x" * 100_000, None),
    ],
)
def test_nearest(name: str, expected: str | None) -> None:
    assert nearest(name, ["contains", "startswith", "endswith", "cidr", "re"]) == expected


def test_distance_counts_edits_and_swaps() -> None:
    assert [distance(a, b, 5) for a, b in (("", "ab"), ("ab", "ba"), ("kitten", "sitting"), ("abc", "abc"))] == [
        2,
        1,
        3,
        0,
    ]
    assert distance("abcdef", "uvwxyz", 2) == 3
