"""A pipeline from its YAML: every slip is reported at its place, and nothing that is not understood is passed over."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

from ruleengine.modifiers import faults
from ruleengine.problem import Problem, Report, problem
from ruleengine.sigma import condition, yaml
from ruleengine.sigma.pipelines import kinds
from ruleengine.sigma.pipelines.kinds import Option
from ruleengine.sigma.pipelines.model import Guard, Pipeline, Step, Test, named_in
from ruleengine.sigma.pipelines.patterns import NotAPattern, compiled
from ruleengine.sigma.yaml import Mapping, Sequence
from ruleengine.span import Source, Span
from ruleengine.suggest import meant

MAX_NESTING = 20
NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class _Fault(Exception):
    """Why an option cannot be taken: where, a sentence, and a hint."""

    def __init__(self, span: Span, message: str, hint: str = "") -> None:
        self.span, self.message, self.hint = span, message, hint


def read(source: Source, report: Report) -> Pipeline | None:
    """Return the pipeline of a YAML file; None after reporting everything that is wrong with it."""
    found: list[Problem] = []
    documents = yaml.read(source, found.append)
    pipeline = None
    if len(documents) == 1 and isinstance(documents[0].root, Mapping):
        pipeline = _pipeline(documents[0].root, found.append)
    elif not found:
        hint = "begin with `transformations:`"
        found.append(problem("RE910", source.path, "a pipeline file is one mapping with `transformations`", hint))
    for each in found:
        report(each)
    return None if any(each.severity == "error" for each in found) else pipeline


def _pipeline(root: Mapping, report: Report) -> Pipeline:
    for key in root:
        if key not in kinds.KEYS:
            report(problem("RE910", root.key_span(key), f"a pipeline has no `{key}`", meant(key, kinds.KEYS)))
    if not {"transformations", "postprocessing", "finalizers"} & root.keys():
        report(problem("RE910", root.span, "the pipeline has no `transformations`"))
    priority = root.get("priority", 0)
    if not isinstance(priority, int) or isinstance(priority, bool):
        report(problem("RE910", root.value_span("priority"), "`priority` is a whole number"))
        priority = 0
    _query_text(root, report)
    return Pipeline(
        name=PurePosixPath(root.source.path.replace("\\", "/")).stem,
        steps=tuple(_steps(root, "transformations", report)),
        title=str(root.get("name") or ""),
        priority=priority,
        variables=_variables(root, report),
        allowed=_texts(root, "allowed_backends", report),
        span=root.span,
    )


def _variables(root: Mapping, report: Report) -> dict[str, tuple[str, ...]]:
    given = root.get("vars")
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        report(problem("RE910", root.value_span("vars"), "`vars` is a mapping of names to values"))
        return {}
    out = {}
    for name, value in given.items():
        values = value if isinstance(value, Sequence) else [value]
        if all(isinstance(each, str | int | Decimal) and not isinstance(each, bool) for each in values):
            out[name] = tuple(str(each) for each in values)
        else:
            report(problem("RE910", given.value_span(name), f"`{name}` is a text or a number, or a list of them"))
    return out


def _texts(root: Mapping, key: str, report: Report) -> tuple[str, ...]:
    value = root.get(key)
    entries = value if isinstance(value, Sequence) else [] if value is None else [value]
    if all(isinstance(entry, str) for entry in entries):
        return tuple(entries)
    report(problem("RE910", root.value_span(key), f"`{key}` is {kinds.SHAPES['texts']}"))
    return ()


def _query_text(root: Mapping, report: Report) -> None:
    """Report what the pipeline would do to the text of queries: a pass over rules does not do it."""
    for key, around in (("postprocessing", kinds.AROUND), ("finalizers", kinds.FINALIZERS)):
        for kind, span in _kinds(root, key, report):
            if kind in around:
                hint = "say where to search with `add_condition`" if key == "postprocessing" else ""
                report(problem("RE912", span, f"`{kind}` of `{key}` puts text around queries; it is left out", hint))
            else:
                report(problem("RE911", span, f"`{kind}` of `{key}` changes the text of queries, not the rule"))


def _kinds(root: Mapping, key: str, report: Report) -> Iterator[tuple[str, Span]]:
    given = root.get(key)
    if given is None:
        return
    for index, entry in enumerate(given if isinstance(given, Sequence) else ()):
        if isinstance(entry, Mapping) and isinstance(entry.get("type"), str):
            yield entry["type"], entry.value_span("type")
        else:
            report(problem("RE910", given.item_span(index), f"an entry of `{key}` is a mapping with a `type`"))
    if not isinstance(given, Sequence):
        report(problem("RE910", root.value_span(key), f"`{key}` is a list"))


# --- steps ---------------------------------------------------------------------------------------------------------


def _steps(parent: Mapping, key: str, report: Report, depth: int = 0) -> Iterator[Step]:
    given = parent.get(key)
    if given is None:
        return
    if not isinstance(given, Sequence) or depth > MAX_NESTING:
        sentence = f"`{key}` is a list" if depth <= MAX_NESTING else f"steps nest more than {MAX_NESTING} levels deep"
        report(problem("RE910", parent.value_span(key), sentence))
        return
    for index, entry in enumerate(given):
        if not isinstance(entry, Mapping):
            report(problem("RE910", given.item_span(index), "a step is a mapping with a `type`"))
        elif (step := _step(entry, report, depth)) is not None:
            yield step


def _step(given: Mapping, report: Report, depth: int) -> Step | None:
    kind = given.get("type")
    if not isinstance(kind, str):
        report(problem("RE910", given.span, "the step has no `type`", "add `type: field_name_mapping`, for example"))
        return None
    if kind in kinds.REFUSED:
        why, hint = kinds.REFUSED[kind]
        report(problem("RE911", given.value_span("type"), f"`{kind}` is not carried out: {why}", hint))
        return None
    if kind not in kinds.STEPS:
        hint = meant(kind, kinds.STEPS)
        report(problem("RE910", given.value_span("type"), f"there is no step `{kind}`", hint))
        return None
    guards = {name: _guard(given, name, report) for name in kinds.GUARDS}
    keys = {key for *names, _ in kinds.GUARDS.values() for key in names}
    options = _options(kind, given, kinds.STEPS[kind], {"type", "id", *keys}, report)
    if options is None:
        return None
    id = given.get("id")
    inner = tuple(_steps(given, "items", report, depth + 1)) if kind == "nest" else ()
    options = {name: value for name, value in options.items() if kind != "nest"}
    return Step(kind, options, "" if id is None else str(id), **guards, steps=inner, span=given.span)


def _options(
    kind: str, given: Mapping, table: dict[str, Option], aside: set[str], report: Report
) -> dict[str, Any] | None:
    """Return the options of a step or a test, defaults put in; None after reporting what is wrong with them."""
    found = [
        problem("RE910", given.key_span(key), f"`{kind}` has no option `{key}`", meant(key, table))
        for key in given
        if key not in table and key not in aside
    ]
    out: dict[str, Any] = {}
    for name, option in table.items():
        if name not in given:
            if option.needed:
                found.append(problem("RE910", given.span, f"`{kind}` needs `{name}`"))
            out[name] = option.default
            continue
        if given[name] is None and not option.needed:
            out[name] = option.default
            continue
        try:
            out[name] = _value(given, name, option.shape)
        except _Fault as fault:
            found.append(problem("RE910", fault.span, fault.message, fault.hint))
            continue
        choice = kinds.CHOICES.get((kind, name))
        if choice and out[name] not in choice:
            listed = ", ".join(choice)
            found.append(problem("RE910", given.value_span(name), f"`{name}` is one of {listed}"))
    found += _whole(kind, out, given) if not found else []
    for each in found:
        report(each)
    return None if found else out


def _whole(kind: str, options: dict[str, Any], given: Mapping) -> Iterator[Problem]:
    """Yield what is wrong with options that are each right by themselves."""
    if options.get("include") is not None and options.get("exclude") is not None:
        yield problem("RE910", given.key_span("exclude"), "`include` and `exclude` do not stand together")
    if kind in ("change_logsource", "logsource") and not any(options.values()):
        yield problem("RE910", given.span, f"`{kind}` says nothing", "add `category`, `product` or `service`")
    if options.get("mode") == "re" or kind == "extract_fields":
        for pattern in options["fields"] if kind != "extract_fields" else (options["regex"],):
            try:
                groups = compiled(pattern).groupindex
            except NotAPattern as error:
                yield problem("RE910", given.value_span("fields"), f"`{pattern}` is not understood: {error.reason}")
                return
            if kind == "extract_fields" and not groups:
                hint = "as `(?P<type>[A-Z]+)`"
                yield problem("RE910", given.value_span("regex"), "the pattern has no group with a name", hint)
    if kind == "set_value" and options["force_type"] is not None:
        value = options["value"]
        if not isinstance(value, str | int | Decimal) or isinstance(value, bool):
            yield problem("RE910", given.value_span("value"), "`force_type` is for texts and numbers")
    if kind == "add_condition":
        yield from _conditions(given["conditions"])


def _conditions(given: Mapping) -> Iterator[Problem]:
    """Yield what is wrong with the items that a step adds."""
    if not given:
        yield problem("RE910", given.span, "no condition is added")
    for key in given:
        name, *chain = key.split("|")
        for fault in faults(None if _is_null(given, key) or not name else name, tuple(chain)):
            yield problem("RE910", given.key_span(key), fault.message, fault.hint)


def _value(given: Mapping, name: str, shape: str) -> Any:
    """Return the value of an option; _Fault when it is not of its shape."""
    value, span = given[name], given.value_span(name)
    match shape, value:
        case ("text", str()) | ("flag", bool()) | ("any", _):
            return value
        case "text", int() if not isinstance(value, bool):
            return span.text
        case "value", None | str() | int() | Decimal():
            return value
        case "texts", str():
            return (value,)
        case "texts", Sequence() if all(isinstance(each, str) for each in value):
            return tuple(value)
        case "regex", str():
            try:
                compiled(value)
            except NotAPattern as error:
                hint = "patterns of pipelines are read by RE2, which has no lookaround and no backreferences"
                raise _Fault(span, f"the pattern is not understood: {error.reason}", hint) from None
            return value
        case (("names" | "values"), Mapping()):
            return dict(_entries(value, shape))
    raise _Fault(span, f"`{name}` is {kinds.SHAPES[shape]}")


def _entries(given: Mapping, shape: str) -> Iterator[tuple[str | None, Any]]:
    """Yield the entries of a mapping of names or fields; the key null is None."""
    kind = str if shape == "names" else (str, int, Decimal, type(None))
    for key, value in given.items():
        values = value if isinstance(value, Sequence) else [value]
        if not all(isinstance(each, kind) for each in values) or not values:
            what = "a text, or a list of texts" if shape == "names" else "a value, or a list of values"
            raise _Fault(given.value_span(key), f"`{key}` becomes {what}")
        yield None if _is_null(given, key) else key, tuple(values) if isinstance(value, Sequence) else value


def _is_null(given: Mapping, key: str) -> bool:
    """Say whether a key is YAML's null, which means keywords."""
    return key in NULLS and given.key_span(key).text.strip() in NULLS


# --- guards --------------------------------------------------------------------------------------------------------


def _guard(step: Mapping, sort: str, report: Report) -> Guard:
    tests_key, link_key, not_key, expression_key, table = kinds.GUARDS[sort]
    given = step.get(tests_key)
    tests: dict[str, Test] = {}
    pairs: list[tuple[str, Any, Span]] = []
    if isinstance(given, Mapping):
        pairs = [(name, given[name], given.value_span(name)) for name in given]
    elif isinstance(given, Sequence):
        pairs = [(str(number), entry, given.item_span(number - 1)) for number, entry in enumerate(given, 1)]
    elif given is not None:
        report(problem("RE910", step.value_span(tests_key), f"`{tests_key}` is a list, or a mapping of names"))
    for name, entry, span in pairs:
        test = _test(entry, span, table, report)
        if test is not None:
            tests[name] = test
    link = step.get(link_key, "and")
    if link not in ("and", "or"):
        report(problem("RE910", step.value_span(link_key), f"`{link_key}` is `and` or `or`"))
    negated = step.get(not_key, False)
    if not isinstance(negated, bool):
        report(problem("RE910", step.value_span(not_key), f"`{not_key}` is true or false"))
    expression = None
    if expression_key in step:
        expression = _expression(step, sort, {name for name, *_ in pairs}, report)
    return Guard(tests, expression, link == "or", negated is True)


def _test(given: Any, span: Span, table: dict[str, dict[str, Option]], report: Report) -> Test | None:
    kind = given.get("type") if isinstance(given, Mapping) else None
    if not isinstance(given, Mapping) or not isinstance(kind, str):
        report(problem("RE910", span, "a condition of a step is a mapping with a `type`"))
        return None
    if kind not in table:
        report(problem("RE910", given.value_span("type"), f"there is no condition `{kind}` here", meant(kind, table)))
        return None
    options = _options(kind, given, table[kind], {"type"}, report)
    return Test(kind, options, span) if options is not None else None


def _expression(step: Mapping, sort: str, names: set[str], report: Report) -> Any:
    tests_key, link_key, _, key, _ = kinds.GUARDS[sort]
    written, span = step[key], step.value_span(key)
    if link_key in step or not isinstance(step.get(tests_key), Mapping):
        sentence = f"`{key}` links the names of `{tests_key}`, which is a mapping then, and there is no `{link_key}`"
        report(problem("RE910", span, sentence))
        return None
    try:
        parsed = condition.parse(str(written), span)
    except condition.ConditionError as error:
        report(problem("RE910", span, error.message, error.hint))
        return None
    linked = set(named_in(parsed))
    for name in sorted(linked ^ names):
        sentence = f"there is no condition `{name}`" if name in linked else f"`{key}` does not name `{name}`"
        report(problem("RE910", span, sentence, meant(name, names) if name in linked else ""))
    return parsed
