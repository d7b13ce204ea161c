"""Slips, second part: what is easily forgotten or put in the wrong place in each statement of the language."""

from __future__ import annotations

import re
from decimal import Decimal

from ruleengine.dsl import words
from ruleengine.dsl.habits import KEPT, PLAIN, SIGMA, SIGNS, TESTS
from ruleengine.dsl.slips import FOREIGN, OPEN, SHOWN, Groups, Row
from ruleengine.suggest import meant

UNIT = r"(?:s|m|h|d|w|sec|secs|seconds?|min|mins|minutes?|hrs?|hours?|days?|weeks?)\b"

# --- hints that are worked out --------------------------------------------------------------------------------------


def _duration(found: Groups) -> str:
    number, unit = found["number"], found["unit"].lower()
    return f"write `{int(number) * 7}d`" if unit[0] == "w" else f"write `{number}{unit[0]}`"


def _aggregate(found: Groups) -> str:
    known = words.FOREIGN_AGGREGATES.get(found["at"].lower())
    return f"write `{known}`" if known else meant(found["at"], words.AGGREGATES)


def _unquoted(found: Groups) -> str:
    value = found["at"]
    known = {"true": "true", "false": "false", "null": "null", "none": "null", "nil": "null"}.get(value.lower())
    return f"write `{known}`" if known else f"write `'{value}'`"


def _matches(found: Groups) -> str:
    """Say how a regular expression is asked for; a path between slashes is not one."""
    if not re.search(r"[\\.^$*+?(\[|]", found["at"]):
        return ""
    return f"write `{'not ' * (found['word'] == '!=')}matches {found['at']}`"


def _of(found: Groups) -> str:
    word = found["word"]
    instead = {"none": "not 1 of", "no": "not 1 of", "each": "all of", "every": "all of"}.get(word, "1 of")
    return f"write `{instead}`"


def _comparison(found: Groups) -> str:
    word = found["at"].lower()
    known = words.FOREIGN_COMPARISONS.get(word)
    return f"write `{known}`" if known else meant(word, words.COMPARISONS)


def _whole(found: Groups) -> str:
    """Say a broken number of hours in minutes, when that is a whole number."""
    smaller = {"d": ("h", 24), "h": ("m", 60), "m": ("s", 60)}.get(found["unit"])
    if smaller is None:
        return ""
    number = Decimal(found["number"]) * smaller[1]
    return f"write `{number:.0f}{smaller[0]}`" if number == int(number) else ""


def _number(found: Groups) -> str:
    inner = found["at"][1:-1]
    return f"write `{inner}`" if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", inner) else ""


# --- the tables -----------------------------------------------------------------------------------------------------

OTHERS = (
    Row(r"\Ause\b.*?(?P<at>§name)¦\s*\Z", "`from` and a module are missing", "for example `use {at} from lib/auth`"),
    Row(r"\Aparam\s+§name\s*¦(?P<at>:)", "the value of a `param` follows `=`, not `:`", "write `=`", FOREIGN),
    Row(r"\Aparam\s+(?P<at>§name)¦\s*\Z", "`=` and a value are missing after `{at}`"),
    Row(
        r"\Aalert\s+¦(?P<at>[^'\"\s][^'\"\n]*)",
        "the text of an alert stands in quotes",
        lambda found: f"write `alert '{found['at'].strip()}'`" if len(found["at"]) < SHOWN else "",
    ),
    Row(r"\A(?P<at>test)\s+¦(?:match|no_match|todo_match)\b", "a `test` has a name in quotes"),
    Row(
        r"\Atest\b[\s\S]*\b(?P<word>match|no_match|todo_match)\s*¦(?P<at>[^\n{{]+)",
        "an event stands in braces",
        "write `{word} {{…}}`",
    ),
    Row(
        r"\Atest\b[\s\S]*[{{,]\s*§name\s*¦(?P<at>==?)",
        "in an event a field and its value are joined by `:`",
        "write `:`",
    ),
    Row(
        r"\Atest\b[\s\S]*\}\s*¦(?P<at>[A-Za-z_]\w*)\s*\{",
        "an event of a test stands after `match`, `no_match` or `todo_match`",
        lambda found: meant(found["at"], ("match", "no_match", "todo_match")),
    ),
)

SEQUENCES = (
    Row(
        r"\Asequence\b.*?(?P<name>§name)\s+¦(?P<at>[x*]?(?P<number>\d+)[x*]?)(?!\w)",
        "the number stands before its step",
        "write `{number} {name}`",
    ),
    Row(
        r"\bthen\s+(?P<name>§name)\s+¦(?P<at>within\s+(?P<time>\d+[smhd]))\b",
        "the `within` of a step stands before it",
        "write `within {time} {name}`",
    ),
    Row(r"\Asequence\b.*?¦(?P<at>->|=>|>|,|&&|and\b)", "the steps of a sequence are joined by `then`", "write `then`"),
    Row(
        rf"\Asequence\b.*?(?P<before>§name)\s+¦(?P<at>(?!{PLAIN})§name)",
        "`then` is missing between `{before}` and `{at}`",
    ),
)

NAMES = (
    Row(
        r"\Alet\s+§name\s*=\s*¦(?P<at>§value)\s*\Z",
        "a `let` names a condition, and {at} is only a value",
        "a value is named by `param`",
    ),
    Row(r"\Alet\s+§name\s*(?P<at>=¦=)", "the condition of a `let` follows `=`; `==` compares", "write `=`"),
    Row(r"\Alet\s+(?P<name>§name)¦\s*\Z(?P<at>)", "`=` and a condition are missing after `{name}`"),
    Row(r"\A(?P<at>let)¦\s*\Z", "`let` needs a name, `=` and a condition"),
    Row(r"\Alet\s+¦(?P<at>=)", "`let` needs a name before `=`"),
    Row(r"\Alet\s+§name\s+¦(?P<at>§name)\s*=(?!=)", "the name of a `let` is one word", "join the words by `_`"),
    Row(r"\Alet\s+(?P<name>§name)\s+¦(?P<at>\S+)", "`=` is missing after `let {name}`", "write `let {name} = …`"),
    Row(r"\Alet\s+¦(?P<at>§text|[^\s=]+)", "`{at}` is no name", "a name that is not plain stands in backticks"),
    Row(r"\A(?P<at>match)¦\s*\Z", "`match` needs a condition"),
    Row(r"\Amatch\s*¦(?P<at>=)", "no `=` follows `match`", "leave it out"),
)

QUOTES = (
    Row(r"'·*'¦(?P<at>\w+)", "the text ended before `{at}`", "a quote inside single quotes is written twice: `''`"),
    Row(r"\"·*\"¦(?P<at>\w+)", "the text ended before `{at}`", 'a quote inside double quotes is written `\\"`'),
    Row(r"/·*/¦(?P<at>\w[^\s/]*)/", "the regular expression ended before `{at}`", "a slash inside is written `\\/`"),
    Row(
        r"\bmatches\s+¦(?P<at>/[^\n]*)",
        "this regular expression is never closed",
        "a slash is missing at its end",
        OPEN,
    ),
    Row(r"\bmatches\s+¦(?P<at>§bare)", "a regular expression stands between slashes", "write `/{at}/`"),
    Row(r"(?P<at>(?<![\w.])\d+(?:\.\d+)?¦(?:\.\d+)+(?:/\d+)?)", "`{at}` needs quotes", "write `'{at}'`"),
    Row(r"(?P<at>0¦x[0-9a-fA-F]+)", "numbers are written in decimal", lambda found: f"write `{int(found['at'], 16)}`"),
    Row(
        r"(?P<at>\d{1,3}¦(?:,\d{3})+)(?!\d)",
        "a number has no commas",
        lambda found: f"write `{found['at'].replace(',', '')}`",
    ),
)

UNQUOTED = (
    Row(
        rf"(?:==|!=|§finds|[\[,(])\s*(?P<at>¦?(?!{PLAIN})[^\s'\"`()\[\]{{}},¦]+(?:¦[^\s'\"`()\[\]{{}},¦]*)?)(?<![=:!<>|])(?=')",
        "a quote is missing before `{at}`",
        "",
        OPEN,
    ),
    Row(
        r"(?P<word>==|!=)\s*¦(?P<at>/·+/[ims]*)(?=\s|\Z|\))",
        "`{word}` takes no regular expression",
        _matches,
    ),
    Row(
        r"(?:==|!=|§finds|[\[,(])\s*¦(?P<at>`·*`)",
        "backticks are for names; a text stands in quotes",
        lambda found: f"write `'{found['at'][1:-1]}'`",
    ),
    Row(
        rf"(?:==|!=|§finds|[\[,(])\s*(?P<at>(?!{PLAIN})[\w.-]+¦[\\:/*%]§bare)",
        "`{at}` needs quotes, as every text",
        _unquoted,
    ),
    Row(
        rf"(?:==|!=|\b(?!matches)§finds|[\[,(])\s*¦(?P<at>(?!{PLAIN})§bare)",
        "`{at}` needs quotes, as every text",
        _unquoted,
    ),
)

JOINTS = (
    Row(r"\b(?P<at>(?P<word>any|none|no|one|some|each|every)\s+¦of)\b", "`{at}` is not in this language", _of, FOREIGN),
    Row(r"¦(?P<at>1\s+of|all\s+of)\s*\Z", "`{at}` needs a name with a wildcard, as `selection_*`, or `them`"),
    Row(r"\b(?P<at>(?:1|all)\s+of)¦\s*\Z", "`{at}` needs a name with a wildcard, as `selection_*`, or `them`"),
    Row(r"¦(?P<at>\d+\s+of)\b", "`{at}` cannot be said: there are only `1 of` and `all of`"),
    Row(r"\b(?:1|all)\s+of\s+¦(?P<at>\([^)]*\)?)", "`1 of` and `all of` take one name, as `selection_*`, not a list"),
    Row(r"\ball\s+¦(?P<at>[\w.-]*\*[\w.*-]*|them\b)", "`of` is missing after `all`", "write `all of {at}`"),
    Row(
        r"(?P<at>(?<![\w.*-])[\w.-]*¦[\w.-]*\*[\w.*-]*)",
        "`{at}` has a wildcard, so it stands only after `1 of` or `all of`",
    ),
    Row(r"\b(?P<before>and|or|not)\s+(?P<at>and|or)\s+¦", "`{at}` cannot follow `{before}`"),
    Row(
        rf"(?<!\band )(?<!\bor )(?<!\bnot )§name\s+(?:not\s+)?¦(?P<at>(?!{PLAIN})[A-Za-z]\w*)"
        r"\s+(?:§value|\[|any\b|all\b|/)",
        "no comparison is called `{at}`",
        _comparison,
    ),
    Row(
        rf"\A(?:match|let)\b.*?(?P<before>§name|§value|[)\]])\s+¦(?P<at>(?!{PLAIN})§name|\()",
        "`and` or `or` is missing between `{before}` and `{at}`",
    ),
    Row(r"\A(?:match|let)\b[^\[]*¦(?P<at>,)", "conditions are joined by `and` or `or`, not by `,`"),
    Row(r"\[[^\]]*?(?P<at>§value)\s*¦§value", "`,` is missing after {at}"),
)

WINDOWS = (
    Row(
        r"\b(?P<word>count|distinct|sum|avg|min|max|median)\(\s*§name\s+¦(?P<at>§name|==|!=|[<>]=?)",
        "a condition in an aggregate stands after `where`",
        "write `{word}(where …)`",
    ),
    Row(
        r"\b(?P<word>\w+)\((?P<field>[^()]*)\)\s+¦(?P<at>where)\b",
        "`where` stands in the brackets of its aggregate",
        lambda found: f"write `{found['word']}({(found['field'] + ' where').strip()} …)`",
    ),
    Row(r"(?P<at>(?P<number>\d+)\s+¦percent)\b", "`{at}` is written with its sign", "write `{number}%`"),
    Row(
        rf"¦(?P<at>(?P<number>\d+)\s*(?P<unit>{UNIT}))",
        "a duration is a number and `s`, `m`, `h` or `d` without a blank",
        _duration,
    ),
    Row(r"¦(?P<at>(?P<number>\d+\.\d+)(?P<unit>[smhd]))\b", "a duration has a whole number", _whole),
    Row(
        r"(?:within|tumbling|session|timeframe|suppress)\s+¦(?P<at>\d+)\s*(?:by\b|\Z)",
        "`{at}` has no unit",
        "write `{at}m` for minutes; `s`, `h` and `d` are the others",
    ),
    Row(
        r"\A(?:within|tumbling|session|timeframe|suppress)\s+¦(?P<at>\S+)",
        "`{at}` is no duration",
        "durations are written `30s`, `10m`, `1h`, `7d`",
    ),
    Row(r"\d[smhd]\s+¦(?P<at>group[\s_-]*by)\b", "`{at}` is not in this language", "write `by`", FOREIGN),
    Row(
        r"\A(?:within|tumbling|session)\s+\d+[smhd]\s+¦(?P<at>§name)",
        "`by` is missing before `{at}`",
        "write `by {at}`",
    ),
    Row(r"\bby\s.*?§name\s+¦(?P<at>and)\b", "keys that must both be the same are parted by `,`", "write `,`"),
    Row(r"\bby\s.*?(?P<before>§name)\s+¦(?P<at>§name)", "`,` is missing between `{before}` and `{at}`"),
    Row(
        r"\b(?P<at>(?P<word>distinct|sum|avg|min|max|median|percentile|first_seen)\s+¦(?P<field>§name))",
        "`{word}` takes its field in brackets",
        "write `{word}({field})`",
    ),
    Row(
        rf"\A(?:having|sequence)\b.*?(?P<at>\b(?!{PLAIN})[A-Za-z_]\w*)[ ]*¦\(",
        "no aggregate is called `{at}`",
        _aggregate,
    ),
    Row(r"(?:[<>]=?|\Ahaving\b.*==)\s*¦(?P<at>§text)", "a number is needed here, and {at} is a text", _number),
)

HEADS = (
    Row(r"\bhaving\b.*(?P<at>\b\w+\([^()]*\))¦\s*\Z", "`{at}` is compared with nothing", "for example `{at} >= 10`"),
    Row(r"[<>=]\s*(?P<number>\d+(?:\.\d+)?)\s*¦(?P<at>[A-Za-z]+)\s*(?:\Z|\)|and\b|or\b)", "a number has no unit here"),
    Row(r"¦(?P<at>#)", "a comment begins after a blank", "put a blank before `#`"),
    Row(
        rf"\A(?:rule|filter)\b.*\s¦(?P<at>{'|'.join(set(words.STATEMENTS) - {'rule', 'filter'})})[ ]",
        "a statement begins on a line of its own",
    ),
    Row(
        rf"\n[ \t]+¦(?P<at>{'|'.join(words.STATEMENTS)})\b",
        "this line is indented deeper than the statement before it, so it was read as part of it",
        "indent it less",
    ),
    Row(
        r"\A(?P<word>rule|filter)\s+(?P<at>(?P<first>§name)\s+¦[^'\"\n#:{{]+)",
        "a title of several words stands in quotes",
        lambda found: f"write `{found['word']} '{found['at'].strip()}'`",
    ),
    Row(r"\A(?:rule|filter)\s+§text\s+¦(?P<at>§name)", "the name stands before the title"),
    Row(r"\A(?:rule|filter)\s+.*§text\s+¦(?P<at>§text)", "a rule has one title"),
)

ROWS = (
    *KEPT,
    *OTHERS,
    *SEQUENCES,
    *WINDOWS,
    *UNQUOTED,
    *SIGMA,
    *HEADS,
    *SIGNS,
    *NAMES,
    *QUOTES,
    *TESTS,
    *JOINTS,
)
"""All but PASTED, which comes before everything."""
