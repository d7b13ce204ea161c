"""The Python target: a rule, or a set of rules, as one self-contained module to paste where events are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ruleengine.target import Capability, Compiled, Format, Options, Ready, Target


def _compiled(given: Ready) -> Compiled:
    from ruleengine_python.module import compiled

    return compiled(given)


def _one(_given: Ready, made: Compiled, _options: Options) -> str:
    return made.text


def _many(rules: Sequence[tuple[Ready, Compiled]], _options: Options) -> Mapping[str, bytes]:
    from ruleengine_python.module import together

    return together(rules)


CAPABILITIES = (
    Capability("text", "exact", r'fields.equals("Image", (r"c:\a.exe",))'),
    Capability("text, cased", "exact", 'fields.equals("User", ("Admin",), cased=True)'),
    Capability("pattern", "exact", 'fields.contains("CommandLine", (" -enc ",))'),
    Capability("pattern with a wildcard in the middle", "exact", 'fields.like("Image", ((..., "a", None, ".exe"),))'),
    Capability("regular expression", "exact", 'fields.search("CommandLine", ("invoke-[a-z]+",))'),
    Capability("keyword", "exact", 'fields.contains(ANYWHERE, ("mimikatz",))'),
    Capability("number", "exact", 'fields.is_number("EventID", (4688,))'),
    Capability("boolean", "exact", 'fields.equals("flag", ("true",))'),
    Capability("comparison", "exact", 'any(each >= 5 for each in fields.numbers("Count"))'),
    Capability("network", "exact", 'fields.in_network("SourceIp", ("192.0.2.0/24",))'),
    Capability("exists", "exact", 'fields.exists("User")'),
    Capability("any value", "exact", 'fields.has_value("User")'),
    Capability("field to field", "exact", 'fields.same("User", "TargetUser", "contains")'),
    Capability("time part", "exact", 'any(each < 6 for each in fields.time_parts("UtcTime", "hour"))'),
    Capability("list", "exact", 'fields.listed("SourceIp", LIST_BAD)'),
    Capability("function", "exact", 'fields.equals((domain, "Url"), ("example.com",))'),
    Capability("several values", "exact", "", "a question is answered with yes when some value of the field is so"),
)

TARGET = Target(
    name="python",
    title="Python",
    version="1",
    contract=None,
    compile=_compiled,
    capabilities=CAPABILITIES,
    formats=(
        Format("module", "one module a rule, with RULE and matches(event)", ".py", one=_one),
        Format("set", "one module for all rules, with RULES and matching(event)", many=_many),
    ),
)
