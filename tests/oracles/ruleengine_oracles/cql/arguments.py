"""Binds the arguments of a function to its parameters and reads each as the kind of thing that it has to be."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence

from lark import Token, Tree

from ruleengine_oracles.cql.nodes import Argument, Expression, Pipeline
from ruleengine_oracles.cql.problems import Unknown
from ruleengine_oracles.cql.regex_read import read_regex
from ruleengine_oracles.cql.signatures import SIGNATURES

Part = Tree[Token] | Token
Readers = Mapping[str, Callable[[Part], Pipeline | Expression]]
ZONES = ("UTC", "Z", "+00:00")
MODES = ("string", "glob", "cidr")
ARRAY = re.compile(r"(?:`[^`]+`|[#%&.0-9@A-Z\\^_a-z¡-ª®-º¼-ÿ]+)(?:\[[0-9]+\][#%&.0-9@A-Z\\^_a-z¡-ª®-º¼-ÿ]*)*\[\]")


def bind(
    name: str, given: Sequence[tuple[str | None, Part]], piped: str | None, position: int, readers: Readers
) -> dict[str, Argument]:
    """Return a call's arguments by parameter; raise Unknown for one that is missing, twice there or not known."""
    signature = SIGNATURES[name]
    bound: dict[str, Argument] = {}
    if piped is not None:
        if signature.kinds.get("field") != "field":
            raise Unknown(f"=~ with {name}(), which has no parameter `field`", position)
        bound["field"] = piped
    for parameter, part in given:
        parameter = parameter or signature.default
        if parameter not in signature.kinds or parameter in bound:
            raise Unknown(f"{name}() with another or no `{parameter}`", position)
        bound[parameter] = read(signature.kinds[parameter], part, position, readers)
    for parameter in signature.required:
        if parameter not in bound:
            raise Unknown(f"{name}() without `{parameter}`", position)
    check(name, bound, position)
    return bound


def read(kind: str, part: Part, position: int, readers: Readers) -> Argument:
    """Return an argument of a kind."""
    match kind:
        case "pipeline" | "expression":
            return readers[kind](part)
        case "field":
            return atom(part, ("name", "string"), position)
        case "flag":
            return atom(part, ("boolean",), position) == "true"
        case "text":
            return atom(part, ("string",), position)
        case "array":
            return array(atom(part, ("string",), position), position)
        case "fields":
            return several(part, ("name", "string"), position)
        case "subnets":
            return tuple(subnet(text, position) for text in several(part, ("string",), position))
        case _:
            return several(part, ("string", "number"), position)


def several(part: Part, kinds: tuple[str, ...], position: int) -> tuple[str, ...]:
    """Return the members of a list, or one that stands alone."""
    if isinstance(part, Tree) and part.data == "array":
        return tuple(atom(member, kinds, position) for member in part.children)
    return (atom(part, kinds, position),)


def atom(part: Part, kinds: tuple[str, ...], position: int) -> str:
    """Return the text of a name, string, number or truth value; quotes are wanted where only strings are taken."""
    if not isinstance(part, Tree) or part.data not in kinds:
        raise Unknown(f"an argument that is no {' or '.join(kinds)}", position)
    text = str(part.children[0])
    if part.data != "string":
        return text
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text[1:-1])


def array(text: str, position: int) -> str:
    """Return the name of an array without its `[]`; odd names stand in backticks [D L4]."""
    if not ARRAY.fullmatch(text):
        raise Unknown(f'"{text}" is no array such as "a[]"', position)
    return text[:-2].replace("`", "")


def subnet(text: str, position: int) -> str:
    """Return a network, which is its first address and a prefix length."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise Unknown(f'"{text}" is no subnet', position) from None
    if "/" not in text:
        raise Unknown(f'"{text}" is an address, not a subnet', position)
    return text


def check(name: str, bound: dict[str, Argument], position: int) -> None:
    """Raise Unknown for values of arguments that mean nothing, or nothing that is sure."""
    if "regex" in bound:
        bound["regex"] = read_regex(str(bound["regex"]), str(bound.get("flags", "")), position)
    if bound.get("timezone", "UTC") not in ZONES:
        raise Unknown(f"the time zone {bound['timezone']}", position)
    if bound.get("mode", "string") not in MODES:
        raise Unknown(f"the mode {bound['mode']} of {name}()", position)
    if "asArray" in bound and bound["asArray"] == bound["array"]:
        raise Unknown(f"{name}() into its own array", position)
    if name == "array:contains" and "*" in str(bound["value"]):
        raise Unknown("array:contains() of a text with *, which may be a wildcard", position)
    if name == "wildcard" and not str(bound["pattern"]).strip("*"):
        raise Unknown("wildcard() of * alone, on which includeEverythingOnAsterisk has a say", position)
