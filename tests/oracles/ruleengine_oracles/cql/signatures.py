"""The functions that the oracle knows, each with its parameters; anything else is refused."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Signature:
    """A function: which parameter may go without its name, the kind of each, and which must be there."""

    default: str
    kinds: dict[str, str]
    required: tuple[str, ...]
    truth: bool = False
    """A filter function: true or false, negatable, and usable in expressions [D L4]."""
    step: bool = True
    value: bool = field(default=False)
    """Gives a value in expressions."""


CASED = Signature("field", {"field": "field"}, ("field",), step=False, value=True)
WHEN = Signature("field", {"field": "field", "timezone": "text", "as": "field"}, ("timezone",), value=True)
"""Without `timezone` the hour is that of the user's zone [D]: the oracle wants it said."""
WITHIN = Signature("string", {"string": "expression", "substring": "expression"}, ("string", "substring"), truth=True)
EXISTS = Signature(
    "array", {"array": "array", "condition": "pipeline", "var": "field"}, ("array", "condition", "var"), truth=True
)
MAPPED = Signature(
    "array",
    {"array": "array", "asArray": "array", "function": "pipeline", "var": "field"},
    ("array", "asArray", "function", "var"),
)
FIELDS = Signature("fields", {"fields": "fields"}, ("fields",))

SIGNATURES: dict[str, Signature] = {
    "in": Signature(  # [D L6]
        "field", {"field": "field", "values": "texts", "ignoreCase": "flag"}, ("field", "values"), truth=True
    ),
    "cidr": Signature("field", {"field": "field", "subnet": "subnets"}, ("field", "subnet"), truth=True),  # [D L7]
    "wildcard": Signature(  # [D L8]
        "field", {"field": "field", "pattern": "text", "ignoreCase": "flag"}, ("field", "pattern"), truth=True
    ),
    "regex": Signature(  # [D L14]
        "regex", {"regex": "text", "field": "field", "flags": "text"}, ("regex", "field"), truth=True
    ),
    "test": Signature("expression", {"expression": "expression"}, ("expression",), truth=True),  # [D L5]
    "text:contains": WITHIN,  # [D L9]
    "text:startsWith": WITHIN,
    "text:endsWith": WITHIN,
    "array:contains": Signature(
        "array", {"array": "array", "value": "text"}, ("array", "value"), truth=True
    ),  # [D L10]
    "array:regex": Signature(
        "array", {"array": "array", "regex": "text", "flags": "text"}, ("array", "regex"), truth=True
    ),
    "array:exists": EXISTS,
    "objectArray:exists": EXISTS,
    "array:eval": MAPPED,
    "objectArray:eval": MAPPED,
    "if": Signature(
        "condition",
        {"condition": "expression", "then": "expression", "else": "expression", "as": "field"},
        ("condition", "then", "else"),
        value=True,
    ),
    "lower": CASED,
    "upper": CASED,
    "length": CASED,
    "getField": Signature("source", {"source": "text"}, ("source",), step=False, value=True),
    "time:hour": WHEN,
    "time:minute": WHEN,
    "time:dayOfMonth": WHEN,
    "time:dayOfWeek": WHEN,
    "time:weekOfYear": WHEN,
    "time:month": WHEN,
    "time:year": WHEN,
    "match": Signature(
        "file",
        {
            "file": "text",
            "field": "field",
            "column": "text",
            "strict": "flag",
            "ignoreCase": "flag",
            "mode": "text",
            "include": "fields",
        },
        ("file", "field", "column"),
    ),
    "rename": Signature("field", {"field": "field", "as": "field"}, ("field", "as")),
    "select": FIELDS,
    "table": FIELDS,
    "drop": FIELDS,
}

NEGATABLE = {name for name, signature in SIGNATURES.items() if signature.truth} | {"match"}

AGGREGATES = {"table"}
"""After one of these free text has no event to look at [D L3]."""

RESERVED = frozenset(
    """accumulate asn avg base64Decode base64Encode bucket callFunction case cidr coalesce collect communityId concat
    concatArray copyEvent correlate count counterAsRate createEvents default defineTable drop dropEvent duration end
    eval eventFieldCount eventInternals eventSize fieldset fieldstats findTimestamp format formatDuration formatTime
    geohash getField groupBy hash hashMatch hashRewrite head if in ipLocation join kvParse length like linReg lower
    lowercase match matchAsArray max min neighbor now parseCEF parseCsv parseFixedWidth parseHexString parseInt
    parseJson parseLEEF parseTimestamp parseUri parseUrl parseXml partition percentage percentile range rdns readFile
    regex rename replace reverseDns round sample sankey select selectFromMax selectFromMin selectLast selfJoin
    selfJoinFilter series session setField setTimeInterval shannonEntropy slidingTimeWindow slidingWindow sort split
    splitString start stats stdDev stripAnsiCodes subnet sum table tail test timeChart tokenHash top transpose upper
    urlDecode urlEncode wildcard window worldMap writeJson AND And and OR Or or NOT Not not""".split()
)
"""Words that a value may not be without quotes [D L1, appendix D]; those with a colon are not such values anyway."""
