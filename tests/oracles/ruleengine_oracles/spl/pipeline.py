"""A query cut into commands, and what each does with a row: keep it, drop it, or change its fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from ruleengine_oracles.spl import evaluate, expression, search
from ruleengine_oracles.spl.ingest import RAW, TIME
from ruleengine_oracles.spl.pcre import compiled
from ruleengine_oracles.spl.problem import Undocumented, Unknown
from ruleengine_oracles.spl.row import Row, one_text, packed

GRAMMAR = Lark(
    (Path(__file__).parent / "commands.lark").read_text("utf-8"),
    parser="lalr",
    start=["regex", "fields", "table", "lookup"],
)
Step = Callable[[Row], Row | None]
"""What a command does with a row: None drops it."""

PIECE = re.compile(r'(?P<comment>```.*?```)|(?P<text>"(?:\\.|[^"\\])*")|(?P<macro>`[^`]*`)|(?P<char>.)', re.DOTALL)
MACRO = re.compile(r"`[A-Za-z_][\w-]*(?:\([^`]*\))?`", re.ASCII)


@dataclass(frozen=True)
class Query:
    """A query that has been read."""

    steps: tuple[Step, ...]


def parse(query: str) -> Query:
    """Return a query that has been read; raise Unknown, with the place, for what the oracle does not know.

    The first command is `search`, whether it says so or not [D S1].
    """
    try:
        return Query(tuple(read(query)))
    except RecursionError:
        raise Unknown("nested too deeply for the oracle", 0) from None


def read(query: str) -> list[Step]:
    """Return the steps of a query, one for each command."""
    steps: list[Step] = []
    for text, start in cut(query):
        spaces = len(text) - len(text.lstrip())
        word = re.match(r"\w*", text.lstrip(), re.ASCII)
        name = word[0] if word else ""
        if not steps:
            implied = 0 if name != "search" or text.lstrip()[6:7].strip() else spaces + len("search")
            steps.append(filtered(search.parse(text[implied:], start + implied)))
        elif MACRO.fullmatch(text.strip()):
            steps.append(lambda row: row)  # a macro is environment, as in `search`
        elif name in COMMANDS:
            at = spaces + len(name)
            steps.append(COMMANDS[name](text[at:], start + at))
        else:
            raise Unknown(f"no command {name}" if name else "no command here", start + spaces)
    return steps


def cut(query: str) -> Iterator[tuple[str, int]]:
    """Return the commands between pipes with their places; comments become spaces.

    A pipe within double quotes or a macro separates nothing, a comment within quotes is none [manual "Add comments
    to searches"]. Square brackets would open a subsearch.
    """
    start, parts = 0, list[str]()
    for piece in PIECE.finditer(query):
        text = piece[0]
        if piece.lastgroup == "comment":
            parts.append(" " * len(text))
        elif piece.lastgroup == "char" and text == "|":
            yield "".join(parts), start
            start, parts = piece.end(), []
        elif piece.lastgroup == "char" and text in '[]"`':
            message = "a subsearch" if text in "[]" else f"{text} that is not closed"
            raise Unknown(message, piece.start())
        else:
            parts.append(text)
    yield "".join(parts), start


# --- filters ----------------------------------------------------------------------------------------------------------


def filtered(term: search.Term) -> Step:
    return lambda row: row if search.holds(term, row) else None


def search_(text: str, start: int) -> Step:
    return filtered(search.parse(text, start))


def where(text: str, start: int) -> Step:
    """Keep rows for which the condition is TRUE; NULL drops them [K]."""
    condition = expression.where(text, start)
    return lambda row: row if evaluate.truth(condition, row) else None


def regex(text: str, start: int) -> Step:
    """Keep rows whose field matches; with `!=` those whose field does not, or is missing [D S4].

    Quotes are resolved as in an expression (S8: two backslashes in the query are one to PCRE); `\\|` is refused, the
    manuals contradict each other about it.
    """
    name, sign, literal = parsed("regex", text, start).children
    assert isinstance(literal, Token)
    if re.search(r"(?<!\\)(?:\\\\)*\\\|", literal):
        raise Unknown("regex: `\\|`", start + (literal.start_pos or 0))
    pattern = compiled(expression.unescaped(literal[1:-1]), start + (literal.start_pos or 0) + 1)
    field = bare(name, start)

    def step(row: Row) -> Row | None:
        value = one_text(row.read(field))
        return row if bool(value is not None and pattern.search(value)) is (sign == "=") else None

    return step


# --- commands that change fields --------------------------------------------------------------------------------------


def eval_(text: str, start: int) -> Step:
    """Set fields from left to right; later expressions see earlier fields [D manual of `eval`]."""
    assignments = expression.eval_(text, start)

    def step(row: Row) -> Row:
        for name, node in assignments:
            row = row.put(name, evaluate.value(node, row))
        return row

    return step


def fields(text: str, start: int) -> Step:
    """Keep the fields listed, and _raw and _time; after `-` remove the fields listed [manual of `fields`]."""
    sign, *names = parsed("fields", text, start).children
    wanted = patterns(names, start)
    return lambda row: projected(
        row, lambda name: wanted(name) is (sign != "-") or (name in (RAW, TIME) and sign != "-")
    )


def table(text: str, start: int) -> Step:
    """Keep the fields listed, and no others [manual of `table`]."""
    wanted = patterns(parsed("table", text, start).children, start)
    return lambda row: projected(row, wanted)


def projected(row: Row, kept: Callable[[str], bool]) -> Row:
    """Return the row with some of its fields; rows are never dropped."""
    return replace(
        row,
        values={name: value for name, value in row.values.items() if kept(name)},
        environment={name: value for name, value in row.environment.items() if kept(name)},
    )


def patterns(names: list[Tree[Token] | Token], start: int) -> Callable[[str], bool]:
    """Return whether a field is among those listed; `*` is a wildcard."""
    listed = [re.compile(".*".join(map(re.escape, bare(name, start).split("*"))), re.DOTALL) for name in names]
    return lambda name: any(pattern.fullmatch(name) for pattern in listed)


def lookup(text: str, start: int) -> Step:
    """Add fields from the rows of a table whose field equals the event's [D manual of `lookup`].

    The comparison is of texts and case-sensitive (`case_sensitive_match` is true by default [D transforms.conf]); the
    values of several rows make a multivalue field. Without a match nothing is set; a field that was there before
    would then be cleared or kept, which is undocumented.
    """
    name, key, *outputs = parsed("lookup", text, start).children
    table_name = str(name)
    (column, field), *targets = (pair(tree, start) for tree in (key, *outputs))

    def step(row: Row) -> Row:
        if table_name not in row.lookups:
            raise Unknown(f"no lookup {table_name}: give it in `lookups`", start)
        value = one_text(row.read(field))
        found = [line for line in row.lookups[table_name] if value is not None and line.get(column) == value]
        for source, target in targets:
            cells = [line[source] for line in found if line.get(source)]
            if not cells and row.read(target) is not None:
                raise Undocumented(f"no manual says whether OUTPUT clears {target} without a match")
            row = row.put(target, packed(cells)) if cells else row
        return row

    return step


def pair(tree: Tree[Token] | Token, start: int) -> tuple[str, str]:
    """Return a column of a table and the event's field that belongs to it: the same name unless AS says another."""
    assert isinstance(tree, Tree)
    column, field = tree.children
    return bare(column, start), bare(field or column, start)


# --- shared -----------------------------------------------------------------------------------------------------------


def parsed(rule: str, text: str, start: int) -> Tree[Token]:
    try:
        return GRAMMAR.parse(text, start=rule)
    except UnexpectedInput as problem:
        position = problem.pos_in_stream if isinstance(problem.pos_in_stream, int) else len(text)
        raise Unknown(f"{rule}: a form the oracle does not know", start + min(position, len(text))) from None


def bare(token: Tree[Token] | Token, start: int) -> str:
    """Return a field's name without its quotes."""
    assert isinstance(token, Token)
    name = str(token)[1:-1] if token.startswith('"') else str(token)
    if not name or "\\" in name or '"' in name:
        raise Unknown("a field name with such characters", start + (token.start_pos or 0))
    return name


COMMANDS: dict[str, Callable[[str, int], Step]] = {
    "search": search_,
    "where": where,
    "regex": regex,
    "eval": eval_,
    "fields": fields,
    "table": table,
    "lookup": lookup,
}
