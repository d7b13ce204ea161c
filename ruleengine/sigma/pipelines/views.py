"""Values of items as pipelines see them: texts with their wildcards in place, and everything else.

The modifiers `contains`, `startswith` and `endswith` are part of a text here, as wildcards at its ends: the patterns of
pipelines are written against that. A text is shown as pySigma shows it: wildcards as `*` and `?`, these characters
themselves as `\\*` and `\\?`, backslashes as they are, placeholders as `%name%`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise

from ruleengine.ir import Item, ParamRef, Pattern, Value, Wild
from ruleengine.modifiers import MATCHERS
from ruleengine.strings import Placeholder, joined, pattern, placed, with_placeholders

TEXTUAL = frozenset({*MATCHERS, "all", "cased", "neq", "expand"})
"""The modifiers under which a value is a text; under others it is a pattern, a network, a number, encoded …"""


def text_of(item: Item, value: Value) -> Pattern | None:
    """Return the text that a value of an item stands for, its wildcards in place; None when it is no text.

    Keywords are texts without the wildcards that their meaning puts around them.
    """
    if not isinstance(value, str) or isinstance(value, ParamRef) or not TEXTUAL.issuperset(item.modifiers):
        return None
    parts = with_placeholders(value) if "expand" in item.modifiers else pattern(value)
    matchers = tuple(name for name in item.modifiers if name in MATCHERS)
    return placed(parts, matchers) if not any(isinstance(part, Placeholder) for part in parts) else _around(parts, item)


def _around(parts: Pattern, item: Item) -> Pattern:
    """Return a text with placeholders between the wildcards of its modifiers."""
    matchers = MATCHERS & set(item.modifiers)
    before = (Wild.MANY,) if matchers & {"contains", "endswith"} else ()
    after = (Wild.MANY,) if matchers & {"contains", "startswith"} else ()
    return joined((*before, *parts, *after))


def is_number(item: Item, value: Value) -> bool:
    """Say whether a value is a plain number."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and TEXTUAL.issuperset(item.modifiers)


def shown(parts: Pattern) -> str:
    """Return a text as the patterns of pipelines see it."""
    return "".join(_shown(part) for part in parts)


def _shown(part: str | Wild) -> str:
    if isinstance(part, Wild):
        return part.value
    if isinstance(part, Placeholder):
        return f"%{part}%"
    return part.replace("*", "\\*").replace("?", "\\?")


def is_ambiguous(parts: Pattern) -> bool:
    """Say whether what is shown of a text could be read in two ways: it has `*` itself, and `\\` before a wildcard."""
    return _has_specials(parts) and any(
        isinstance(part, str) and part.endswith("\\") and isinstance(after, Wild) for part, after in pairwise(parts)
    )


def _has_specials(parts: Pattern) -> bool:
    return any(isinstance(part, str) and ("*" in part or "?" in part) for part in parts)


def from_shown(text: str, before: Pattern, *, escapes: bool) -> Pattern:
    """Return the text that a changed display stands for.

    `\\*` is the character when the text had such a character before, or with `escapes`; otherwise it is a backslash
    before a wildcard. Placeholders are read only where there were some.
    """
    special = r"\\[*?]|[*?]" if escapes or _has_specials(before) else r"[*?]"
    if any(isinstance(part, Placeholder) for part in before):
        special += r"|%(?P<name>[^%\s]+)%"
    return joined(list(_read(text, re.compile(special))))


def _read(text: str, special: re.Pattern[str]) -> Iterator[str | Wild]:
    position = 0
    for found in special.finditer(text):
        yield text[position : found.start()]
        position = found.end()
        token = found[0]
        if token[0] == "%":
            yield Placeholder(token[1:-1])
        else:
            yield Wild(token) if len(token) == 1 else token[1:]
    yield text[position:]


def written(parts: Sequence[str | Wild], *, expand: bool = False) -> str:
    """Return a text as a rule writes it, so that it is read back the same."""
    specials = r"[*?%]" if expand else r"[*?]"
    out = []
    for part in parts:
        if isinstance(part, Wild):
            out.append(part.value)
        elif isinstance(part, Placeholder):
            out.append(f"%{part}%")
        else:
            doubled = re.sub(rf"\\(?=\\|{specials}|\Z)", r"\\\\", part)
            out.append(re.sub(specials, r"\\\g<0>", doubled))
    return "".join(out)
