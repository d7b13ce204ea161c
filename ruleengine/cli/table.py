"""A table of text: columns as wide as they need to be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ruleengine.draw import cells


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a table; columns of numbers are set to the right."""
    widths = [max(cells(row[column]) for row in (head, *rows)) for column in range(len(head))]
    right = [all(row[column].replace(",", "").isdigit() for row in rows) for column in range(len(head))]
    for row in (head, *rows):
        padded = (
            " " * (width - cells(cell)) + cell if to_right else cell + " " * (width - cells(cell))
            for cell, width, to_right in zip(row, widths, right, strict=True)
        )
        yield "  ".join(padded).rstrip() + "\n"
