"""What an atom says as a condition of `where`: true or false for every event, also where a field is missing."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache

from ruleengine.ir import (
    Atom,
    Call,
    Compare,
    Equals,
    Exists,
    InNetwork,
    Like,
    Pattern,
    Regex,
    SameAs,
    TimePart,
    Wild,
)
from ruleengine.target import Limit
from ruleengine.target.regex_text import Written, of_pattern, of_regex
from ruleengine.times import TIME_FIELDS
from ruleengine.values import network
from ruleengine_splunk import keywords
from ruleengine_splunk.reasons import (
    ASCII,
    DOUBLE,
    EMPTY,
    MAPPED,
    OBJECT,
    SEVERAL,
    TIME,
    TYPED,
    V6,
    bounded,
    unsupported,
)
from ruleengine_splunk.spelling import PCRE, eval_field, quoted, regex_literal
from ruleengine_splunk.terms import is_number, number_text, own, pattern_of

LONGEST = 8_000
"""Characters of one regular expression; PCRE holds a compiled one to 64 KiB."""

SURROGATE = re.compile(r"\\x\{D[89A-F][0-9A-F]{2}\}")
DECIMAL = r"\A-?[0-9]+(?:\.[0-9]+)?\z"
OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
QUAD = rf"\A(?:::ffff:)?(?:{OCTET}\.){{3}}{OCTET}\z"
MAPPED_HEAD = r"\A::ffff:"
V6_LIKE = r"\A[0-9a-f.]*:[0-9a-f:.]*\z"
FUNCTIONS = ("len", "lower")
MOST_DIGITS = 16
PARTS = {"hour": "floor(_time / 3600) % 24", "minute": "floor(_time / 60) % 60"}


# --- texts ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1 << 14)
def number_regex(value: int | Decimal) -> Written:
    """Return the regular expression of every way to write a number as a decimal."""
    whole, _, fraction = number_text(abs(Decimal(value))).partition(".")
    sign = "-?" if not value else "-" if value < 0 else ""
    head = f"0*{whole}" if whole != "0" else "0+"
    return Written(rf"\A{sign}{head}" + (rf"\.{fraction}0*\z" if fraction else r"(?:\.0+)?\z"))


@lru_cache(maxsize=1 << 15)
def _pattern_regex(pattern: Pattern, cased: bool) -> Written:
    return of_pattern(pattern, PCRE, cased=cased)


@lru_cache(maxsize=1 << 12)
def _regex(source: str, flags: str) -> Written:
    return of_regex(source, flags, PCRE)


def regex_of(atom: Atom) -> Written | None:
    """Return the regular expression that a text (without a field: the raw line) must hold; None where there is none."""
    if atom.field is None:
        return keywords.regex_of(atom)
    match atom:
        case Equals(Call() as field, value) if field.function == "len" and is_number(value):
            return None
        case Equals(_, value) if is_number(value):
            return number_regex(value)
        case Equals(_, _, cased) | Like(str(), _, cased):
            return _pattern_regex(pattern_of(atom) or (), cased)
        case Regex(str(), source, flags):
            return _regex(source, flags)
        case _:
            return None


def flags_of(written: Written) -> str:
    """Return the flags of a regular expression as PCRE calls them."""
    return ("i" if written.ignore_case else "") + ("m" if written.multiline else "") + ("s" if written.dotall else "")


def finds_empty(atom: Atom) -> bool:
    """Say whether an atom is true of the empty text."""
    match atom:
        case Equals(_, value):
            return value == ""
        case Like(_, pattern):
            return pattern in ((), (Wild.MANY,))
        case Regex(_, source, flags):
            return _regex_finds_empty(source, flags)
        case Exists():
            return True
        case _:
            return False


@lru_cache(maxsize=1 << 12)
def _regex_finds_empty(source: str, flags: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return re.search((f"(?{flags})" if flags else "") + source, "") is not None
        except re.error:
            return True


# --- limits --------------------------------------------------------------------------------------------------------


def limits(atom: Atom, arrays: frozenset[str]) -> list[Limit]:
    """Return what keeps the condition of an atom from being exact."""
    if atom.field is None:
        return keywords.limits(atom)
    fields = [atom.field, *([atom.other] if isinstance(atom, SameAs) else [])]
    found = [limit for field in fields for limit in field_limits(field, arrays)]
    match atom:
        case Equals() | Like() | Regex():
            found += _text_limits(atom)
        case Exists(field):
            found += [bounded("exists", "no_object", OBJECT, field), bounded("exists", "no_empty_text", EMPTY, field)]
        case Compare(field, _, value):
            found.append(bounded("comparison", "small_numbers", DOUBLE, field))
            if len(Decimal(value).normalize().as_tuple().digits) > MOST_DIGITS or abs(Decimal(value)) > 2**53:
                found.append(unsupported("comparison", f"{value} has more digits than Splunk's numbers keep", field))
        case InNetwork(field, written):
            found.append(bounded("network", "mapped_ipv4", MAPPED, field))
            if network(written).version == 6:
                found.append(bounded("network", "usual_ipv6", V6, field))
        case SameAs():
            found += _same_as_limits(atom)
        case TimePart():
            found += _time_limits(atom)
    several = isinstance(atom, Compare | InNetwork | SameAs)
    found += [bounded("several values", "one_value", SEVERAL, field) for field in fields if several and field in arrays]
    return [*dict.fromkeys(found)]


def field_limits(field: str, arrays: frozenset[str]) -> list[Limit]:
    """Return what keeps a field, or what a function makes of it, from being written."""
    if not isinstance(field, Call):
        if not eval_field(field):
            return [unsupported("field name", f"Splunk cannot name the field `{field}`")]
        return list(own(field))
    inner = str(field.arguments[0])
    if field.function not in FUNCTIONS:
        return [unsupported("function", f"Splunk has no function that does what `{field.function}` does", inner)]
    found = [*field_limits(inner, arrays), bounded("function", "only_texts", TYPED, inner)]
    found.append(bounded("function", "no_empty_text", EMPTY, inner))
    if field.function == "lower":
        found.append(bounded("function", "ascii_text", ASCII, inner))
    if inner in arrays:
        found.append(bounded("several values", "one_value", SEVERAL, inner))
    return found


def _text_limits(atom: Equals | Like | Regex) -> list[Limit]:
    written = regex_of(atom)
    if written is None:
        return []
    construct = "regular expression" if isinstance(atom, Regex) else "text"
    found = [bounded(construct, name, reason, atom.field) for name, reason in written.bounds]
    if finds_empty(atom):
        found.append(bounded("empty text", "no_empty_text", EMPTY, atom.field))
    if SURROGATE.search(written.text):
        found.append(unsupported(construct, "half of a surrogate pair is no character in Splunk", atom.field))
    if len(written.text) > LONGEST:
        reason = f"the regular expression would be longer than {LONGEST:,} characters"
        found.append(unsupported(construct, reason, atom.field))
    return found


def _same_as_limits(atom: SameAs) -> list[Limit]:
    if atom.how == "contains":
        reason = "Splunk has no way to look for the text of one field inside another that takes it as it is"
        return [unsupported("field to field", reason, atom.field)]
    if isinstance(atom.field, Call) or isinstance(atom.other, Call):
        return [unsupported("field to field", "a function beside another field is not written", atom.field)]
    found = [bounded("field to field", "no_empty_text", EMPTY, field) for field in (atom.field, atom.other)]
    if atom.how != "equals" or not atom.cased:
        found += [bounded("field to field", "ascii_text", ASCII, field) for field in (atom.field, atom.other)]
    return found


def _time_limits(atom: TimePart) -> list[Limit]:
    if atom.part not in PARTS:
        return [unsupported("time part", f"Splunk knows the {atom.part} in the reader's time zone only", atom.field)]
    if atom.field not in TIME_FIELDS:
        return [unsupported("time part", f"`{atom.field}` is no field that gives an event its time", atom.field)]
    return [bounded("time part", "event_time", TIME, atom.field)]


# --- conditions ----------------------------------------------------------------------------------------------------


def operand(field: str, arrays: frozenset[str]) -> str:
    """Return a field, or what a function makes of it, in an expression."""
    if isinstance(field, Call):
        return f"{field.function}({operand(str(field.arguments[0]), arrays)})"
    return eval_field(f"{field}{{}}" if field in arrays else field) or ""


def total(condition: str) -> str:
    """Return a condition that is false where it would otherwise have no truth value."""
    return f"if({condition},1,0)=1"


def guarded(*conditions: str) -> str:
    """Return conditions each of which is asked only where those before it hold; AND is not said to do that."""
    nested = "1"
    for condition in reversed(conditions):
        nested = f"if({condition},{nested},0)"
    return f"{nested}=1"


def found(field: str | None, regexes: Sequence[str], flags: str, arrays: frozenset[str]) -> str:
    """Return the condition that some value of a field holds one of some regular expressions."""
    literal = regex_literal(one_of(regexes), flags)
    if field is None:
        return f"match(_raw,{literal})"
    name = operand(field, arrays)
    if isinstance(field, Call) and field.function == "len":
        return guarded(f"isnotnull({name})", f"match(tostring({name}),{literal})")
    if isinstance(field, Call):
        return total(f"match({name},{literal})")
    return f"isnotnull(mvfind({name},{literal}))"


def one_of(regexes: Sequence[str]) -> str:
    """Return the regular expression of some alternatives; the ends that they share are written once."""
    groups: dict[tuple[str, str], list[str]] = {}
    for text in regexes:
        single = "|" not in text  # else an end may be that of one branch only
        begins = r"\A" if single and text.startswith(r"\A") else ""
        ends = r"\z" if single and text.endswith(r"\z") and _is_odd(text[:-1]) else ""
        groups.setdefault((begins, ends), []).append(text[len(begins) : len(text) - len(ends)])
    return "|".join(_with_ends(begins, texts, ends) for (begins, ends), texts in groups.items())


def _with_ends(begins: str, texts: Sequence[str], ends: str) -> str:
    inner = "|".join(texts)
    return f"{begins}(?:{inner}){ends}" if len(texts) > 1 and (begins or ends) else f"{begins}{inner}{ends}"


def _is_odd(text: str) -> bool:
    """Say whether a text ends with an odd number of backslashes, so that the last one belongs to what follows."""
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def in_networks(field: str, networks: Iterable[str], arrays: frozenset[str]) -> list[str]:
    """Return the conditions of which one holds where a field is an address in one of some networks."""
    name = operand(field, arrays)
    blocks = [network(written) for written in networks]
    four = [
        f'cidrmatch("{block}",replace({name},{regex_literal(MAPPED_HEAD, "i")},""))'
        for block in blocks
        if block.version == 4
    ]
    six = [f'cidrmatch("{block}",{name})' for block in blocks if block.version == 6]
    return [
        guarded(f"match({name},{regex_literal(guard, 'i')})", " OR ".join(tests))
        for guard, tests in ((QUAD, four), (V6_LIKE, six))
        if tests
    ]


def condition(atom: Atom, arrays: frozenset[str]) -> str:
    """Return the condition of one atom; it has no limit that is `unsupported`."""
    written = regex_of(atom)
    name = operand(atom.field, arrays) if atom.field is not None else ""
    match atom:
        case Exists():
            return f"isnotnull({name})"
        case Equals(Call() as field, value) if field.function == "len" and is_number(value):
            return total(f"{name} = {number_text(value)}")
        case Compare(Call() as field, sign, value) if field.function == "len":
            return total(f"{name} {sign} {number_text(value)}")
        case Compare(_, sign, value):
            guard = f"match({name},{regex_literal(DECIMAL)})"
            return guarded(guard, f"tonumber({name}) {sign} {number_text(value)}")
        case InNetwork(field, block):
            return in_networks(field, (block,), arrays)[0]
        case SameAs():
            return _same_as(atom, arrays)
        case TimePart(_, part, sign, number):
            return total(f"isnotnull({name}) AND {PARTS[part]} {sign.replace('==', '=')} {number}")
        case _ if written is not None:
            found_any = not written.text and atom.field is not None
            return f"isnotnull({name})" if found_any else found(atom.field, (written.text,), flags_of(written), arrays)
        case _:
            raise TypeError(f"{type(atom).__name__} is no atom of a condition")


def _same_as(atom: SameAs, arrays: frozenset[str]) -> str:
    """Return the comparison of two fields; a sign beside each text keeps Splunk from comparing numbers."""
    plain = operand(atom.field, arrays), operand(atom.other, arrays)
    left, right = plain if atom.cased else (f"lower({plain[0]})", f"lower({plain[1]})")
    there = f"isnotnull({plain[0]}) AND isnotnull({plain[1]})"
    enough = f"len({left}) >= len({right})"
    sign = quoted("=")
    match atom.how:
        case "startswith":
            begins = f"substr({sign}.{left},1,len({right}) + 1) = ({sign}.{right})"
            return guarded(there, enough, begins)
        case "endswith":
            ends = f"substr({left}.{sign},len({left}) - len({right}) + 1) = ({right}.{sign})"
            return guarded(there, enough, ends)
        case _:
            return guarded(there, f"({sign}.{left}) = ({sign}.{right})")
