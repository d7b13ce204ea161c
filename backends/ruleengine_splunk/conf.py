"""Writes Splunk's .conf files: stanzas of settings, long values over several lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

Stanza = tuple[str, Mapping[str, str]]
"""Its name, and its settings in the order they are written."""


def conf(stanzas: Sequence[Stanza], head: str = "") -> str:
    """Return the text of a .conf file; `head` is a comment."""
    comment = "".join(f"# {line}\n" for line in head.splitlines())
    return "\n".join([*([comment] if comment else []), *(_stanza(name, settings) for name, settings in stanzas)])


def _stanza(name: str, settings: Mapping[str, str]) -> str:
    return f"[{name}]\n" + "".join(_setting(key, value) for key, value in settings.items())


def _setting(key: str, value: str) -> str:
    """Return one setting: a backslash at the end of a line carries the value on."""
    return f"{key} = {value}\n".replace("\n", "\\\n", value.count("\n"))


def line(text: str) -> str:
    """Return a text as a value of one line, which no backslash at its end carries on."""
    flat = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", " ", text).split())
    return f"{flat}." if flat.endswith("\\") else flat


def stanza_name(text: str, longest: int) -> str:
    """Return a text as the name of a stanza: of one line, without brackets, and not too long."""
    return line(text.replace("[", "(").replace("]", ")"))[:longest].strip().rstrip("\\") or "rule"
