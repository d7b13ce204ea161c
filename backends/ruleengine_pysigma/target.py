"""An installed backend of pySigma as a target of `ruleengine compile`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version

from ruleengine.problem import Problem
from ruleengine.target import Capability, Compiled, Format, Limit, Ready, Target
from ruleengine_pysigma.convert import NOTE, compile_with, usable


class NotThere(Exception):
    """There is no such backend, format or pipeline; it holds a sentence and a hint."""

    def __init__(self, found: Problem) -> None:
        super().__init__(found.message)
        self.message, self.hint = found.message, found.hint


def target_of(backend: str, form: str, options: Mapping[str, str], pipelines: Sequence[str]) -> Target:
    """Return a backend with its format, options and pipelines as a target; NotThere when one of them is not there.

    What it writes is `unproved`: it means what pySigma makes of the rule.
    """
    found: list[Problem] = []
    if usable(backend, form, pipelines, found.append) is None:
        raise NotThere(found[0])

    def compiled(given: Ready) -> Compiled:
        told: list[Problem] = []
        queries = compile_with(given.rule, backend, form, pipelines, told.append, options=options)
        return Compiled("\n".join(queries or ()), (UNPROVED,), tuple(told))

    written = Format(form or "default", f"what pySigma's `{backend}` writes", suffix=".txt", one=_text)
    row = Capability("every rule", "unproved", "", NOTE)
    return Target(f"sigma:{backend}", f"pySigma's {backend}", version("pysigma"), None, compiled, (row,), (written,))


UNPROVED = Limit("unproved", "query", NOTE)


def _text(_: Ready, made: Compiled, __: Mapping[str, str]) -> str:
    return made.text + "\n"
