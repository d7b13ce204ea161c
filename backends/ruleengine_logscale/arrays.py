"""Arrays: LogScale keeps the members of `a` as the fields `a[0]`, `a[1]`…, and has functions over all of them."""

from __future__ import annotations

from ruleengine.target import Limit
from ruleengine_logscale.said import Matched, Said, bounded
from ruleengine_logscale.written import flags_of, name, string

REASON = "functions over arrays stop where a member is missing"


def said_of_array(matched: Matched, limits: tuple[Limit, ...]) -> Said:
    """Return the atom "some member of the array has a part of this regular expression"."""
    flags = flags_of(dotall=matched.dotall, ignore_case=matched.fold == "i", multiline=matched.multiline)
    quoted = name(matched.field) != matched.field
    array = f"`{matched.field}`[]" if quoted else f"{matched.field}[]"
    given = f", flags={string(flags)}" if flags else ""
    step = f"array:regex({string(array)}, regex={string(matched.text)}{given})"
    return Said(ways=((step,),), limits=(*limits, bounded("array", REASON, "no_gaps", matched.field)))
