"""Rules as savedsearches.conf: schedule, time range, throttling, and what Enterprise Security makes of an alert.

Keys and their form are those of Splunk's savedsearches.conf.spec and of the content that Splunk itself ships for
Enterprise Security (contentctl's template of saved searches).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from ruleengine.ir import Rule
from ruleengine.target import Compiled, Options, Ready
from ruleengine_splunk.conf import Stanza, conf, line, stanza_name
from ruleengine_splunk.lists import tables
from ruleengine_splunk.options import Schedule, flag, risk_objects, risk_score, schedule

Pair = tuple[Ready, Compiled]

LONGEST_NAME = 100
"""Characters of a saved search's name that Splunk takes."""

ENDING = " - Rule"
"""How the names of Enterprise Security's searches end."""

LEVELS = ("informational", "low", "medium", "high", "critical")
TECHNIQUE = re.compile(r"attack\.(t[0-9]{4}(?:\.[0-9]{3})?)", re.IGNORECASE)

DOMAINS: tuple[tuple[str, str], ...] = (
    ("authentication|okta|onelogin|auth|sshd|pam|azuread|signinlogs|riskdetection", "identity"),
    ("firewall|proxy|dns|zeek|network|webserver|cisco|juniper|huawei|fortios|nginx|apache", "network"),
    ("audit|auditd|activitylogs|auditlogs|cloudtrail|bitbucket|github|gworkspace|m365", "audit"),
    ("windows|linux|macos|process|file|registry|image|driver|antivirus", "endpoint"),
)
"""The security domains of Enterprise Security, by words of a rule's log source; the first that fits."""


def saved(rules: Sequence[Pair], options: Options) -> str:
    """Return savedsearches.conf."""
    return conf(list(_stanzas(rules, options)), "Made by ruleengine from detection rules: change the rules, not this.")


def files(rules: Sequence[Pair], options: Options) -> dict[str, bytes]:
    """Return savedsearches.conf, and the lookup files that its searches ask."""
    return {"savedsearches.conf": saved(rules, options).encode(), **lookups(rules)}


def lookups(rules: Sequence[Pair]) -> dict[str, bytes]:
    """Return the lookup files of some rules."""
    made: dict[str, bytes] = {}
    for ready, _ in rules:
        made.update({f"lookups/{name}": data for name, data in tables(ready.expr).items()})
    return made


def _stanzas(rules: Sequence[Pair], options: Options) -> Iterator[Stanza]:
    times = schedule(options)
    for (ready, compiled), name in zip(rules, names([ready.rule for ready, _ in rules]), strict=True):
        yield name, settings(ready, compiled, options, times, name)


def names(rules: Sequence[Rule]) -> list[str]:
    """Return the name of each rule's search: its title, with its id's beginning if others have that title, too."""
    plain = [stanza_name(rule.title, LONGEST_NAME - len(ENDING)) for rule in rules]
    count: dict[str, int] = {}
    for each in plain:
        count[each.lower()] = count.get(each.lower(), 0) + 1
    out: list[str] = []
    taken: set[str] = set()
    for rule, each in zip(rules, plain, strict=True):
        short = each[: LONGEST_NAME - len(ENDING) - 12]
        name = each if count[each.lower()] == 1 else f"{short} ({line(rule.label)[:8]})"
        number = 2
        while name.lower() in taken:
            name, number = f"{short} ({number})", number + 1
        taken.add(name.lower())
        out.append(name + ENDING)
    return out


def settings(ready: Ready, compiled: Compiled, options: Options, times: Schedule, name: str) -> dict[str, str]:
    """Return the settings of one search."""
    rule = ready.rule
    level = rule.level if rule.level in LEVELS else "medium"
    meta = dict(rule.meta)
    about = line(str(meta.get("description") or rule.title))
    made = {
        "search": compiled.text,
        "description": about,
        "disabled": "0" if flag(options, "enabled") and rule.status not in ("deprecated", "unsupported") else "1",
        "enableSched": "1",
        "is_visible": "1",
        "cron_schedule": times.cron,
        "schedule_window": "auto",
        "allow_skew": "100%",
        "realtime_schedule": "0",
        "dispatch.earliest_time": times.earliest,
        "dispatch.latest_time": times.latest,
        "counttype": "number of events",
        "relation": "greater than",
        "quantity": "0",
        "alert.digest_mode": "1",
        "alert.severity": str(LEVELS.index(level) + 1),
        "alert.track": "1",
    }
    if times.throttle:
        made |= {"alert.suppress": "1", "alert.suppress.period": times.throttle}
        if times.throttle_fields:
            made["alert.suppress.fields"] = times.throttle_fields
    return made | _security(ready, compiled, options, name, level, about)


def _security(ready: Ready, compiled: Compiled, options: Options, name: str, level: str, about: str) -> dict[str, str]:
    """Return what Enterprise Security reads: the annotations, the notable event, the risk."""
    rule = ready.rule
    attack = techniques(rule.tags)
    made = {
        "action.correlationsearch.enabled": "1",
        "action.correlationsearch.label": name,
        "action.correlationsearch.detection_type": "ebd",
        **({"action.correlationsearch.annotations": _json({"mitre_attack": attack})} if attack else {}),
        "action.correlationsearch.metadata": _json(
            {"ruleengine": {"rule": rule.label, "digest": ready.digest, "fidelity": compiled.verdict}}
        ),
    }
    if flag(options, "notable"):
        made |= {
            "action.notable": "1",
            "action.notable.param.rule_title": line(rule.title),
            "action.notable.param.rule_description": about,
            "action.notable.param.security_domain": domain(rule),
            "action.notable.param.severity": level,
        }
    score = risk_score(options, level)
    if score is not None:
        objects = [
            {"risk_object_field": field, "risk_object_type": kind, "risk_score": score}
            for field, kind in risk_objects(options)
        ]
        made |= {
            "action.risk": "1",
            "action.risk.param._risk": _json(objects),
            "action.risk.param._risk_message": line(rule.title),
            "action.risk.param._risk_score": "0",
            "action.risk.param.verbose": "0",
        }
    return made


def _json(value: object) -> str:
    return line(json.dumps(value, ensure_ascii=False))


def techniques(tags: Sequence[str]) -> list[str]:
    """Return the ATT&CK techniques of some tags, as `T1059.001`."""
    found = (TECHNIQUE.fullmatch(tag) for tag in tags)
    return list(dict.fromkeys(each[1].upper() for each in found if each))


def domain(rule: Rule) -> str:
    """Return the security domain of a rule, by its log source."""
    words = " ".join(filter(None, (rule.logs.category, rule.logs.service, rule.logs.product))).lower()
    return next((name for pattern, name in DOMAINS if re.search(pattern, words)), "threat")
