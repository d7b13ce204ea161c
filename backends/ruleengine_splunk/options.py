"""What may be set for saved searches and apps, and how it is read: schedules, time ranges, throttling, risk."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ruleengine.target import BadOption, Options

SAVED: dict[str, tuple[str, str]] = {
    "cron": ("*/15 * * * *", "when the searches run, in cron's five fields"),
    "lag": ("5", "minutes that events may take to arrive; the time range ends so long before the search runs"),
    "earliest": ("", "the start of the time range, as `-20m@m`; worked out of `cron` and `lag` if it is not set"),
    "latest": ("", "the end of the time range, as `-5m@m`; worked out of `lag` if it is not set"),
    "throttle": ("", "how long a search stays silent after an alert, as `1h`; empty: it does not"),
    "throttle_fields": ("", "fields with commas: alerts are kept apart by their values, as `host,user`"),
    "notable": ("yes", "whether each alert becomes a notable event of Enterprise Security: yes or no"),
    "risk": ("level", "the risk score: a number, `level` for one that goes by the rule's level, or `no`"),
    "risk_objects": ("dest:system,user:user", "fields that a risk is about, with their kinds"),
    "enabled": ("yes", "whether the searches run from the start: yes or no; those of deprecated rules never do"),
}
"""Option → its default, and what it is."""

APP: dict[str, tuple[str, str]] = {
    **SAVED,
    "app": ("DA-ESS-ruleengine", "the name of the app's folder and its id"),
    "label": ("Detections", "what people see as the name of the app"),
    "author": ("ruleengine", "who the app says it is from"),
    "version": ("1.0.0", "the version of the app"),
}

SPAN = re.compile(r"[1-9][0-9]*(s|m|h|d)")
TIME = re.compile(r"(?:[-+](?:[0-9]+[a-z]+)?(?:@[a-z0-9]+)?|@[a-z0-9]+|now|[0-9]{1,12})+")
CRON_FIELD = re.compile(
    r"(?:\*|[0-9]{1,2}(?:-[0-9]{1,2})?)(?:/[0-9]{1,2})?(?:,(?:[0-9]{1,2}(?:-[0-9]{1,2})?)(?:/[0-9]{1,2})?)*"
)
FIELD_LIST = re.compile(r"[^\s,\"](?:[^,\"\r\n]*[^\s,\"])?(?:,[^\s,\"](?:[^,\"\r\n]*[^\s,\"])?)*")
RISK_LIST = re.compile(r"[^\s,:]+:(?:system|user|other)(?:,[^\s,:]+:(?:system|user|other))*")


@dataclass(frozen=True, slots=True)
class Schedule:
    """When searches run, over which time range, and how alerts are held back."""

    cron: str
    earliest: str
    latest: str
    throttle: str
    throttle_fields: str


def schedule(options: Options) -> Schedule:
    """Return the schedule that the options set; BadOption says what cannot be used."""
    cron = " ".join(options["cron"].split())
    fields = cron.split(" ")
    _check("cron", cron, "five fields, as `*/15 * * * *`", len(fields) == 5 and all(map(CRON_FIELD.fullmatch, fields)))
    lag = options["lag"]
    _check("lag", lag, "a number of minutes", bool(re.fullmatch(r"[0-9]{1,5}", lag)))
    latest = options["latest"] or (f"-{lag}m@m" if int(lag) else "@m")
    earliest = options["earliest"]
    if not earliest:
        period = minutes_between(fields)
        if period is None:
            raise BadOption(f"`-O cron={cron}` says no fixed time between runs: set `-O earliest=-1h@m`, too")
        if options["latest"]:
            raise BadOption("`-O latest` stands without `-O earliest`: set both, or `-O lag` alone")
        earliest = f"-{period + int(lag)}m@m"
    for name, value in (("earliest", earliest), ("latest", latest)):
        _check(name, value, "a time as `-20m@m`", bool(TIME.fullmatch(value)))
    throttle = options["throttle"]
    fields_apart = ",".join(each.strip() for each in options["throttle_fields"].split(","))
    _check("throttle", throttle, "a time as `1h`", not throttle or bool(SPAN.fullmatch(throttle)))
    _check(
        "throttle_fields",
        fields_apart,
        "fields with commas",
        not fields_apart or bool(FIELD_LIST.fullmatch(fields_apart)),
    )
    return Schedule(cron, earliest, latest, throttle, fields_apart)


def _check(name: str, value: str, wanted: str, good: bool) -> None:
    if not good:
        raise BadOption(f"`-O {name}={value}` cannot be used: it must be {wanted}")


def minutes_between(fields: list[str]) -> int | None:
    """Return the minutes between two runs of a cron schedule; None where they vary."""
    minute, hour, *days = fields
    if days != ["*"] * 3:
        return None
    match _step(minute, 60), _step(hour, 24):
        case int(step), 1:
            return step
        case None, int(step) if minute.isdecimal():
            return 60 * step
        case None, None if minute.isdecimal() and hour.isdecimal():
            return 24 * 60
        case _:
            return None


def _step(field: str, whole: int) -> int | None:
    """Return how far apart the values of a field are, if that divides the hour or the day; None for one value."""
    if field == "*":
        return 1
    found = re.fullmatch(r"\*/([0-9]+)", field)
    step = int(found[1]) if found else 0
    return step if step and whole % step == 0 else None


def flag(options: Options, name: str) -> bool:
    """Return whether an option is set to yes."""
    value = options[name]
    _check(name, value, "yes or no", value in ("yes", "no"))
    return value == "yes"


SCORES = {"informational": 10, "low": 20, "medium": 40, "high": 60, "critical": 80}
"""Risk scores by level; Enterprise Security's own go from 1 to 100."""


def risk_score(options: Options, level: str) -> int | None:
    """Return the risk score of a rule of a level; None for no risk."""
    given = options["risk"]
    _check("risk", given, "a number up to 100, `level` or `no`", bool(re.fullmatch("level|no|[0-9]{1,2}|100", given)))
    return None if given == "no" else SCORES[level] if given == "level" else int(given)


def risk_objects(options: Options) -> list[tuple[str, str]]:
    """Return the fields that a risk is about, each with its kind."""
    given = options["risk_objects"]
    _check("risk_objects", given, "fields with kinds, as `dest:system,user:user`", bool(RISK_LIST.fullmatch(given)))
    return [(field, kind) for field, _, kind in (each.partition(":") for each in given.split(","))]
