"""What LogScale can say of a rule, how it is written, and what it hangs on: the table of the documentation."""

from __future__ import annotations

from ruleengine.target import Capability

CAPABILITIES = (
    Capability("text", "bounded", r"f=/\Ax\z/i", "letters beyond ASCII are folded by LogScale", "usual_letters"),
    Capability("text, cased", "exact", 'f="Admin", f=/\\A42\\z/'),
    Capability("empty text", "exact", 'f=""'),
    Capability("number", "exact", r"f=/\A0*5(?:\.0+)?\z/"),
    Capability("boolean", "exact", r"f=/\Atrue\z/i"),
    Capability("pattern", "bounded", r"f=/\Aa.*b\z/di", "letters beyond ASCII are folded by LogScale", "usual_letters"),
    Capability("pattern, `?`", "bounded", r"f=/\Aa.b\z/d", "an engine counts UTF-16 units", "basic_plane"),
    Capability("any value", "exact", "f=*"),
    Capability("list of texts", "bounded", r"f=/\A(?:a|b)\z/i", "as each of them", "usual_letters"),
    Capability("regular expression", "exact", "f=/a[0-9]+/d", "", ""),
    Capability(
        "regular expression, `i`", "bounded", "f=/a/i", "letters beyond ASCII are folded by LogScale", "usual_letters"
    ),
    Capability(
        "regular expression, `\\b`", "bounded", r"f=/\ba/", "an engine takes é for a word character", "ascii_text"
    ),
    Capability("regular expression, `m`", "bounded", "f=/^a/m", "the engines know different line ends", "no_line_ends"),
    Capability("regular expression, `.`", "bounded", "f=/a[^\\n]b/", "an engine counts UTF-16 units", "basic_plane"),
    Capability(
        "comparison", "bounded", r"(f=/\A-?[0-9]+(?:\.[0-9]+)?\z/ AND f >= 5)", "numbers are doubles", "small_numbers"
    ),
    Capability(
        "network",
        "bounded",
        r'f=/\A(?:N\.){3}N\z/ | cidr(f, subnet="192.0.2.0/24")',
        "IPv4 within IPv6 can be written in many ways",
        "mapped_ipv4",
    ),
    Capability(
        "network, IPv6",
        "bounded",
        r'f=/\A[0-9a-f]*:[0-9a-f:]*\z/ | cidr(f, subnet="2001:db8::/32")',
        "an IPv6 address can be written in many ways",
        "usual_ipv6",
    ),
    Capability("exists", "bounded", "f=*", "an object gives only its members names", "no_object"),
    Capability("absent", "bounded", "(NOT f=*)", "an object gives only its members names", "no_object"),
    Capability(
        "field to field",
        "bounded",
        "f=* | g=* | text:contains(string=lower(f), substring=lower(g))",
        "`lower()` may fold letters beyond ASCII in its own way",
        "ascii_text",
    ),
    Capability("field to field, cased", "exact", "f=* | g=* | text:contains(string=f, substring=g)"),
    Capability(
        "time part",
        "bounded",
        'time:hour(@timestamp, timezone="UTC", as=_t0) | _t0 >= 5',
        "only of the time that the event has in LogScale",
        "event_time",
    ),
    Capability("list", "bounded", r"f=/\A(?:a|b)\z/i, match(file=…)", "the list is written down", "as_compiled"),
    Capability(
        "keyword", "wider", "@rawstring=/x/i", "the whole line is searched, and it holds the names of fields, too"
    ),
    Capability("array", "bounded", 'array:regex("f[]", regex="x")', "functions over arrays stop at a gap", "no_gaps"),
    Capability("array, other than texts", "unsupported", "", "LogScale's functions over arrays ask for texts only"),
    Capability("tag", "bounded", "#event.outcome=/…/i", "LogScale gives its tags to an event", "tagged"),
    Capability("function", "unsupported", "", "no counterpart is surely the same"),
    Capability("function, `len`", "bounded", r"f=/\A.{101,}\z/d", "numbers are texts in LogScale", "only_texts"),
    Capability("function, `lower`", "bounded", r"f=/\Ax\z/i", "letters beyond ASCII, and numbers", "ascii_text"),
    Capability(
        "field name", "unsupported", "", "names with `*`, brackets or control characters, or that begin with `@`"
    ),
)
