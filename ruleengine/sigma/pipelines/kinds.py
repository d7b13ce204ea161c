"""The kinds of steps and conditions that pipelines have, with their options: pySigma 1.5's, as tables.

Names, options and defaults are those of `sigma.processing.transformations` and `sigma.processing.conditions`.
"""

from __future__ import annotations

from typing import NamedTuple


class Option(NamedTuple):
    """One option: the shape of its value, and what it is when it is not given."""

    shape: str
    default: object = None
    needed: bool = False


SHAPES = {
    "text": "a text",
    "texts": "a text, or a list of texts",
    "flag": "true or false",
    "names": "a mapping of names to a name or a list of names",
    "values": "a mapping of fields to a value or a list of values",
    "value": "a text, a number, true, false or null",
    "regex": "a regular expression",
    "regexes": "a text, or a list of texts",
    "any": "a value",
}
"""What the value of an option is; `names` and `values` may have the key null for keywords."""


def _needed(shape: str) -> Option:
    return Option(shape, needed=True)


PLACEHOLDERS = {"include": Option("texts"), "exclude": Option("texts")}
NAMES = {"mapping": _needed("names")}
MATCHES = {"cond": _needed("text")}
STATE = {"key": _needed("text"), "val": _needed("value"), "op": Option("text", "eq")}
APPLIED = {"processing_item_id": _needed("text")}
FIELDS = {"fields": _needed("texts"), "mode": Option("text", "plain")}

STEPS: dict[str, dict[str, Option]] = {
    "field_name_mapping": NAMES,
    "field_name_prefix_mapping": NAMES,
    "field_name_suffix": {"suffix": _needed("text")},
    "field_name_prefix": {"prefix": _needed("text")},
    "add_field": {"field": _needed("texts")},
    "remove_field": {"field": _needed("texts")},
    "set_field": {"fields": _needed("texts")},
    "drop_detection_item": {},
    "hashes_fields": {
        "valid_hash_algos": _needed("texts"),
        "field_prefix": Option("text", ""),
        "drop_algo_prefix": Option("flag", default=False),
        "field_to_parse": Option("texts", ("Hashes", "Hash")),
    },
    "extract_fields": {
        "regex": _needed("regex"),
        "field_prefix": Option("text"),
        "preserve_unmatched": Option("flag", default=False),
    },
    "wildcard_placeholders": PLACEHOLDERS,
    "value_placeholders": PLACEHOLDERS,
    "add_condition": {
        "conditions": _needed("values"),
        "name": Option("text"),
        "template": Option("flag", default=False),
        "negated": Option("flag", default=False),
    },
    "change_logsource": {"category": Option("text"), "product": Option("text"), "service": Option("text")},
    "replace_string": {
        "regex": _needed("regex"),
        "replacement": _needed("text"),
        "skip_special": Option("flag", default=False),
        "interpret_special": Option("flag", default=False),
    },
    "map_string": NAMES,
    "regex": {"method": Option("text", "ignore_case_brackets")},
    "set_value": {"value": _needed("value"), "force_type": Option("text")},
    "convert_type": {"target_type": _needed("text")},
    "case": {"method": Option("text", "lower")},
    "set_state": {"key": _needed("text"), "val": _needed("any")},
    "set_custom_attribute": {"attribute": _needed("text"), "value": _needed("any")},
    "rule_failure": {"message": _needed("text")},
    "detection_item_failure": {"message": _needed("text")},
    "strict_field_mapping_failure": {},
    "nest": {"items": _needed("any")},
}

REFUSED: dict[str, tuple[str, str]] = {
    "query_expression_placeholders": (
        "it puts text of a query language into the rule",
        "use `value_placeholders`, or `x in list('name')` in the rule",
    ),
    "file_placeholders": (
        "its values stand in a file that the rule's meaning would depend on",
        "write them into `vars` of the pipeline, and use `value_placeholders`",
    ),
    "http_placeholders": ("its values come from the network", "write them into `vars`, and use `value_placeholders`"),
    "command_placeholders": ("it runs a command", "write the values into `vars`, and use `value_placeholders`"),
    "field_name_transform": ("its names come from a Python function", "write them out as a `field_name_mapping`"),
}
"""The kinds of steps that are known and not carried out: why, and what to do instead."""

CHOICES: dict[tuple[str, str], tuple[str, ...]] = {
    ("regex", "method"): ("plain", "ignore_case_flag", "ignore_case_brackets"),
    ("case", "method"): ("lower", "upper", "snake_case"),
    ("convert_type", "target_type"): ("str", "num"),
    ("set_value", "force_type"): ("str", "num"),
    **{(kind, "cond"): ("any", "all") for kind in ("match_string", "match_value", "contains_wildcard", "is_null")},
    **{(kind, "mode"): ("plain", "re") for kind in ("include_fields", "exclude_fields")},
    ("processing_state", "op"): ("eq", "ne", "gte", "gt", "lte", "lt"),
    ("rule_attribute", "op"): ("eq", "ne", "gte", "gt", "lte", "lt", "in", "not_in"),
}
"""The words that an option may have, by kind and option."""

RULE_TESTS: dict[str, dict[str, Option]] = {
    "logsource": {"category": Option("text"), "product": Option("text"), "service": Option("text")},
    "contains_detection_item": {"field": _needed("text"), "value": _needed("value")},
    "contains_field": {"field": _needed("text")},
    "processing_item_applied": APPLIED,
    "processing_state": STATE,
    "is_sigma_rule": {},
    "is_sigma_correlation_rule": {},
    "rule_attribute": {"attribute": _needed("text"), "value": _needed("value"), "op": Option("text", "eq")},
    "tag": {"tag": _needed("text")},
}

ITEM_TESTS: dict[str, dict[str, Option]] = {
    "match_string": {**MATCHES, "pattern": _needed("regex"), "negate": Option("flag", default=False)},
    "match_value": {**MATCHES, "value": _needed("value")},
    "contains_wildcard": MATCHES,
    "is_null": MATCHES,
    "processing_item_applied": APPLIED,
    "processing_state": STATE,
}

FIELD_TESTS: dict[str, dict[str, Option]] = {
    "include_fields": FIELDS,
    "exclude_fields": FIELDS,
    "processing_item_applied": APPLIED,
    "processing_state": STATE,
}

GUARDS = {
    "for_rule": ("rule_conditions", "rule_cond_op", "rule_cond_not", "rule_cond_expr", RULE_TESTS),
    "for_item": (
        "detection_item_conditions",
        "detection_item_cond_op",
        "detection_item_cond_not",
        "detection_item_cond_expr",
        ITEM_TESTS,
    ),
    "for_field": (
        "field_name_conditions",
        "field_name_cond_op",
        "field_name_cond_not",
        "field_name_cond_expr",
        FIELD_TESTS,
    ),
}
"""For each sort of guard: the keys of its tests, of how they are linked, negated and combined, and its kinds."""

KEYS = ("name", "priority", "transformations", "vars", "allowed_backends", "postprocessing", "finalizers")

AROUND = ("embed", "simple_template", "template", "json")
FINALIZERS = ("concat", "json", "yaml", "template", "nested")
"""What pySigma does to the text of a query that only puts something around it."""
