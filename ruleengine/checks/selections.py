"""Selections: those that no condition names, and those that say the same."""

from __future__ import annotations

from collections.abc import Iterator

from ruleengine.checks.parts import body
from ruleengine.checks.written import in_language
from ruleengine.ir import Expr, NamedRef, Quantified, Selection
from ruleengine.load import Loaded
from ruleengine.lower import conditions_of, selected
from ruleengine.problem import Problem, problem
from ruleengine.walk import walk


def unused(loaded: Loaded) -> Iterator[Problem]:
    """Yield selections that nothing refers to: no condition, by name, by pattern, or as one of `them`, and no other.

    What was taken from a module is left alone: others may need it.
    """
    single = body(loaded.rule)
    if single is None:
        return
    names = tuple(selection.name for selection in single.selections)
    used: set[str] = set()
    them = False
    for condition in (*conditions_of(loaded.rule.body), *(selection.item for selection in single.selections)):
        for node in walk(condition):
            match node:
                case NamedRef(name):
                    used.add(name)
                case Quantified(_, pattern):
                    used.update(selected(pattern, names))
                    them = them or pattern == "them"
    if not used <= set(names):
        return  # RE302 has said it: a slip in the condition leaves a selection unused as well
    for selection in single.selections:
        if selection.name not in used and selection.span and selection.module is None:
            hint = "`them` leaves out names that begin with `_`" if them and selection.name.startswith("_") else ""
            word = "`let`" if in_language(loaded.rule) else "selection"
            yield problem("RE310", selection.span, f"no condition names the {word} `{selection.name}`", hint)


def twins(loaded: Loaded) -> Iterator[Problem]:
    """Yield selections that are equal, item by item, to an earlier one of the same rule; modules are left alone."""
    single = body(loaded.rule)
    seen: dict[Expr, Selection] = {}
    for selection in single.selections if single else ():
        if selection.module is not None:
            continue
        earlier = seen.setdefault(selection.item, selection)
        alike = earlier is not selection and repr(earlier.item) == repr(selection.item)  # 1 == True, but not here
        if alike and selection.span:
            yield problem("RE317", selection.span, f"`{selection.name}` says the same as `{earlier.name}`")
