"""The command `ruleengine`: finds the verb, runs it, and turns every way to end into an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

# A verb's module is imported when the verb is called and not before: that keeps `--help` fast.
# It has `arguments(parser)`, `run(args) -> exit code`, and a docstring for its own --help.
VERBS: dict[str, tuple[str, str]] = {
    "new": ("ruleengine.cli.new", "begin a rule, with a test beside it"),
    "check": ("ruleengine.cli.check", "find what is wrong with rules"),
    "fmt": ("ruleengine.cli.fmt", "put rule files into the one style"),
    "test": ("ruleengine.cli.test", "run the tests beside rules"),
    "match": ("ruleengine.cli.match", "run rules over events"),
    "explain": ("ruleengine.cli.explain", "show why a rule matches an event or does not"),
    "witness": ("ruleengine.cli.witness", "make events that match a rule, or nearly do"),
    "compile": ("ruleengine.cli.compile", "write rules as queries of a SIEM or as Python"),
    "verify": ("ruleengine.cli.verify", "prove that queries mean what their rules mean"),
    "convert": ("ruleengine.cli.convert", "write Sigma rules in the rule language, or the other way round"),
    "ls": ("ruleengine.cli.ls", "list rules"),
    "help": ("ruleengine.cli.help", "explain a problem code or a verb"),
    "version": ("ruleengine.cli.version", "print the version"),
    "completions": ("ruleengine.cli.completions", "print a completion script for your shell"),
}

OK, FINDINGS, USAGE, UNREADABLE, NOTHING, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 3, 5, 130, 141

HEAD = """\
Detection rules with one meaning: check them, run them on events, test them, and have every answer explained.

usage: ruleengine VERB [arguments]

verbs:
"""

FOOT = """
`ruleengine VERB --help` shows a verb's arguments, `ruleengine help CODE` explains a problem such as RE101.

exit codes: 0 ok; 1 findings; 2 wrong usage or configuration; 3 something could not be read, so the result is
incomplete; 5 nothing was selected; 130 interrupted. The highest wins.
"""


def overview() -> str:
    """Return what `ruleengine --help` prints: every verb with its line."""
    width = max(map(len, VERBS))
    return HEAD + "".join(f"  {name:{width}}  {line}\n" for name, (_, line) in VERBS.items()) + FOOT


def main(argv: Sequence[str]) -> int:
    """Run one command line (without the program's name) and return its exit code; it may raise."""
    if not argv or argv[0] in ("-h", "--help"):
        sys.stdout.write(overview())
        return OK
    if argv[0] in ("-V", "--version"):
        argv = ["version", *argv[1:]]
    from ruleengine.cli.parser import run

    return run(argv)


def entry() -> None:
    """Run the command line of this process and exit with its code; a traceback never leaves here."""
    prepare_streams()
    sys.exit(guarded(sys.argv[1:]))


def guarded(argv: Sequence[str]) -> int:
    """Return the exit code of a command line, with one sentence on stderr for each way to fail."""
    try:
        try:
            code = main(argv)
        except SystemExit as end:  # argparse leaves this way after --help
            code = end.code if isinstance(end.code, int) else OK
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return interrupted()
    except BrokenPipeError:  # `ruleengine … | head`: the reader has what it wanted
        drop_stdout()
        return PIPE_CLOSED
    except Exception as error:  # noqa: BLE001  # the border: even a defect gets a sentence and an exit code
        from ruleengine.cli.failure import explain

        return explain(error, argv)


def interrupted() -> int:
    """Flush what was printed so far and return the exit code of Ctrl-C."""
    try:
        sys.stdout.flush()
    except OSError:  # the reader was interrupted too
        drop_stdout()
    sys.stderr.write("ruleengine: interrupted\n")
    return INTERRUPTED


def drop_stdout() -> None:
    """Send what is left to the null device: Python flushes again at exit and would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def prepare_streams() -> None:
    """Make the streams take any text: UTF-8 when piped, and a lone surrogate is escaped instead of fatal."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # started with the descriptor closed
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115  # for the whole process
        else:
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")
