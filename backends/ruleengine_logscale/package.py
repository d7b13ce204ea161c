"""Packages: a zip file with a manifest and templates, the same bytes for the same rules."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from ruleengine.target import BadOption, Compiled, Options, Ready
from ruleengine_logscale import lists
from ruleengine_logscale.alerts import (
    SCHEMAS,
    actions,
    as_yaml,
    cron,
    description,
    headed,
    is_enabled,
    is_scheduled,
    labels,
    minutes,
)

NAME = re.compile(r"[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9-]*\Z")
VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\Z")
MINIMUM = "1.142.0"
"""The LogScale version from which filter alerts can be in packages, as a manifest states it."""


def files(rules: Sequence[tuple[Ready, Compiled]], options: Options) -> Mapping[str, bytes]:
    """Return the package, and beside it the lookup files to upload; BadOption for an option of another form."""
    for option, form, example in (("name", NAME, "scope/package"), ("version", VERSION, "1.2.3")):
        if not form.match(options[option]):
            raise BadOption(f"`{option}` is written as `{example}`, not `{options[option]}`")
    entries = {"manifest.yaml": as_yaml(_manifest(options))}
    folder, template = (
        ("scheduled-searches", _scheduled_search) if is_scheduled(options) else ("filter-alerts", _filter_alert)
    )
    names: set[str] = set()
    titles: set[str] = set()
    for ready, compiled in rules:
        if not compiled.text:
            continue
        name, title = _unused(_slug(ready), names), _unused(ready.rule.title, titles)
        entries[f"{folder}/{name}.yaml"] = as_yaml(template(ready, compiled, options) | {"name": title})
        entries[f"queries/{name}.yaml"] = as_yaml(_saved_query(ready, compiled) | {"name": title})
    package = f"{options['name'].replace('/', '--')}--{options['version']}.zip"
    lookups = lists.files(ready.expr for ready, compiled in rules if compiled.text)
    return {package: _zipped(entries), **{f"lookup-files/{name}": data for name, data in lookups.items()}}


def _slug(ready: Ready) -> str:
    """Return the name of a rule's files: its file's own, or one made of its title."""
    written = ready.rule.name or ready.rule.title
    return re.sub(r"[^a-z0-9]+", "-", written.lower()).strip("-")[:80] or "rule"


def _unused(name: str, names: set[str]) -> str:
    """Return a name that was not there yet: the name, or it with a number."""
    chosen, number = name, 2
    while chosen in names:
        chosen, number = f"{name}-{number}", number + 1
    names.add(chosen)
    return chosen


def _zipped(entries: Mapping[str, str]) -> bytes:
    """Return a zip file; without dates and without compression, whose bytes differ between versions of zlib."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, text in sorted(entries.items()):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text.encode("utf-8", "backslashreplace"))
    return out.getvalue()


# --- templates -----------------------------------------------------------------------------------------------------


def _manifest(options: Options) -> dict[str, Any]:
    return {
        "$schema": f"{SCHEMAS}/manifest/v2.0.0",
        "name": options["name"],
        "version": options["version"],
        "type": "application",
        "author": {"name": options["author"]},
        "description": options["description"],
        "minHumioVersion": MINIMUM,
        "licenseUrl": options["license"],
    }


def _filter_alert(ready: Ready, compiled: Compiled, options: Options) -> dict[str, Any]:
    return {
        "$schema": f"{SCHEMAS}/filteralert/v0.1.0",
        "name": ready.rule.title,
        "description": description(ready),
        "enabled": is_enabled(options),
        "queryString": headed(ready, compiled),
        "labels": labels(ready.rule),
        "actionNameReferences": actions(options),
    }


def _scheduled_search(ready: Ready, compiled: Compiled, options: Options) -> dict[str, Any]:
    every = minutes(options)
    return {
        "$schema": f"{SCHEMAS}/scheduledsearch/v0.1.0",
        "name": ready.rule.title,
        "description": description(ready),
        "enabled": is_enabled(options),
        "queryString": headed(ready, compiled),
        "queryStart": f"{every}m",
        "queryEnd": "now",
        "schedule": cron(every),
        "timeZone": "UTC",
        "backfillLimit": 0,
        "labels": labels(ready.rule),
        "actionNameReferences": actions(options),
    }


def _saved_query(ready: Ready, compiled: Compiled) -> dict[str, Any]:
    return {
        "$schema": f"{SCHEMAS}/query/v0.4.0",
        "name": ready.rule.title,
        "queryString": headed(ready, compiled),
        "timeInterval": {"isLive": False, "start": "1d"},
        "visualization": {"type": "list-view", "options": {}},
    }
