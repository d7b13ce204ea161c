"""From a YAML document to a rule of the IR: detections, correlations and filters."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Documents
from typing import Any

from ruleengine.ir import Body, LogSource, Rule
from ruleengine.problem import Report, problem
from ruleengine.sigma.correlation import correlation, filter_body
from ruleengine.sigma.detection import single
from ruleengine.sigma.yaml import Document, Mapping, Sequence

BODIES = ("detection", "correlation", "filter")
OWN = {"title", "id", "name", "level", "status", "tags", "logsource", *BODIES}


def rules(documents: Documents[Document], report: Report) -> Iterator[Rule]:
    """Yield the rules of the documents of a file; whatever cannot be built is reported, and the rest goes on."""
    for document in _plain(documents, report):
        rule = build(document, report)
        if rule is not None:
            yield rule


def build(document: Document, report: Report) -> Rule | None:
    """Return the rule of one document; None after reporting why it is none."""
    root = document.root
    if root is None:
        return None
    if not isinstance(root, Mapping):
        report(problem("RE220", document.span, "a Sigma rule is a mapping with `title`, `logsource` and `detection`"))
        return None
    kinds = [key for key in BODIES if key in root]
    if len(kinds) != 1:
        if not kinds:
            sentence = "this is not a Sigma rule: it has no `detection`, `correlation` or `filter`"
            report(problem("RE220", root.span if len(root) < 2 else root.key_span(next(iter(root))), sentence))
        else:
            report(problem("RE220", root.key_span(kinds[1]), f"a document has `{kinds[0]}` or `{kinds[1]}`, not both"))
        return None
    body = _body(kinds[0], root, report)
    logs = _log_source(root, report)
    if body is None or logs is None:
        return None
    return Rule(
        title=_text(root, "title") or source_stem(root),
        logs=logs,
        body=body,
        id=_text(root, "id"),
        name=_text(root, "name"),
        level=_text(root, "level"),
        status=_text(root, "status"),
        tags=tuple(tag for tag in _list(root, "tags") if isinstance(tag, str)),
        meta=tuple((key, value) for key, value in root.items() if key not in OWN),
        span=document.span,
        document=root,
    )


def _body(kind: str, root: Mapping, report: Report) -> Body | None:
    given = root[kind]
    if not isinstance(given, Mapping):
        report(problem("RE223", root.value_span(kind), f"`{kind}` is a mapping"))
        return None
    if kind == "detection":
        return single(given, report)
    return correlation(given, root, report) if kind == "correlation" else filter_body(given, report)


def _log_source(root: Mapping, report: Report) -> LogSource | None:
    """Return where the events of a rule come from; without `logsource` (an error of its own), from anywhere."""
    given = root.get("logsource")
    if "logsource" not in root:
        if "correlation" not in root:
            report(problem("RE226", root.key_span(next(iter(root))), "the rule has no `logsource`"))
        return LogSource()
    if not isinstance(given, Mapping):
        hint = "write `product: windows` and `category: process_creation` under it"
        report(problem("RE223", root.value_span("logsource"), "`logsource` is a mapping", hint))
        return None
    values: dict[str, str | None] = {}
    custom: list[tuple[str, str]] = []
    for key, value in given.items():
        if isinstance(value, Mapping | Sequence):
            report(problem("RE223", given.value_span(key), f"`{key}` of a log source is one word"))
            return None
        written = None if value is None else given.value_span(key).text if not isinstance(value, str) else value
        if key in {"category", "product", "service", "definition"}:
            values[key] = written
        elif written is not None:
            custom.append((key, written))
    return LogSource(**values, custom=tuple(custom), span=root.key_span("logsource"))


def source_stem(root: Mapping) -> str:
    """Return what to call a rule without a title: the name of its file."""
    return root.source.path.replace("\\", "/").rpartition("/")[2].rpartition(".")[0] or root.source.path


def _text(root: Mapping, key: str) -> str | None:
    value = root.get(key)
    if value is None or isinstance(value, Mapping | Sequence):
        return None
    return value if isinstance(value, str) else root.value_span(key).text


def _list(root: Mapping, key: str) -> Sequence | list[Any]:
    value = root.get(key)
    return value if isinstance(value, Sequence) else []


# --- Sigma 1's `action` --------------------------------------------------------------------------------------------


def _plain(documents: Documents[Document], report: Report) -> Iterator[Document]:
    """Yield documents with `action: global`, `repeat` and `reset` carried out, as Sigma 1 had them."""
    shared: Mapping | None = None
    previous: Mapping | None = None
    for document in documents:
        root = document.root
        action = root.get("action") if isinstance(root, Mapping) else None
        if not isinstance(root, Mapping):
            yield document
            continue
        if action in ("global", "repeat", "reset"):
            report(problem("RE227", root.key_span("action"), f"`action: {action}` is Sigma 1; write each rule out"))
            root = _merged(root, Mapping(root.source, root.start), without="action")
        elif action is not None and "detection" in root:
            where = root.value_span("action")
            report(problem("RE228", where, f"`action` is global, repeat or reset, not `{action}`"))
        if action == "global":
            shared = _merged(root, shared) if shared is not None else root
            continue
        if action == "reset":
            shared = None
            if not root:
                continue
        if action == "repeat" and previous is not None:
            root = _merged(root, previous)
        elif shared is not None:
            root = _merged(root, shared)
        previous = root
        yield Document(root, document.span)


def _merged(over: Mapping, under: Mapping, without: str = "") -> Mapping:
    """Return both mappings as one, the first winning; inner mappings are merged likewise."""
    out = Mapping(over.source, over.start)
    out.end = over.end
    for given in (under, over):
        for key, value in given.items():
            if key == without:
                continue
            below = out.get(key)
            inner = isinstance(value, Mapping) and isinstance(below, Mapping)
            out[key] = _merged(value, below) if inner and isinstance(below, Mapping) else value
            out.edges[key] = given.edges[key]
    return out
