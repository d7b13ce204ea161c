"""Alerts: what LogScale is to do with a rule's query, as data in the words of `humioctl` and of package templates.

Keys and schemas are those of github.com/humio/cli and of the packages in CrowdStrike's community content.
"""

from __future__ import annotations

from typing import Any

from ruleengine.ir import Rule
from ruleengine.target import BadOption, Compiled, Options, Ready

SCHEMAS = "https://schemas.humio.com"
DIGEST = 12
"""Characters of a rule's identity that are shown."""


def headed(ready: Ready, compiled: Compiled) -> str:
    """Return the query under a comment that says which rule it is, and of which meaning."""
    title = " ".join(ready.rule.title.split())
    return f"// {title}\n// rule {_label(ready.rule)}, meaning {ready.digest[:DIGEST]}\n{compiled.text}"


def _label(rule: Rule) -> str:
    return " ".join(rule.label.split())


def description(ready: Ready) -> str:
    """Return what the rule says of itself, and its identity."""
    own = dict(ready.rule.meta).get("description")
    said = " ".join(own.split()) if isinstance(own, str) else ready.rule.title
    return f"{said}\n\nRule {_label(ready.rule)}, meaning {ready.digest[:DIGEST]}, written by ruleengine."


def labels(rule: Rule) -> list[str]:
    """Return the labels of an alert: level, status and tags."""
    named = [f"{key}:{value}" for key, value in (("level", rule.level), ("status", rule.status)) if value]
    return [*named, *rule.tags]


# --- options -------------------------------------------------------------------------------------------------------


def actions(options: Options) -> list[str]:
    """Return the names of the actions that an alert takes."""
    return [name.strip() for name in options["actions"].split(",") if name.strip()]


def is_enabled(options: Options) -> bool:
    """Return whether an alert is on; BadOption for anything but true and false."""
    if options["enabled"] not in ("true", "false"):
        raise BadOption(f"`enabled` is true or false, not `{options['enabled']}`")
    return options["enabled"] == "true"


def is_scheduled(options: Options) -> bool:
    """Return whether the query is to be run every few minutes; BadOption for an unknown kind."""
    if options["kind"] not in ("filter", "scheduled"):
        raise BadOption(f"`kind` is filter or scheduled, not `{options['kind']}`")
    return options["kind"] == "scheduled"


def minutes(options: Options) -> int:
    """Return how many minutes apart searches are; BadOption if a cron line cannot say it."""
    given = options["interval"]
    if not (given.isascii() and given.isdigit() and int(given) and 60 % int(given) == 0):
        raise BadOption(f"`interval` is a number of minutes that divides 60, not `{given}`")
    return int(given)


def cron(every: int) -> str:
    """Return the cron line for every so many minutes."""
    return "0 * * * *" if every == 60 else "* * * * *" if every == 1 else f"*/{every} * * * *"


def throttle_s(rule: Rule, options: Options) -> int | None:
    """Return how many seconds an alert is silent after it fired, if at all; BadOption if it is no such number."""
    given = options["throttle"]
    if not given:
        return rule.alert.suppress_s if rule.alert else None
    if not (given.isascii() and given.isdigit() and int(given)):
        raise BadOption(f"`throttle` is a number of seconds, not `{given}`")
    return int(given)


# --- for humioctl --------------------------------------------------------------------------------------------------


def for_humioctl(ready: Ready, compiled: Compiled, options: Options) -> str:
    """Return the file that `humioctl filter-alerts install` or `humioctl scheduled-searches-v2 install` takes."""
    rule = ready.rule
    made: dict[str, Any] = {
        "name": rule.title,
        "description": description(ready),
        "queryString": headed(ready, compiled),
        "actionNames": actions(options),
        "labels": labels(rule),
        "enabled": is_enabled(options),
        "queryOwnershipType": "User" if options["run_as"] else "Organization",
    }
    if options["run_as"]:
        made["ownershipRunAsID"] = options["run_as"]
    if is_scheduled(options):
        seconds = 60 * minutes(options)
        made |= {
            "searchIntervalSeconds": seconds,
            "queryTimestampType": "IngestTimestamp",
            "schedule": cron(minutes(options)),
            "timeZone": "UTC",
            "maxWaitTimeSeconds": seconds,
        }
    else:
        silent = throttle_s(rule, options)
        made |= {"throttleTimeSeconds": silent} if silent else {}
        made |= {"throttleField": options["throttle_field"]} if options["throttle_field"] else {}
    return as_yaml(made)


def as_yaml(made: dict[str, Any]) -> str:
    """Return data as YAML in its own order, texts of several lines as blocks where YAML can."""
    import yaml

    class Blocks(yaml.SafeDumper):
        """Writes texts of several lines as blocks."""

    def block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)

    Blocks.add_representer(str, block)
    written = yaml.dump(made, Dumper=Blocks, sort_keys=False, allow_unicode=True, width=100_000)
    return str(written)
