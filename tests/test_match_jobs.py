"""`match` with several processes: the same output in the same order, and no way to end that hangs or leaves anyone."""

from __future__ import annotations

import gzip
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ruleengine.engine.alone import Alone, LostWorkerError
from ruleengine.engine.native import SWITCH
from ruleengine.engine.workers import AHEAD, Workers
from ruleengine.events.complaints import Complaints
from tests.conftest import CASES, ROOT, Run

MATCH = CASES / "sessions" / "match"
LINES = [line for line in (MATCH / "logs" / "a.ndjson").read_text("utf-8").split("\n") if line]
SHELL = LINES[0]
RULES = (str(MATCH / "rules" / "shell.yml"), str(MATCH / "rules" / "words.yml"))
# With pytest-xdist the tests have a thread beside them, which Python 3.12 and later warn of when they fork.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
posix = pytest.mark.skipif(os.name == "nt", reason="signals and /proc are POSIX")


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of every kind, some of several blocks, some broken; matches and broken lines lie all over them."""
    folder = tmp_path_factory.mktemp("logs")
    chance = random.Random(1)

    def lines(count: int) -> bytes:
        parts = (chance.choices(LINES, k=count), chance.choices(["", "[1]", "broken", '{"a": "\x01"}'], k=count // 50))
        text = [line for part in parts for line in part]
        chance.shuffle(text)
        return "\n".join(text).encode()

    (folder / "a.ndjson").write_bytes(lines(9_000))
    (folder / "b.csv").write_text("ParentImage,Image\n" + "C:\\w3wp.exe,C:\\cmd.exe\nx\n" * 20)
    (folder / "c.ndjson.zst").write_bytes(zstandard.compress(lines(5_000)))
    (folder / "d.json").write_text(f"[{SHELL}, {{}}, 1, {SHELL}]")
    packed = gzip.compress(lines(5_000))
    (folder / "e.ndjson.gz").write_bytes(packed[: len(packed) // 2])
    (folder / "f.ndjson").write_bytes(b"broken\n" * 1_100 + lines(20))
    for number in range(20):
        (folder / f"g{number}.ndjson").write_bytes(lines(3))
    return folder


FORMS = [
    ["--format", "ndjson"],
    ["--format", "json"],
    ["--detail"],
    ["--why-skipped", "--fail-on-match"],
    ["--format", "ndjson", "--include-event", "--detail"],
]


@pytest.mark.parametrize("form", FORMS, ids=" ".join)
def test_several_processes_print_what_one_prints_with_the_sieve_and_without(
    ruleengine: Run, logs: Path, form: list[str]
) -> None:
    command = ["match", ".", "nowhere", "--rules", *RULES, *form]
    one = ruleengine(*command, cwd=logs)
    assert one.returncode == 3
    assert one.stdout
    for more, switch in (("-j", "2"), ""), (("-j", "5"), ""), ((), "0"), (("-j", "2"), "0"):
        other = ruleengine(*command, *more, cwd=logs, env={SWITCH: switch})
        assert (other.stdout, other.stderr, other.returncode) == (one.stdout, one.stderr, one.returncode)


def test_several_outputs_at_once(ruleengine: Run, logs: Path, tmp_path: Path) -> None:
    files = ["--format", "text", "--format", f"ndjson={tmp_path}/a.ndjson", "--format", f"json={tmp_path}/a.json"]
    written = []
    for jobs in ("1", "3"):
        done = ruleengine("match", "a.ndjson", "--rules", *RULES, "--jobs", jobs, *files, cwd=logs)
        written.append((done.stdout, (tmp_path / "a.ndjson").read_bytes(), (tmp_path / "a.json").read_bytes()))
    assert written[0] == written[1]
    assert all(written[0])


def test_standard_input_is_shared_too(ruleengine: Run, logs: Path) -> None:
    text = (logs / "a.ndjson").read_text("utf-8")
    one, two = (
        ruleengine("match", "-", "--rules", *RULES, "--format", "ndjson", "-j", jobs, given=text) for jobs in "12"
    )
    assert one.stdout.count("\n") > 1_000
    assert (two.stdout, two.stderr, two.returncode) == (one.stdout, one.stderr, one.returncode)


@pytest.mark.parametrize("given", ["0", "-1", "x", "1.5", "257", "²"])
def test_a_wrong_number_of_processes(ruleengine: Run, given: str) -> None:
    done = ruleengine("match", "x", f"--jobs={given}")
    assert done.returncode == 2
    assert f"`{given}` is no number of processes from 1 to 256" in done.stderr


MEASURE = """
import re, resource, sys
from ruleengine.cli.main import main
main(sys.argv[1:])
own = re.search("VmHWM:[^0-9]*([0-9]+)", open("/proc/self/status").read())[1]  # ru_maxrss begins with our parent's
print(int(own) >> 10, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10, file=sys.stderr)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux says there what a process took at most")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, jobs: str) -> None:
    """100 MB, each line of which matches, take hardly more than 2 MB do."""
    peaks: list[list[int]] = []
    line = SHELL.replace("cmd /c whoami", "x" * 2_000).encode() + b"\n"
    for megabytes in (2, 100):
        path = tmp_path / "a.ndjson.zst"
        path.write_bytes(zstandard.compress(line * (megabytes * (1 << 20) // len(line))))
        words = ["match", str(path), "--rules", *RULES, "--format", "ndjson", "-j", jobs]
        done = subprocess.run([sys.executable, "-c", MEASURE, *words], capture_output=True, text=True, cwd=ROOT)
        assert done.stdout.count("\n") == megabytes * (1 << 20) // len(line)
        peaks.append([int(peak) for peak in done.stderr.split()])
    small, large = peaks
    assert all(after - before < 50 for before, after in zip(small, large, strict=True)), peaks


# --- how it ends ------------------------------------------------------------------------------------------------------


class Running:
    """The command, reading from a pipe that stays open until `process.stdin` is closed."""

    def __init__(self, *words: str) -> None:
        command = [sys.executable, "-m", "ruleengine", "match", "-", "--rules", *RULES, "--format", "ndjson", *words]
        pipe = subprocess.PIPE
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True, env=environment
        )

    def send(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def line(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def workers(self) -> list[int]:
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True)
        return [int(word) for word in found.stdout.split()]

    def end(self) -> tuple[int, str]:
        """Wait for the end and return the exit code and what was said; nobody of its session may be left."""
        _, said = self.process.communicate(timeout=60)
        deadline = time.monotonic() + 60
        while left := session(self.process.pid):
            assert time.monotonic() < deadline, left
            time.sleep(0.05)
        return self.process.returncode, said.decode()


def session(leader: int) -> list[str]:
    """Return the processes of a session that still run."""
    found = subprocess.run(["ps", "-o", "pid=,stat=", "-s", str(leader)], capture_output=True, text=True)
    return [line for line in found.stdout.splitlines() if "Z" not in line]


@pytest.fixture(params=["1", "2"])
def flowing(request: pytest.FixtureRequest) -> Iterator[Running]:
    """A command that has answered one line and waits for the next."""
    running = Running("-j", request.param)
    running.send(f"{SHELL}\n".encode())
    assert b'"line": 1}' in running.line()
    yield running
    running.process.kill()
    running.process.communicate()


@posix
def test_a_pipe_that_never_ends_is_answered_as_it_flows(flowing: Running) -> None:
    for number in (2, 3):
        flowing.send(f"{SHELL}\n".encode())
        assert f'"line": {number}}}'.encode() in flowing.line()
    assert flowing.end() == (0, "")


@posix
def test_an_interrupt_is_one_sentence(flowing: Running) -> None:
    os.killpg(flowing.process.pid, signal.SIGINT)  # as Ctrl-C does: to all of them
    assert flowing.end() == (130, "ruleengine: interrupted\n")


@posix
def test_when_the_reader_has_left_nobody_stays(flowing: Running) -> None:
    assert flowing.process.stdout is not None
    flowing.process.stdout.close()
    flowing.send(f"{SHELL}\n".encode() * 100)
    assert flowing.process.wait(60) == 141
    assert flowing.process.stderr is not None
    assert flowing.process.stderr.read() == b""
    assert session(flowing.process.pid) == []


@posix
@pytest.mark.parametrize("flowing", ["3"], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_is_killed_makes_the_result_incomplete(flowing: Running, number: signal.Signals) -> None:
    workers = flowing.workers()
    assert len(workers) == 3
    for worker in workers:
        os.kill(worker, number)
    flowing.send(f"{SHELL}\n".encode())
    code, said = flowing.end()
    sentence = f"a process that shared the work ended before its time ({number.name}), so the result is incomplete"
    assert (code, said) == (3, f"ruleengine: {sentence}\n")


@posix
@pytest.mark.parametrize("flowing", ["3"], indirect=True)
def test_no_process_outlives_one_that_is_killed(flowing: Running) -> None:
    flowing.process.kill()
    assert flowing.end()[0] == -signal.SIGKILL


# --- the processes themselves -----------------------------------------------------------------------------------------


def slowly(number: int, wait: bytes) -> tuple[int, int]:
    """Answer after a while; from a process of its own."""
    time.sleep(float(wait))
    return number, os.getpid()


def none() -> None:
    """Be idle."""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_answers_come_in_the_order_of_the_items(method: str) -> None:
    if os.name == "nt" and method == "fork":
        pytest.skip("Windows cannot fork")
    chance = random.Random(2)
    order: list[object] = []
    askers = set[int]()

    def take(answer: tuple[int, int]) -> None:
        order.append(answer[0])
        askers.add(answer[1])

    with Workers(slowly, none, 3, method) as work:
        for number in range(30):
            work.submit(number, b"%f" % (chance.random() / 50), take)
            if number % 10 == 4:
                work.later(partial(order.append, f"after {number}"))
            if number == 20:
                work.settle()
                assert order[-1] == 20
        work.settle()
    wanted = [
        entry for number in range(30) for entry in ([number, f"after {number}"] if number % 10 == 4 else [number])
    ]
    assert order == wanted
    assert len(askers) == 3
    assert os.getpid() not in askers


@given(st.lists(st.sampled_from(["submit", "later", "settle"]), max_size=20))
def test_one_process_does_the_same(actions: list[str]) -> None:
    found: list[int] = []
    alone: Alone[int, int] = Alone(lambda number, data: number + len(data), none)
    with alone as work:
        for number, action in enumerate(actions):
            if action == "submit":
                work.submit(number, b"x", lambda answer: found.append(answer - 1))
            elif action == "later":
                work.later(partial(found.append, number))
            else:
                work.settle()
    assert found == [number for number, action in enumerate(actions) if action != "settle"]


def test_what_the_reader_says_comes_after_what_is_said_of_the_blocks_before() -> None:
    said: list[str] = []
    with Workers(slowly, none, 2) as work:
        complaints = Complaints("x", lambda found: said.append(found.message), work)
        for number in range(3):
            work.submit(number, b"0.05", lambda answer: said.append(f"of block {answer[0]}"))
        complaints.say("RE605", "of the reader")
    assert said == ["of block 0", "of block 1", "of block 2", "of the reader"]


def test_only_so_many_items_are_underway() -> None:
    taken: list[int] = []
    with Workers(slowly, none, 2) as work:
        work.submit(0, b"0.3", lambda answer: taken.append(answer[0]))
        for number in range(1, 30):
            work.submit(number, b"0", lambda answer: taken.append(answer[0]))
            assert number - len(taken) < AHEAD * 2
        work.settle()
    assert taken == list(range(30))


def breaking(item: int, _: bytes) -> int:
    """Fail for 3, end the process for 4."""
    if item == 3:
        raise ZeroDivisionError("three")
    if item == 4 and os.getppid() != int(os.environ["PYTEST_PARENT"]):
        os._exit(0)
    return item


@pytest.fixture
def _parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_PARENT", str(os.getppid()))


@pytest.mark.usefixtures("_parent")
def test_what_the_work_raises_is_raised_with_its_place(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError, match="three") as raised, Workers(breaking, none, 2) as work:
        for item in (1, 2, 3, 5):
            work.submit(item, b"", lambda answer: None)
        work.settle()
    assert raised.traceback[-1].name == "breaking"
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("_parent")
def test_a_process_that_just_ends_is_lost() -> None:
    with (
        pytest.raises(LostWorkerError, match=r"ended before its time \(exit code 0\)"),
        Workers(breaking, none, 2) as work,
    ):
        work.submit(4, b"", lambda answer: None)
        work.settle()
