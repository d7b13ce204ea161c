"""Turns a Windows event as EVTX parsers write it (`Event.System`, `Event.EventData`) into the flat fields of Sigma."""

from __future__ import annotations

from typing import Any

ATTRIBUTES, TEXT = "#attributes", "#text"
# Attributes that Sigma's fields name without their element.
BARE = frozenset({"TimeCreated_SystemTime", "Provider_EventSourceName"})
CONTAINERS = frozenset({dict, list})
SECTIONS = ("EventData", "UserData", "RenderingInfo")


def flatten(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event with its `Event` spread out at the top level; the same event when it is no Windows event.

    The shape is that of the `evtx` package and of evtx_dump (elements as keys, attributes under `#attributes`, text
    under `#text`), also with attributes set apart (`Provider_attributes`). Field names are the specification's:
    https://github.com/SigmaHQ/sigma-specification/blob/main/appendix/sigma-taxonomy-appendix.md
    """
    inner = event["Event"]
    if not isinstance(inner, dict) or not isinstance(inner.get("System"), dict):
        return event
    flat = {name: value for name, value in event.items() if name != "Event"}
    flat.update(_leaves("", inner["System"]))
    number = flat.get("EventID")
    if isinstance(number, str) and number.isascii() and number.isdigit() and len(number) <= 9:
        flat["EventID"] = int(number)
    for section in SECTIONS:
        for name in (section, f"{section}_attributes"):
            if name in inner:
                _add(flat, section, {name: inner[name]})
    return flat


def _add(flat: dict[str, Any], section: str, content: dict[str, Any]) -> None:
    """Add the leaves of a section; a name that is taken gets the section's name before it."""
    taken = frozenset(flat)
    own: dict[str, Any] = {}
    for name, value in _leaves(section, content):
        name = f"{section}_{name}" if name in taken else name
        if name in own:
            own[name] = [*_several(own[name]), *_several(value)]
        else:
            own[name] = value
    flat.update(own)
    for name, value in own.items():
        if " " in name:
            flat.setdefault(name.replace(" ", ""), value)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _leaves(element: str, content: Any) -> list[tuple[str, Any]]:
    """Return name and value of every leaf: texts under the name of their element, attributes as `Element_Attribute`."""
    if content is None:
        return []
    if isinstance(content, list):
        return _members(element, content)
    if not isinstance(content, dict):
        return [(element, content)]
    found: list[tuple[str, Any]] = []
    for name, value in content.items():
        if value is None:
            continue
        if name == ATTRIBUTES:
            found += _attributes(element, value)
        elif name == TEXT:
            found += _leaves(element, value)
        elif type(value) not in CONTAINERS:  # most are: no call for each of them
            found.append((name, value))
        elif name.endswith("_attributes") and type(value) is dict:
            found += _attributes(name.removesuffix("_attributes"), value)
        else:
            found += _leaves(name, value)
    return found


def _members(element: str, content: list[Any]) -> list[tuple[str, Any]]:
    """Return the leaves of repeated elements; plain values together are one field with several values."""
    plain = [member for member in content if not isinstance(member, dict | list) and member is not None]
    found: list[tuple[str, Any]] = [(element, plain[0] if len(plain) == 1 else plain)] if plain else []
    for member in content:
        if isinstance(member, dict | list):
            found += _leaves(element, member)
    return found


def _attributes(element: str, attributes: Any) -> list[tuple[str, Any]]:
    if not isinstance(attributes, dict):
        return _leaves(element, attributes)
    names = ((name, f"{element}_{name}", value) for name, value in attributes.items())
    return [
        (name if full in BARE else full, value) for name, full, value in names if name != "xmlns" and value is not None
    ]
