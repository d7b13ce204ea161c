"""Processes that share work: data go to whichever is free, and what becomes of them is taken in their order."""

from __future__ import annotations

import io
import signal
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Generic, NoReturn

from ruleengine.engine.alone import Answer, Head, LostWorkerError, Work, ready

AHEAD = 4
"""So many blocks for each process may be in work, or done and waiting for one before them: this bounds the memory."""

PATIENCE = 5.0
"""Seconds that a process gets to end before it is killed."""


@dataclass(slots=True)
class _Turn(Generic[Head, Answer]):
    """Some data in work, and who takes the answer; then `act` says what to do when the turn comes."""

    given: tuple[Head, bytes] | None = None
    then: Callable[[Answer], None] | None = None
    act: Callable[[], None] | None = None


class Workers(Generic[Head, Answer]):
    """Processes that have the same work; each is asked about one block of data at a time, through a pipe of its own.

    A process ends when its pipe is closed, so none outlives this one, however this one ends. Where processes cannot be
    forked the work goes to them as a pickle. Methods that wait raise LostWorkerError, or what the work raised.
    """

    def __init__(self, work: Work[Head, Answer], idle: Callable[[], None], count: int, method: str = "") -> None:
        self._work, self._idle, self._count = work, idle, count
        self._method = method or ("fork" if "fork" in get_all_start_methods() else "spawn")
        self._processes: dict[Connection, BaseProcess] = {}
        self._free: list[Connection] = []
        self._busy: dict[Connection, _Turn[Head, Answer]] = {}
        self._turns: deque[_Turn[Head, Answer]] = deque()

    def __enter__(self) -> Workers[Head, Answer]:
        # Ctrl-C reaches all processes of a terminal; only this one may answer it. Until a new one knows, it waits.
        block = getattr(signal, "pthread_sigmask", None)
        if block is None:
            self._start()
            return self
        before = block(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._start()
        finally:
            block(signal.SIG_SETMASK, before)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the processes: in the middle of their work after an error, else when they have done it."""
        for pipe, process in self._processes.items():
            if kind is not None:
                process.terminate()
            pipe.close()
        for process in self._processes.values():
            process.join(PATIENCE)
            if process.is_alive():
                process.kill()
                process.join()
        self._processes.clear()

    def submit(self, head: Head, data: bytes, then: Callable[[Answer], None]) -> None:
        """Have the work done on some data; the answer is given to `then`, in the order of the data."""
        while not self._free or len(self._turns) >= AHEAD * self._count:
            self._receive()
        pipe = self._free.pop()
        turn = self._busy[pipe] = _Turn((head, data), then)
        self._turns.append(turn)
        try:
            pipe.send(head)
            pipe.send_bytes(data)  # apart: in a pickle they would be copied three times more
        except OSError:
            self._lost(pipe)

    def settle(self) -> None:
        """Take all answers."""
        while self._busy:
            self._receive()

    def later(self, act: Callable[[], None]) -> None:
        """Do something when all answers so far have been taken."""
        self._turns.append(_Turn(act=act))
        self._advance()
        while len(self._turns) > AHEAD * self._count:
            self._receive()

    def waiting(self, source: Any) -> None:
        """Take answers until something arrives at the source; all of them where a system cannot wait for both."""
        while self._busy:
            if source in self._receive([source] if ready(source) is not None else ()):
                return
        if not ready(source):
            self._idle()

    def _start(self) -> None:
        context = get_context("fork") if self._method == "fork" else get_context("spawn")
        for _ in range(self._count):
            ours, theirs = context.Pipe()
            # A forked process has all our ends too, and would keep the pipes of the others open.
            inherited = (*self._processes, ours) if self._method == "fork" else ()
            process = context.Process(target=_serve, args=(self._work, theirs, inherited), daemon=True)
            process.start()
            theirs.close()
            self._processes[ours] = process
            self._free.append(ours)

    def _receive(self, also: Sequence[Any] = ()) -> list[Any]:
        """Wait for an answer, or for one of the other sources; return what was ready."""
        arrived: list[Any] = wait([*self._busy, *also])
        for pipe in arrived:
            if pipe in self._busy:
                try:
                    answer = pipe.recv()
                except (EOFError, OSError):
                    self._lost(pipe)
                turn = self._busy.pop(pipe)
                assert turn.then is not None
                turn.given, turn.act = None, partial(turn.then, answer)
                self._free.append(pipe)
        self._advance()
        return arrived

    def _advance(self) -> None:
        while self._turns and (act := self._turns[0].act):
            self._turns.popleft()
            act()

    def _lost(self, pipe: Connection) -> NoReturn:
        """Say how a process ended; what its work raised is raised again here, with its place."""
        process = self._processes[pipe]
        process.join(PATIENCE)
        code = process.exitcode
        given = self._busy[pipe].given
        if code is not None and code > 0 and given is not None:
            self._work(*given)
        raise LostWorkerError(_named(-code) if code is not None and code < 0 else f"exit code {code}")


def _named(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _serve(work: Work[Any, Any], pipe: Connection, inherited: Sequence[Connection]) -> None:
    """Answer one question after the other, until there is nobody to ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for other in inherited:
        other.close()
    sys.stderr = io.StringIO()  # what the work raises is said by the process that asked
    try:
        while True:
            head = pipe.recv()
            pipe.send(work(head, pipe.recv_bytes()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
