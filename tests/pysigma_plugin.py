"""What our plug-in for pySigma takes a rule for: the identity of its meaning, or the sentence that refuses it.

Also a program, for an environment with another pySigma: given `tests/cases/pysigma/taken.yml`, it prints for each case
a line with what `answer` returns, as JSON.
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

import yaml
from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaError
from sigma.processing.pipeline import ProcessingPipeline
from sigma.rule import SigmaRule

from ruleengine.ir import Named
from ruleengine.target import Compiled, Format, Options, Ready, Target, parted
from sigma.backends.ruleengine.plugin import RuleEngineBackend, RuleEngineLogScale, RuleEngineSplunk

LOGS = {"product": "windows", "category": "process_creation"}


def compiled(ready: Ready) -> Compiled:
    """The query of this target is the identity of the meaning that it was given."""
    return Compiled(ready.digest)


def where(ready: Ready, _made: Compiled, options: Options) -> str:
    """The selections that say where the events are, as a target finds them."""
    names = (node.name for node in parted(ready.expr)[0] if isinstance(node, Named))
    return options["before"] + " ".join(names)


TARGET = Target(
    name="identity",
    title="the identity of a meaning",
    version="1",
    contract=None,
    compile=compiled,
    capabilities=(),
    formats=(
        Format("query", "the digest", one=lambda _ready, made, _options: made.text + "\n"),
        Format("where", "what pipelines say of where the events are", one=where, options={"before": ("", "text")}),
    ),
)


class Identity(RuleEngineBackend):
    """The plug-in with that target."""

    name = "identity"
    identifier = "identity"
    module = "tests.pysigma_plugin"


def document(detection: dict[str, Any], logs: dict[str, str] | None = None) -> dict[str, Any]:
    """Return a Sigma document of a detection; the condition is its first selection unless it says otherwise."""
    condition = next(iter(detection))
    return {"title": "Case", "logsource": logs or LOGS, "detection": {"condition": condition, **detection}}


def answer(case: dict[str, Any]) -> dict[str, str]:
    """Return the digest of a case's rule behind its pipeline and its queries in our targets, or the error."""
    try:
        digest = converted(Identity, case)
    except SigmaError as error:
        return {"error": str(error)}
    targets = {"splunk": RuleEngineSplunk, "logscale": RuleEngineLogScale}
    return {"digest": digest} | {name: shown(backend, case) for name, backend in targets.items()}


def shown(backend: type[RuleEngineBackend], case: dict[str, Any]) -> str:
    """Return the query of a case, or why the target refuses it."""
    try:
        return converted(backend, case)
    except SigmaError as error:
        return str(error)


def converted(backend: type[RuleEngineBackend], case: dict[str, Any]) -> str:
    steps = case.get("pipeline", [])
    pipeline = ProcessingPipeline.from_dict({"transformations": copy.deepcopy(steps), "vars": case.get("vars", {})})
    collection = SigmaCollection.from_dicts([document(case["rule"]), *case.get("filters", [])])
    assert isinstance(collection.rules[0], SigmaRule)
    (query,) = backend(pipeline).convert(collection)
    assert isinstance(query, str)
    return query


if __name__ == "__main__":
    for case in yaml.safe_load(Path(sys.argv[1]).read_text("utf-8")):
        print(json.dumps(answer(case)))
