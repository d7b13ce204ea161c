"""What Splunk can say of each construct: the rows of the table in the documentation."""

from __future__ import annotations

from ruleengine.target import Capability, Contract, Kind

CONTRACT = Contract(
    raw="_raw",
    says=(
        "An event is one line of compact JSON, kept as `_raw`.",
        "`_time` is the event's own time.",
        "Splunk extracts fields as it does by itself: `KV_MODE = json` or `INDEXED_EXTRACTIONS = json`.",
        "Nested objects become dotted names; an object itself is no field.",
        "An array is the multivalue field `name{}`; a field is an array only if its schema says so, and then always.",
        "Numbers and booleans become their text; `null`, `{}` and `[]` become nothing; the empty text may be dropped.",
        "Field names compare with case.",
        "Letters beyond ASCII stand in the line as they are; so does everything that JSON need not escape.",
        "Our hints `_product`, `_service` and `_category` are not in the event.",
    ),
)

Row = tuple[str, Kind, str, str, str]

ROWS: tuple[Row, ...] = (
    ("text", "exact", 'f="a*"', "", ""),
    ("text", "bounded", 'f="*kill*"', "Splunk may fold letters such as `k` and `s` otherwise", "usual_letters"),
    ("text: several of one field", "exact", 'f IN ("a","b*")', "", ""),
    ("text: `?`, a literal `*`, `*` in the middle, case", "exact", r"""isnotnull(mvfind('f',"\\Aa.b\\z"))""", "", ""),
    ("text: letters beyond ASCII that have a case", "exact", """isnotnull(mvfind('f',"[Éé]"))""", "", ""),
    ("text: like a network", "exact", r"""isnotnull(mvfind('f',"\\A10\\.0\\.0\\.0/8\\z"))""", "", ""),
    ("text: of more than 8,000 characters, in `where`", "unsupported", "", "PCRE bounds what it compiles", ""),
    ("empty text", "bounded", r"""isnotnull(mvfind('f',"\\A\\z"))""", "it may be dropped", "no_empty_text"),
    ("number", "exact", r"""isnotnull(mvfind('f',"\\A0*4688(?:\\.0+)?\\z"))""", "beside other tests", ""),
    ("number", "bounded", 'f="4688"', "a search compares texts", "usual_numbers"),
    (
        "comparison",
        "bounded",
        r"""if(match('f',"\\A-?[0-9]+(?:\\.[0-9]+)?\\z"),if(tonumber('f') >= 5,1,0),0)=1""",
        "floating point",
        "small_numbers",
    ),
    ("comparison: with a number beyond 2^53", "unsupported", "", "it has more digits than Splunk's numbers keep", ""),
    ("exists", "bounded", "f=*", "an object has no field of its own", "no_object"),
    ("exists", "bounded", "f=*", "an empty text may be dropped", "no_empty_text"),
    (
        "network",
        "bounded",
        """if(match('f',…),if(cidrmatch("192.0.2.0/24",…),1,0),0)=1""",
        "other ways to write IPv4 within IPv6",
        "mapped_ipv4",
    ),
    (
        "network: IPv6",
        "bounded",
        """if(match('f',…),if(cidrmatch("2001:db8::/32",'f'),1,0),0)=1""",
        "unusual ways to write an address",
        "usual_ipv6",
    ),
    ("regular expression", "exact", """isnotnull(mvfind('f',"(?i)…"))""", "", ""),
    ("regular expression: ignoring case", "bounded", "", "Splunk may fold letters otherwise", "usual_letters"),
    ("regular expression: `\\b`", "bounded", "", "a word may hold letters beyond ASCII", "ascii_text"),
    ("regular expression: `^` or `$` at lines", "bounded", "", "a text that ends with a line end", "no_line_ends"),
    ("regular expression: of more than 8,000 characters", "unsupported", "", "PCRE bounds what it compiles", ""),
    ("keyword", "wider", 'match(_raw,"(?i)…")', "keys and escapes are in the raw line, too", ""),
    ("keyword: a simple regular expression", "wider", 'match(_raw,"(?s)a.*b")', "the same", ""),
    ("keyword: another regular expression", "unsupported", "", "it would meet keys, quotes and escapes", ""),
    (
        "field to field",
        "bounded",
        """if(isnotnull('a') AND isnotnull('b'),if(("=".'a') = ("=".'b'),1,0),0)=1""",
        "an empty text may be dropped",
        "no_empty_text",
    ),
    (
        "field to field: begins, ends, ignoring case",
        "bounded",
        """if(…,if(("=".lower('a')) = ("=".lower('b')),1,0),0)=1""",
        "letters beyond ASCII",
        "ascii_text",
    ),
    ("field to field: contains", "unsupported", "", "nothing looks for a text that another field holds", ""),
    (
        "time part: hour, minute",
        "bounded",
        "if(isnotnull('f') AND floor(_time / 3600) % 24 = 5,1,0)=1",
        "of the event's time only",
        "event_time",
    ),
    ("time part: day, week, month, year", "unsupported", "", "Splunk knows them in the reader's time zone only", ""),
    ("list", "bounded", """isnotnull(mvfind('f',…)) AND _time < 1767225600""", "the list may change", "as_compiled"),
    (
        "list: of more than 1,000 entries",
        "bounded",
        "| lookup ruleengine_….csv value AS … OUTPUT expires AS …",
        "letters beyond ASCII; the file comes with the formats `savedsearches` and `app`",
        "ascii_text",
    ),
    ("function: len, lower", "bounded", "if(len('f') > 5,1,0)=1", "a number is a text in Splunk", "only_texts"),
    ("function: len, lower", "bounded", "", "an empty text may be dropped", "no_empty_text"),
    ("function: lower", "bounded", "if(match(lower('f'),…),1,0)=1", "letters beyond ASCII", "ascii_text"),
    ("function: domain, net", "unsupported", "", "Splunk has no such function", ""),
    ("several values: texts, numbers, exists", "exact", """isnotnull(mvfind('f{}',…)), "f{}"="a\"""", "", ""),
    ("several values: other tests", "bounded", "", "what Splunk makes of them is not documented", "one_value"),
    ("field name: one of Splunk's own, as `host`", "bounded", 'host="a"', "it means Splunk's", "own_field"),
    ("field name: with quotes, brackets or `|`", "unsupported", "", "it cannot be written", ""),
)
"""Construct (what follows a colon narrows it down), fidelity, how it is written, why it is not exact, its bound."""

CAPABILITIES = tuple(Capability(*row) for row in ROWS)
