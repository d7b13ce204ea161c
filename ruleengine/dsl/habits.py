"""Slips, first part: habits from Sigma, Splunk, SQL and programming languages, and what was pasted from elsewhere."""

from __future__ import annotations

import re

from ruleengine.dsl import words
from ruleengine.dsl.slips import FOREIGN, LATER, ODD, SHOWN, Groups, Row
from ruleengine.suggest import meant

PLAIN = rf"(?:{'|'.join(words.KEYWORDS)})\b"
"""A word of the language, which is no name."""

ANY_CHARACTER = "[" + re.escape("".join(words.CHARACTERS)) + "]"
ANY_SIGN = "|".join(re.escape(sign) for sign in sorted(words.SIGNS, key=len, reverse=True))
LOUD = "|".join(sorted((loud for word in words.KEYWORDS for loud in words.loud(word)), key=len, reverse=True))

# --- hints that are worked out --------------------------------------------------------------------------------------


def _chain(found: Groups) -> str:
    """Say how the language writes `Field|modifier|…:` of Sigma, where that is sure."""
    field, *chain = found["at"].rstrip(": ").split("|")
    written = words.SIGMA_CHAINS.get("|".join(chain))
    return f"write `{field} {written}`" if written else ""


def _joined(found: Groups) -> str:
    """Say how `a == 'x' or 'y'` is written with a list."""
    word, every = found["word"], found["joint"] == "and"
    values = f"[{found['first']}, {found['at']}]"
    if word == "==":
        return "" if every else f"write `in {values}`"
    if word == "!=":
        return f"write `not in {values}`" if every else ""
    return f"write `{word} {'all' if every else 'any'} {values}`"


def _function(found: Groups) -> str:
    name, field = found["at"], found["field"] or "field"
    known = words.FOREIGN_FUNCTIONS.get(name.lower())
    return f"write `{field} {known}`" if known else meant(name, words.FUNCTIONS)


def _character(found: Groups) -> str:
    instead = words.CHARACTERS[found["at"]][1]
    return f"write {instead}" if instead else "leave it out"


def _equals(found: Groups) -> str:
    value = found["value"][1:-1]
    return "write `like`, which knows wildcards" if value != value.strip("*") else "write `==`"


# --- the tables -----------------------------------------------------------------------------------------------------

PASTED = (
    Row(
        r"¦(?P<at>‘[^'‘’\n]*’|‚[^'‘’\n]*‘|“[^'“”\n]*”|„[^'“”\n]*“|«[^'«»\n]*»)",
        "a text stands in plain quotes, not in typographic ones",
        lambda found: f"write `'{found['at'][1:-1]}'`",
        ODD,
    ),
    Row(f"¦(?P<at>{ANY_CHARACTER})", lambda found: words.CHARACTERS[found["at"]][0], _character, ODD),
    Row(
        r"¦(?P<at>[^\x00-\x7f])", lambda found: f"the character `{found['at']}` has no place outside of quotes", "", ODD
    ),
    Row(r"¦(?P<at>\$\{?\w+\}?)", "names have no `$` here"),
    Row(r"¦(?P<at>//|--|/\*)", "a comment begins with `#`", "write `#`", FOREIGN),
)

SIGMA = (
    Row(
        r"(?P<at>§name¦(?:\|\w+)+[ ]*:?)(?![ ]*\|)",
        "modifiers behind `|` are Sigma's; here words stand between field and value",
        _chain,
        FOREIGN,
    ),
    Row(r"\Alet\s+§name\s*¦(?P<at>:)", "the condition of a `let` follows `=`, not `:`", "write `=`", FOREIGN),
    Row(r"\A(?P<word>[A-Za-z_][\w-]*)[ ]*¦(?P<at>:)", "no `:` follows `{word}`", "leave it out", FOREIGN),
    Row(r"\A(?P<word>rule|filter)\s.*¦(?P<at>[:{{])", "no `{at}` ends the line of a `{word}`", "leave it out", FOREIGN),
    Row(
        r"§name\s*¦(?P<at>:)\s*(?P<value>§text)?",
        "`:` compares in Sigma, not here",
        _equals,
        FOREIGN,
    ),
    Row(r"\n[ \t]*¦(?P<at>-)\s", "lists are not written with dashes, as they are in YAML", "write `[…, …]`", FOREIGN),
)

SIGNS = (
    Row(
        r"¦(?P<at>\|)\s*(?:stats|eventstats|timechart|tstats|bucket|bin|groupBy|count|summarize)\b",
        "there are no pipes here",
        "counting is written `within 10m by …` and `having count() >= …`",
        FOREIGN,
    ),
    Row(r"(?P<at><¦>)", "`<>` is a sign of other languages", "write `!=`", FOREIGN),
    Row(
        rf"¦(?P<at>{ANY_SIGN})(?![=~])",
        "`{at}` is a sign of other languages",
        lambda found: words.SIGNS[found["at"]],
        FOREIGN,
    ),
    Row(r"¦(?P<at>\|)", "there are no pipes here", "", FOREIGN),
    Row(r"¦(?P<at>!)(?!=)", "`!` is `not` in other languages", "write `not`", FOREIGN),
    Row(r"[\[(][^\])]*¦(?P<at>;)", "values are parted by `,`", "write `,`", FOREIGN),
    Row(r"¦(?P<at>;)", "a statement ends with its line, not with `;`", "leave it out", FOREIGN),
    Row(r"(?:and|or|not)\s+(?P<at>NOT|AND|OR)\s+¦", "`{at}` is written in small letters", words.small, FOREIGN),
    Row(rf"\b(?P<at>{LOUD})\s+¦", "`{at}` is written in small letters", words.small, FOREIGN),
    Row(rf"¦(?P<at>{LOUD})\b", "`{at}` is written in small letters", words.small, FOREIGN),
)

KEPT = (Row(rf"\b(?P<at>{'|'.join(words.LATER)})[ ]*¦\(", f"`{{at}}` {words.NOT_YET}", "", LATER),)
"""What is kept for a later version comes before whatever else could be said of it."""

TESTS = (
    Row(
        r"¦(?P<at>does(?:[ ]+not|n)[ ]+(?P<verb>\w+))\b",
        "`{at}` is not in this language",
        lambda found: words.NEGATED.get(found["verb"], ""),
        FOREIGN,
    ),
    Row(
        r"(?:^|(?<=[\s(]))§name\s*¦(?P<at>=)(?!=)\s*(?P<value>§text)?",
        "`=` gives names; it does not compare",
        _equals,
        FOREIGN,
    ),
    Row(
        r"(?P<word>§finds)\s*¦(?P<at>\[)",
        "a list after `{word}` needs `any` or `all` before it",
        "`any`: one value is enough; `all`: each must be there",
    ),
    Row(
        r"(?P<word>==|!=)\s*¦(?P<at>\[)",
        "`{word}` takes one value, not a list",
        lambda found: "write `in […]`" if found["word"] == "==" else "write `not in […]`",
    ),
    Row(
        r"(?P<word>in|any|all)\s*¦(?P<at>\((?P<values>[^()]*)\))",
        "a list stands in square brackets",
        lambda found: f"write `[{found['values']}]`" if len(found["values"]) <= SHOWN else "write `[…]`",
    ),
    Row(r"(?P<word>in|any|all)\s*¦(?P<at>\()", "a list stands in square brackets", "write `[…]`"),
    Row(r"\b(?P<word>in|any|all)\s+¦(?P<at>§text)(?=\s*,)", "`{word}` takes a list", "`[` is missing before {at}"),
    Row(r"\bin\s+¦(?P<at>§text)", "`in` takes a list", "write `[{at}]`"),
    Row(r"\b(?P<at>(?P<word>any|all)\s+¦§text)", "`{word}` takes a list, and this is one text", "leave `{word}` out"),
    Row(r"\bin\s+(?:cidr\s+)?¦(?P<at>[\da-fA-F.:]+/\d+)", "a network stands in `cidr(…)`", "write `cidr('{at}')`"),
    Row(
        r"(?P<word>==|!=|§finds)\s*(?P<first>§value)\s+(?P<joint>and|or)\s+¦(?P<at>§value)(?!\s*(?:==|in\b))",
        "after `{joint}` comes a whole condition, not only {at}",
        _joined,
    ),
    Row(r"§finds\s*§text\s*¦(?P<at>,)", "several values stand in a list", "write `any […]` or `all […]`"),
    Row(r"==\s*§value\s*¦(?P<at>,)\s*§value", "several values stand in a list", "write `in […]`"),
    Row(r"(?P<word>§finds|in)\s+¦?(?P<at>not)\b\s*¦?", "`not` stands before `{word}`", "write `not {word}`"),
    Row(r"==\s*¦?(?P<at>not)\b\s*¦?", "`==` is not negated by `not`", "write `!=`"),
    Row(r"(?P<at>not\s+¦(?P<sign>==))", "`not ==` is one sign", "write `!=`"),
    Row(r"¦(?P<at>is\s+not\s+null|IS\s+NOT\s+NULL)\b", "`{at}` is not in this language", "write `exists`", FOREIGN),
    Row(r"¦(?P<at>is\s+null|IS\s+NULL)\b", "`{at}` is not in this language", "write `missing`", FOREIGN),
    Row(r"¦(?P<at>is\s+not)\b", "`{at}` is not in this language", "write `!=`", FOREIGN),
    Row(r"¦(?P<at>is|equals|eq)\b", "`{at}` is not in this language", "write `==`", FOREIGN),
    Row(
        r"¦(?P<at>(?:ends|starts)[ ]+with)\b",
        "`{at}` is one word",
        lambda found: f"write `{''.join(found['at'].split())}`",
    ),
    Row(
        r"(?P<word>exists|missing)\s+¦(?P<at>true|false)\b",
        "nothing follows `{word}`",
        lambda found: f"write `{words.OPPOSITES[found['word'], found['at']]}`",
    ),
    Row(r"\b(?P<at>exists|missing)\s+¦(?P<field>§name)", "`{at}` stands after the field", "write `{field} {at}`"),
    Row(
        r"\b(?P<at>exists|missing|contains|startswith|endswith|like|matches)¦\((?:\s*(?P<field>§name)\s*[,)])?",
        "`{at}` is no function; it stands after the field",
        lambda found: f"write `{found['field'] or 'field'} {words.AFTER.get(found['at'], found['at'])}`",
    ),
    Row(r"¦(?P<at>§value)\s*(?:==|!=|in\b|§finds)\s*(?P<field>§name)", "the field stands first, the value after it"),
    Row(
        r"anywhere\s+¦(?P<value>(?P<at>§text))",
        "`anywhere` needs a word before the value",
        "write `anywhere contains {at}`",
    ),
    Row(
        r"(?:\A(?:match|let\s+§name\s*=)|\b(?:and|or|not))\s*¦(?P<at>§text)",
        "a text alone is no condition",
        "write `anywhere contains {at}`",
    ),
    Row(
        rf"(?P<at>(?!{PLAIN})§name)[ ]?¦\((?:\s*(?P<field>§name)\s*[,)])?",
        "there is no function `{at}`",
        _function,
    ),
)
