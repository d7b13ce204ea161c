"""Our targets as backends of pySigma: a rule, after pySigma's pipelines, goes through our own compiler.

sigma-cli imports this module whenever it starts, so it imports nothing of ours until a rule is converted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from sigma.conversion.base import Backend as PySigmaBackend
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaBackendError, SigmaError, SigmaFeatureNotSupportedByBackendError
from sigma.processing.pipeline import ProcessingPipeline
from sigma.rule import SigmaRule

if TYPE_CHECKING:
    from ruleengine.ir import Rule
    from ruleengine.problem import Problem
    from ruleengine.target import Format, Target

LOG = logging.getLogger("ruleengine")
STRICT = "strict"
"""The option that refuses a query which finds more than its rule does; without it there is a warning."""

HINTS = {"RE212": "a pipeline with `value_placeholders` gives some"}
"""What helps in sigma-cli where another thing does in ours."""

Callback = Callable[[SigmaRule | SigmaCorrelationRule, str | None, int, Any, Any], Any]


@cache
def _target(module: str) -> Target:
    """Return a target by the name of its module; SigmaBackendError when it cannot be imported."""
    try:
        target: Target = import_module(module).TARGET
    except ImportError as error:
        raise SigmaBackendError(f"the package {module} cannot be imported: {error}") from None
    return target


class _Formats:
    """The output formats of a backend, as pySigma has them: name → what it is; looked up when somebody asks."""

    def __get__(self, _: object, backend: type[RuleEngineBackend]) -> dict[str, str]:
        try:
            return {name: form.about for name, form in backend.forms().items()}
        except SigmaBackendError:  # sigma-cli shows it when a rule is converted
            return {"default": "one query a rule"}


class RuleEngineBackend(PySigmaBackend):
    """A target of ours. A rule becomes one query, also when it has several conditions, of which one must hold."""

    module: ClassVar[str]
    formats = _Formats()  # pyright: ignore[reportAssignmentType]  # a dict for whoever reads it
    requires_pipeline = False

    def __init__(
        self,
        processing_pipeline: ProcessingPipeline | None = None,
        collect_errors: bool = False,
        **backend_options: Any,
    ) -> None:
        super().__init__(processing_pipeline, collect_errors, **backend_options)
        if not backend_options:
            return
        known = {STRICT, *(option for form in self.forms().values() for option in form.options)}
        for option in backend_options:
            if option not in known:  # sigma-cli shows what stands in the first quotes
                raise TypeError(f"'{option}' is no option of {self.name}; there are: {', '.join(sorted(known))}")

    @classmethod
    def target(cls) -> Target:
        """Return the target; SigmaBackendError when it cannot be imported."""
        return _target(cls.module)

    @classmethod
    def forms(cls) -> Mapping[str, Format]:
        """Return the formats that write one text a rule, by name; `default` is the first."""
        formats = [form for form in cls.target().formats if form.one is not None]
        return {"default": formats[0]} | {form.name: form for form in formats}

    def convert_rule(
        self, rule: SigmaRule, output_format: str | None = None, callback: Callback | None = None
    ) -> list[Any]:
        """Return the rule's query in a list; an empty one when it is kept back or (with `collect_errors`) refused."""
        form = output_format or self.default_format
        try:
            if rule.errors:  # there is nothing to convert: it was read with `collect_errors`
                raise rule.errors[0]
            if getattr(self, "last_processing_pipeline", None) is None:
                self.init_processing_pipeline(form)
            before = frozenset(rule.detection.detections)
            self.last_processing_pipeline.apply(rule)
            query: Any = self.query(rule, before, form)
        except SigmaError as error:
            if not self.collect_errors:
                raise
            self.errors.append((rule, error))
            return []
        if callback is not None:
            query = callback(rule, form, 0, rule.detection.parsed_condition[0], query)
        if query is None or not rule._output:  # a part of a correlation that is told only with it
            return []
        return [self.last_processing_pipeline.postprocess_query(rule, query)]

    def query(self, rule: SigmaRule, before: frozenset[str], output_format: str) -> str:
        """Return the query of a rule that has been through the pipelines; SigmaError with our reason if there is none.

        `before` are the names of the selections before the pipelines.
        """
        from ruleengine import compiling
        from ruleengine.load import Loaded
        from ruleengine.lower import lower
        from ruleengine_pysigma.taken import rule_of
        from ruleengine_pysigma.values import NotSaid

        form = self.form(output_format)
        problems: list[Problem] = []
        try:
            ours: Rule = rule_of(rule, before)
        except NotSaid as error:
            raise refused(rule, [f"{error.message} ({error.hint})" if error.hint else error.message]) from None
        expr = lower(ours, problems.append)
        ready = compiling.ready(Loaded(ours, expr), problems.append) if expr is not None else None
        if ready is None:
            raise refused(rule, told(problems))
        strict = str(self.backend_options.get(STRICT, "0")).lower() in ("1", "true", "yes")
        result = compiling.compiled(ready, self.target(), problems.append, strict=strict)
        if not result.kept:
            raise refused(rule, told(problems))
        for sentence in told(problems):
            LOG.warning("%s: %s", rule.title, sentence)
        assert form.one is not None
        return form.one(ready, result.compiled, self.options_of(form)).removesuffix("\n")

    def form(self, name: str) -> Format:
        """Return an output format by its name; SigmaBackendError when there is none of that name."""
        forms = self.forms()
        if name not in forms:
            raise SigmaBackendError(f"there is no output format '{name}'; there are: {', '.join(forms)}")
        return forms[name]

    def options_of(self, form: Format) -> dict[str, str]:
        """Return the options of a format, with what was set."""
        given = self.backend_options
        return {name: str(given.get(name, default)) for name, (default, _) in form.options.items()}

    def convert_correlation_rule(
        self,
        rule: SigmaCorrelationRule,
        output_format: str | None = None,  # noqa: ARG002  # pySigma's signature
        method: str | None = None,  # noqa: ARG002  # the same
        callback: Callback | None = None,  # noqa: ARG002  # the same
    ) -> list[Any]:
        """Refuse a rule over time."""
        error = refused(rule, ["a rule over time is not compiled yet: a later version will"])
        if not self.collect_errors:
            raise error
        self.errors.append((rule, error))  # type: ignore[arg-type]  # pySigma itself puts correlations here
        return []

    def finalize(self, queries: list[Any], output_format: str) -> Any:
        """Return all queries after the pipelines' finalizers."""
        self.form(output_format)
        return self.last_processing_pipeline.finalize(queries)

    def _whole(self, *_: Any, **__: Any) -> Any:
        raise SigmaBackendError("a rule is converted as a whole, not piece by piece")

    # pySigma's hooks for the pieces of a condition, which it wants to be there.
    convert_condition_and = convert_condition_or = _whole
    convert_condition_not = convert_condition_as_in_expression = _whole
    convert_condition_field_eq_val_str = convert_condition_field_eq_val_str_case_sensitive = _whole
    convert_condition_field_eq_val_num = convert_condition_field_eq_val_bool = _whole
    convert_condition_field_eq_val_re = convert_condition_field_eq_val_cidr = _whole
    convert_condition_field_eq_val_timestamp_part = convert_condition_field_eq_val_null = _whole
    convert_condition_field_eq_field = convert_condition_field_eq_query_expr = _whole
    convert_condition_field_compare_op_val = convert_condition_field_exists = _whole
    convert_condition_field_not_exists = convert_condition_val_str = _whole
    convert_condition_val_num = convert_condition_val_re = _whole
    convert_condition_query_expr = _whole
    convert_correlation_event_count_rule = convert_correlation_value_count_rule = _whole
    convert_correlation_value_sum_rule = convert_correlation_value_avg_rule = _whole
    convert_correlation_value_percentile_rule = convert_correlation_value_median_rule = _whole
    convert_correlation_temporal_rule = convert_correlation_temporal_ordered_rule = _whole
    convert_correlation_extended_temporal_rule = convert_correlation_extended_temporal_ordered_rule = _whole


# Versions of pySigma to come may have more such hooks.
RuleEngineBackend.__abstractmethods__ = frozenset()


def told(problems: list[Problem]) -> list[str]:
    """Return problems as sentences, each once, with what helps in sigma-cli."""
    hints = [HINTS.get(each.code, each.hint) for each in problems]
    said = (f"{each.message} ({hint})" if hint else each.message for each, hint in zip(problems, hints, strict=True))
    return list(dict.fromkeys(said))


def refused(rule: SigmaRule | SigmaCorrelationRule, sentences: list[str]) -> SigmaError:
    """Return the error of a rule that has no query, with our reasons."""
    said = "; ".join(sentences)
    return SigmaFeatureNotSupportedByBackendError(f"the rule '{rule.title}' has no query: {said}", source=rule.source)


class RuleEngineSplunk(RuleEngineBackend):
    """Splunk SPL, through our compiler."""

    name = "Splunk SPL (ruleengine)"
    identifier = "ruleengine_splunk"
    module = "ruleengine_splunk"


class RuleEngineLogScale(RuleEngineBackend):
    """LogScale CQL, through our compiler."""

    name = "CrowdStrike LogScale (ruleengine)"
    identifier = "ruleengine_logscale"
    module = "ruleengine_logscale"
