"""The forms that queries are written in: the query, an alert for `humioctl`, and a package to be installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ruleengine.target import Compiled, Format, Options, Ready


def _query(ready: Ready, compiled: Compiled, _options: Options) -> str:
    from ruleengine_logscale.alerts import headed

    return headed(ready, compiled) + "\n"


def _alert(ready: Ready, compiled: Compiled, options: Options) -> str:
    from ruleengine_logscale.alerts import for_humioctl

    return for_humioctl(ready, compiled, options)


def _package(rules: Sequence[tuple[Ready, Compiled]], options: Options) -> Mapping[str, bytes]:
    from ruleengine_logscale.package import files

    return files(rules, options)


ALERT = {
    "actions": ("", "the names of the actions to take, with commas between them"),
    "enabled": ("true", "whether the alert is on: true or false"),
    "kind": ("filter", "filter: an alert for each event as it arrives; scheduled: a search every few minutes"),
    "interval": ("15", "how many minutes apart scheduled searches are: a divisor of 60"),
    "throttle": ("", "how many seconds an alert is silent after it fired; the rule's own `suppress` if empty"),
    "throttle_field": ("", "the field by whose values it is silent; for filter alerts"),
    "run_as": ("", "the id of the user as whom the query runs; the organization if empty"),
}

PACKAGE = {
    "name": ("ruleengine/rules", "the package's scope and name"),
    "version": ("1.0.0", "the package's version, as 1.2.3"),
    "author": ("ruleengine", "the name of the package's author"),
    "description": ("Detection rules", "what the package is, in a sentence"),
    "license": ("https://www.apache.org/licenses/LICENSE-2.0", "the address of the licence of the rules"),
    **{name: ALERT[name] for name in ("actions", "enabled", "kind", "interval")},
}

FORMATS = (
    Format("query", "the query alone, one file a rule", ".cql", one=_query),
    Format(
        "alert",
        "a filter alert or scheduled search for humioctl, one YAML file a rule",
        ".yaml",
        one=_alert,
        options=ALERT,
    ),
    Format(
        "package",
        "one package of alerts and saved queries, as a zip file to be installed",
        many=_package,
        options=PACKAGE,
    ),
)
