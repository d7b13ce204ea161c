"""LogScale (Humio, Falcon NG-SIEM): rules as CQL queries."""

from __future__ import annotations

from ruleengine.target import Compiled, Contract, Ready, Target
from ruleengine_logscale.capabilities import CAPABILITIES
from ruleengine_logscale.formats import FORMATS

__all__ = ["TARGET"]


def _compile(ready: Ready) -> Compiled:
    from ruleengine_logscale.query import compiled

    return compiled(ready)


CONTRACT = Contract(
    raw="@rawstring",
    says=(
        "An event arrives as one line of compact JSON, `@rawstring`; its own time becomes `@timestamp`.",
        "In that line `/` is not escaped and no number has an exponent.",
        "The members of an object are fields with dotted names; an object itself is no field.",
        "A number and a boolean become their text: digits, `true`, `false`.",
        "`null`, `{}` and `[]` become no field; the empty text becomes a field.",
        "A field is an array where the schema says so, and nowhere else; its members are `name[0]`, `name[1]`…",
        "A field is written in one way, nested or dotted, and not in both.",
        "Our hints `_product`, `_service` and `_category` are not in the event.",
    ),
)

TARGET = Target(
    name="logscale",
    title="LogScale (Humio, Falcon NG-SIEM)",
    version="1",
    contract=CONTRACT,
    compile=_compile,
    capabilities=CAPABILITIES,
    formats=FORMATS,
)
