"""The words of the language and of others, as tables: what is told to people whose statement could not be read."""

from __future__ import annotations

from collections.abc import Mapping

# --- what the parser expects, in the language's words ---------------------------------------------------------------

EXPECTED: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = tuple(
    (words, frozenset(needed.split()), frozenset(covered.split()))
    for words, needed, covered in (
        (
            "a comparison as `count() >= 10`",
            "AGGREGATE NOT",
            "AGGREGATE NOT LPAR NAME QUOTED_NAME ALL ONE NUMBER PERCENT FIRST_SEEN",
        ),
        ("a number or an aggregate as `count()`", "AGGREGATE", "AGGREGATE NAME NUMBER PERCENT"),
        ("a regular expression", "REGEX RAW", "REGEX RAW ESCAPED BLOCK ANY ALL"),
        ("a condition", "NOT LPAR NAME", "NOT LPAR NAME QUOTED_NAME ANYWHERE ALL ANY ONE TIME_PART CALL"),
        ("a condition", "NOT NAME ANYWHERE", "NOT LPAR NAME QUOTED_NAME ANYWHERE ALL ANY ONE TIME_PART CALL"),
        ("a comparison", "EQUALS COMPARISON", "EQUALS COMPARISON MATCHER MATCHES EXISTS MISSING IN CASED WITH NOT"),
        ("a value", "RAW NUMBER", "RAW ESCAPED BLOCK NUMBER BOOLEAN NULL FUNCTION FIELD ALL ANY NAME"),
        ("a word or a text in quotes", "RAW BARE", "RAW ESCAPED BLOCK BARE LSQB LBRACE"),
        ("a text in quotes", "RAW ESCAPED", "RAW ESCAPED BLOCK"),
        ("`and`, `or`", "AND OR", "AND OR"),
        ("a list", "LSQB FUNCTION", "LSQB FUNCTION"),
        ("a list in `[…]`", "LSQB CIDR", "LSQB CIDR LIST FUNCTION"),
        ("a name", "NAME", "NAME QUOTED_NAME STARRED THEM"),
        ("the name or id of a rule", "NAME_OR_ID", "NAME_OR_ID"),
        ("a number", "NUMBER", "NUMBER"),
        ("a duration as `10m`", "DURATION", "DURATION"),
        ("a sign as `+`", "ADD", "ADD MULTIPLY"),
        ("a module as `lib/auth`", "PATH", "PATH"),
        ("modifiers of Sigma", "CHAIN", "CHAIN"),
        ("a log source", "WORD", "WORD PART"),
        ("a field", "KEY", "KEY RAW ESCAPED BLOCK"),
        ("`in order`", "ORDER", "ORDER"),
        ("`or`", "EITHER", "EITHER"),
        ("`off`", "OFF", "OFF"),
        ("`match` or `no_match`", "CASE", "CASE"),
        ("`rule`", "HEAD", "HEAD"),
        ("`within`", "WINDOW", "WINDOW"),
    )
)
"""What to call terminals: a row holds when all the needed ones are expected, and speaks for all that it covers."""

# --- capitals -------------------------------------------------------------------------------------------------------

KEYWORDS = (
    "and or not in contains startswith endswith like matches any all of them exists missing cased with true false null "
    "cidr anywhere by then where within having"
).split()
"""The words that have a meaning inside a statement."""


def loud(word: str) -> tuple[str, ...]:
    """Return a word as it is written by people who use capitals."""
    return tuple(sorted({word.upper(), word.title(), word.replace("with", "With")} - {word}))


def small(found: Mapping[str, str]) -> str:
    """Return the hint for a word in capitals."""
    return f"write `{found['at'].lower()}`"


COMPARISONS = ("contains", "startswith", "endswith", "like", "matches", "in", "cased", "exists", "missing", "with")

FOREIGN_COMPARISONS = {
    "includes": "contains",
    "has": "contains",
    "contain": "contains",
    "starts": "startswith",
    "begins": "startswith",
    "beginswith": "startswith",
    "hasprefix": "startswith",
    "hassuffix": "endswith",
    "ends": "endswith",
    "ilike": "like",
    "regex": "matches",
    "regexp": "matches",
    "rlike": "matches",
    "re": "matches",
    "is": "==",
    "eq": "==",
    "equals": "==",
    "ne": "!=",
    "neq": "!=",
    "gt": ">",
    "gte": ">=",
    "ge": ">=",
    "lt": "<",
    "lte": "<=",
    "le": "<=",
}

NEGATED = {
    "contain": "write `not contains`",
    "equal": "write `!=`",
    "exist": "write `missing`",
    "match": "write `not matches`",
}
"""What is said for `does not …`."""

# --- signs of other languages ---------------------------------------------------------------------------------------

SIGNS = {
    "&&": "write `and`",
    "&": "write `and`",
    "||": "write `or`",
    "===": "write `==`",
    "!==": "write `!=`",
    "<>": "write `!=`",
    "=!": "write `!=`",
    "=>": "write `>=`",
    "=<": "write `<=`",
    "=~": "write `matches`",
    "!~": "write `not … matches`",
    ":=": "write `=`",
    "~": "write `matches` or `like`",
}

# --- characters that look like others -------------------------------------------------------------------------------

CHARACTERS = {
    "’": ("this is a typographic quote", "`'`"),
    "‘": ("this is a typographic quote", "`'`"),
    "‚": ("this is a typographic quote", "`'`"),
    "“": ("this is a typographic quote", '`"`'),
    "”": ("this is a typographic quote", '`"`'),
    "„": ("this is a typographic quote", '`"`'),
    "«": ("this is a typographic quote", '`"`'),
    "»": ("this is a typographic quote", '`"`'),
    "´": ("this is an accent", "`'`"),
    "\u00a0": ("this is a non-breaking space", "a plain blank"),
    "\u202f": ("this is a narrow non-breaking space", "a plain blank"),
    "\u2003": ("this is a wide space", "a plain blank"),
    "\u2009": ("this is a thin space", "a plain blank"),
    "\u3000": ("this is a wide space", "a plain blank"),
    "\u200b": ("this is an invisible character, U+200B", ""),
    "\u200c": ("this is an invisible character, U+200C", ""),
    "\u200d": ("this is an invisible character, U+200D", ""),
    "\u2060": ("this is an invisible character, U+2060", ""),
    "\ufeff": ("this is an invisible character, U+FEFF", ""),
    "≥": ("`≥` is a sign of other languages", "`>=`"),
    "≤": ("`≤` is a sign of other languages", "`<=`"),
    "≠": ("`≠` is a sign of other languages", "`!=`"),
    "∧": ("`∧` is a sign of other languages", "`and`"),
    "∨": ("`∨` is a sign of other languages", "`or`"),
    "¬": ("`¬` is a sign of other languages", "`not`"),
    "–": ("this is a dash, U+2013", "`-`"),
    "—": ("this is a dash, U+2014", "`-`"),
    "−": ("this is a minus sign, U+2212", "`-`"),
    "…": ("this is an ellipsis", ""),
    "，": ("this is a wide comma", "`,`"),
    "：": ("this is a wide colon", "`:`"),
    "（": ("this is a wide bracket", "`(`"),
    "）": ("this is a wide bracket", "`)`"),
    "＝": ("this is a wide sign", "`=`"),
}
"""What is said about a character, and what is written in its place."""

# --- Sigma's modifiers ----------------------------------------------------------------------------------------------

SIGMA_CHAINS = {
    "contains": "contains …",
    "startswith": "startswith …",
    "endswith": "endswith …",
    "contains|all": "contains all […]",
    "all|contains": "contains all […]",
    "contains|windash": "contains windash(…)",
    "contains|all|windash": "contains all windash([…])",
    "contains|windash|all": "contains all windash([…])",
    "contains|cased": "cased contains …",
    "startswith|cased": "cased startswith …",
    "endswith|cased": "cased endswith …",
    "cased": "cased == …",
    "re": "matches /…/",
    "re|i": "matches /…/i",
    "cidr": "in cidr(…)",
    "exists": "exists",
    "lt": "< …",
    "lte": "<= …",
    "gt": "> …",
    "gte": ">= …",
    "neq": "!= …",
    "fieldref": "== field(…)",
    "base64offset|contains": "contains base64offset(…)",
    "base64|contains": "contains base64(…)",
    "wide|base64offset|contains": "contains base64offset(wide(…))",
    "utf16le|base64offset|contains": "contains base64offset(utf16le(…))",
    "expand": "== expand(…)",
    "windash": "== windash(…)",
}

# --- functions and aggregates ---------------------------------------------------------------------------------------

OPPOSITES = {
    ("exists", "true"): "exists",
    ("exists", "false"): "missing",
    ("missing", "true"): "missing",
    ("missing", "false"): "exists",
}

FUNCTIONS = (
    "windash expand glob base64offset base64 utf16le utf16be utf16 wide cidr list field len lower domain net "
    "minute hour day week month year"
).split()

FOREIGN_FUNCTIONS = {
    "isnull": "missing",
    "isnotnull": "exists",
    "isempty": "== ''",
    "exists": "exists",
    "missing": "missing",
    "cidrmatch": "in cidr('192.0.2.0/24')",
    "ipinrange": "in cidr('192.0.2.0/24')",
    "regex": "matches /…/",
    "match": "matches /…/",
    "re": "matches /…/",
    "contains": "contains …",
    "startswith": "startswith …",
    "endswith": "endswith …",
    "like": "like …",
    "matches": "matches /…/",
}
"""What stands after the field instead of a function of other languages."""

AFTER = {
    "contains": "contains …",
    "startswith": "startswith …",
    "endswith": "endswith …",
    "like": "like …",
    "matches": "matches /…/",
}

LATER = ("usual", "previous", "top", "decayed", "points")
LATER_STATEMENTS = ("score", "add")
"""Functions and statements whose words are kept for a later version."""
NOT_YET = "is not there yet; the word is kept for a later version"

AGGREGATES = ("count", "distinct", "sum", "avg", "percentile", "median", "min", "max", "first_seen", "seen")

FOREIGN_AGGREGATES = {
    "dc": "distinct",
    "dcount": "distinct",
    "estdc": "distinct",
    "distinct_count": "distinct",
    "count_distinct": "distinct",
    "uniq": "distinct",
    "unique": "distinct",
    "nunique": "distinct",
    "cardinality": "distinct",
    "mean": "avg",
    "average": "avg",
    "total": "sum",
    "event_count": "count",
    "value_count": "distinct",
    "value_sum": "sum",
    "value_avg": "avg",
    "value_percentile": "percentile",
    "value_median": "median",
    "maximum": "max",
    "minimum": "min",
}

# --- first words of statements --------------------------------------------------------------------------------------

STATEMENTS = (
    "rule filter use let match param logs rules within tumbling session having sequence timeframe generate alert "
    "suppress every test"
).split()
"""Statements that are not metadata."""

METADATA = frozenset(
    "id name status description license references author date modified tags level falsepositives fields related "
    "taxonomy scope title".split()
)

FOREIGN_STATEMENTS = {
    "if": "a condition stands after `match`",
    "elif": "a condition stands after `match`; more of them are joined by `or`",
    "else": "conditions are joined by `or` in one `match`",
    "when": "a condition stands after `match`",
    "where": "a condition stands after `match`",
    "condition": "a condition stands after `match`",
    "detection": "selections are written `let name = …`, the condition `match …`",
    "selection": "selections are written `let name = …`",
    "logsource": "write `logs product/category`",
    "product": "write `logs product/category`",
    "category": "write `logs product/category`",
    "service": "write `logs product service:…`",
    "severity": "write `level`",
    "timespan": "write `within 10m by …`",
    "window": "write `within 10m by …`",
    "group-by": "write `within 10m by …`",
    "by": "it stands behind the duration: `within 10m by …`",
    "correlation": "rules over time say `rules`, `within` and `having`",
    "var": "write `let name = …`",
    "def": "write `let name = …`",
    "set": "write `let name = …`",
    "const": "write `param name = …`",
    "import": "write `use name from path`",
    "include": "write `use name from path`",
    "from": "write `use name from path`",
    "reference": "write `references`",
    "falsepositive": "write `falsepositives`",
    "tag": "write `tags`",
    "and": "a line that goes on stands below the statement that it belongs to",
    "or": "a line that goes on stands below the statement that it belongs to",
}
"""What to do instead of a statement that other languages have."""
