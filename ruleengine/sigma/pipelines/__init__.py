"""Processing pipelines in pySigma's format, as passes over rules: fields, log sources, values, added conditions."""

from __future__ import annotations

from ruleengine.sigma.pipelines.model import Pipeline, allows, digest, in_order
from ruleengine.sigma.pipelines.packages import from_installed, installed
from ruleengine.sigma.pipelines.passes import apply, is_added, misses
from ruleengine.sigma.pipelines.read import read
from ruleengine.sigma.pipelines.shipped import from_shipped, shipped

__all__ = [
    "Pipeline",
    "allows",
    "apply",
    "digest",
    "from_installed",
    "from_shipped",
    "in_order",
    "installed",
    "is_added",
    "misses",
    "read",
    "shipped",
]
