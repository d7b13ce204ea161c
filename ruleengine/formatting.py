"""The formatter of rule files of both kinds, which proves for each file that it changed the looks of it alone."""

from __future__ import annotations

from ruleengine import load
from ruleengine.dsl import format as language
from ruleengine.dsl import parse
from ruleengine.dsl.translate import same
from ruleengine.ir import Rule
from ruleengine.problem import Problem, Report, problem
from ruleengine.sigma import build, yaml
from ruleengine.sigma import format as sigma
from ruleengine.span import Source


def formatted(source: Source, report: Report) -> str | None:
    """Return the text of a rule file in the style; None after reporting why it cannot be read.

    A text that would not say the same, or would lose a comment, is a defect of ours: reported as RE703, and left alone.
    """
    before = rules(source, report)
    if before is None:
        return None
    of_language = source.path.endswith(load.LANGUAGE_SUFFIX)
    new = Source(source.path, language.formatted(source) if of_language else sigma.formatted(source))
    after = rules(new, lambda _: None)
    equal = after is not None and len(after) == len(before) and all(map(same, before, after))
    kept = _comments(source) == _comments(new) if of_language else sigma.same(source, new)
    if equal and kept:
        return new.text
    report(
        problem("RE703", source.path, "a defect of the formatter would change what this file says", "please report it")
    )
    return None


def rules(source: Source, report: Report) -> list[Rule] | None:
    """Return the rules of a text; None after reporting what of it cannot be read."""
    found: list[Problem] = []
    if source.path.endswith(load.LANGUAGE_SUFFIX):
        read = list(parse.rules(source, found.append, load.module(found.append)))
    else:
        read = list(build.rules(yaml.read(source, found.append), found.append))
    for each in found:
        report(each)
    return None if any(each.blocks for each in found) else read


def is_rule_file(source: Source) -> bool:
    """Say whether a YAML text holds a rule, or something that should have been one."""
    documents = yaml.read(source, lambda _: None)
    return not documents or any(map(load.is_rule, documents))


def _comments(source: Source) -> list[str]:
    return [comment.text for comment in language.placed_comments(source)]
