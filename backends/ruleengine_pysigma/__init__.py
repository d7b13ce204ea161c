"""pySigma's own backends as targets: whichever is installed, for rules of either language.

A rule is written as a Sigma document, and pySigma's backend makes its queries of it. They mean what that backend makes
of the rule: nothing here is proved, and what is known to go wrong is told.
"""

from __future__ import annotations

from ruleengine_pysigma.convert import NOTE, compile_with, usable
from ruleengine_pysigma.found import formats, installed, pipeline_names
from ruleengine_pysigma.target import NotThere, target_of

__all__ = ["NOTE", "NotThere", "compile_with", "formats", "installed", "pipeline_names", "target_of", "usable"]
