"""The pipelines that come with ruleengine, as YAML files."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from ruleengine.problem import Report, problem
from ruleengine.sigma.pipelines.model import Pipeline
from ruleengine.sigma.pipelines.read import read
from ruleengine.span import Source
from ruleengine.suggest import meant

FOLDER = files("ruleengine") / "sigma" / "pipelines" / "data"


def shipped() -> tuple[str, ...]:
    """Return the names of the pipelines that come with ruleengine, sorted."""
    return tuple(sorted(_names()))


def _names() -> Iterator[str]:
    return (entry.name.removesuffix(".yml") for entry in FOLDER.iterdir() if entry.name.endswith(".yml"))


def from_shipped(name: str, report: Report) -> Pipeline | None:
    """Return a pipeline that comes with ruleengine; None after reporting that there is none of this name."""
    if name not in shipped():
        report(problem("RE913", name, f"no pipeline `{name}` comes with ruleengine", meant(name, shipped())))
        return None
    return read(Source(f"{name}.yml", (FOLDER / f"{name}.yml").read_text("utf-8")), report)
