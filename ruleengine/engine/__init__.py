"""All rules at once over a stream of events: exactly what `meaning.holds` says of each, only much sooner.

How an event goes through (`engine.py`): it is decoded (`steps.py`). Its fields and its log source choose a *plan*
(`plans.py`), which knows what *terms* (`terms.py`) can hold in such events. Automata (`sought.py`, `automaton.py`) find
the rare literals (`literals.py`) of all rules in many lines at once; fields with known values are looked up
(`fields.py`). Each of these strikes out terms, as bits of an integer. Rules that are left are asked exactly
(`verify.py`). Nothing but a bounded memory (`memory.py`) changes on the way. For lines of JSON, a module in C does all
of this where it was built (`native.py`, `_sieve.c`), and leaves to Python what is out of the ordinary.

    engine = Engine.from_rules(load(["rules"], print).events)
    for rule in engine.matches({"Image": "C:\\\\Windows\\\\System32\\\\whoami.exe"}):
        print(rule.rule.title)

An engine may be used by several threads at once: its memories are dictionaries of values that never change, so what two
threads write at the same time is the same, each thread has its own working space for the automaton, and one at a time
uses the module in C.
"""

from __future__ import annotations

from ruleengine.engine.engine import Answer, Engine, Hit

__all__ = ["Answer", "Engine", "Hit"]
