"""How much shorter the rule language is than Sigma's YAML, and how long its reader takes, over a folder of Sigma rules.

    python bench/language.py [FOLDER]        (default: SigmaHQ's rules beside the repository)

Both texts are what our formatters write: the rule language breaks lines at 100 columns, neither folds prose. A token
is a word, a sign or a whole text of the language itself: prose is as long in both. The averages are over rules, and
the totals are printed beside them. Times are processor time, medians of three runs of each reader in turn. Bounds:
lines and tokens 0.75, time 3; beyond them the exit code is 1.
"""

from __future__ import annotations

import gc
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean, median

import yaml as pyyaml

from ruleengine.dsl import parse
from ruleengine.dsl.cut import statements
from ruleengine.dsl.format import CONDITIONS, DATA, RULES, STATEMENTS, tokens
from ruleengine.dsl.show import show
from ruleengine.ir import Rule
from ruleengine.load import load
from ruleengine.problem import Problem
from ruleengine.sigma import build, export, yaml
from ruleengine.span import Source

RUNS = 3
SIGMAHQ = Path(__file__).parent.parent.parent / "shared" / "data" / "sigmahq"
SHORTER, SLOWER = 0.75, 3.0
SIGNS = (
    pyyaml.BlockEntryToken,
    pyyaml.ValueToken,
    pyyaml.FlowEntryToken,
    pyyaml.FlowSequenceStartToken,
    pyyaml.FlowSequenceEndToken,
    pyyaml.FlowMappingStartToken,
    pyyaml.FlowMappingEndToken,
)


def lines(text: str) -> int:
    """Return how many lines a text has."""
    return text.count("\n")


def tokens_of_rule(text: str) -> int:
    """Return how many tokens a text of the rule language has."""
    found = statements(Source("", text))
    return sum(len(tokens(each, CONDITIONS if each.word in STATEMENTS | {*RULES} else DATA)) for each in found)


def tokens_of_yaml(text: str) -> int:
    """Return how many tokens a Sigma rule has: a modifier is two with its bar, a condition has its words."""
    return sum(_tokens_of_yaml(text))


def _tokens_of_yaml(text: str) -> Iterator[int]:
    is_key, key = False, ""
    for token in pyyaml.scan(text, Loader=pyyaml.CSafeLoader):
        if isinstance(token, pyyaml.KeyToken):
            is_key = True
        elif isinstance(token, SIGNS):
            yield 1
        elif isinstance(token, pyyaml.ScalarToken):
            if is_key:
                key = token.value
                yield 1 + 2 * key.count("|")
            else:
                yield len(re.findall(r"[\w.*-]+|[()]", token.value)) if key == "condition" else 1
            is_key = False


def texts(rules: Sequence[Rule]) -> list[tuple[str, str]]:
    """Return each rule as YAML and in the rule language."""
    return [(export.text(export.document(rule, lambda _: None) or {}), show(rule)) for rule in rules]


def ratios(pairs: Sequence[tuple[str, str]]) -> dict[str, tuple[float, float]]:
    """Return, for lines and for tokens, how long the rule language is: the average over rules, and of all together."""
    counts = {
        "lines": [(lines(sigma), lines(rule)) for sigma, rule in pairs],
        "tokens": [(tokens_of_yaml(sigma), tokens_of_rule(rule)) for sigma, rule in pairs],
    }
    return {
        name: (mean(rule / sigma for sigma, rule in found), sum(rule for _, rule in found) / sum(s for s, _ in found))
        for name, found in counts.items()
    }


def seconds(found: Sequence[str], *, language: bool) -> float:
    """Return the processor time of reading texts."""
    problems: list[Problem] = []
    start = time.process_time()
    for text in found:
        source = Source("", text)
        if language:
            list(parse.rules(source, problems.append))
        else:
            list(build.rules(yaml.read(source, problems.append), problems.append))
    return time.process_time() - start


def main(folder: str) -> int:
    """Print the figures and return the exit code."""
    problems: list[Problem] = []
    rules = [loaded.rule for loaded in load([folder], problems.append, evaluating=False).rules]
    pairs = texts(rules)
    over = False
    for name, (average, total) in ratios(pairs).items():
        over = over or average > SHORTER
        print(f"{name:7} {average:.3f} x on average, {total:.3f} x in all (at most {SHORTER:g} on average)")
    gc.disable()  # as the command does
    written = [rule.source.text for rule in rules if rule.source]
    seconds([pairs[0][1]], language=True)  # the grammars, once a process
    taken = [
        (seconds(written, language=False), seconds([pair[1] for pair in pairs], language=True)) for _ in range(RUNS)
    ]
    sigma, language = median(each[0] for each in taken), median(each[1] for each in taken)
    print(
        f"reading {sigma:.2f} s Sigma, {language:.2f} s rule language = {language / sigma:.2f} x (at most {SLOWER:g})"
    )
    return int(over or language > SLOWER * sigma)


if __name__ == "__main__":
    given = sys.argv[1] if len(sys.argv) > 1 else str(SIGMAHQ)
    if not Path(given).is_dir():
        sys.exit(f"skipped: there is no folder {given}")
    sys.exit(main(given))
