"""The pytest plug-in: tests of rules are items of pytest, so that -k, -n, --lf, JUnit and editors know them.

It is imported at the start of every pytest run in the environment, so it imports nothing but pytest; what reads and
runs tests is imported when a file *.test.yml or *.rule is met.
"""

from __future__ import annotations

from pathlib import Path

import pytest

SUFFIXES = (".test.yml", ".test.yaml", ".rule")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Return the collector of a test file; None for a file that is none, or that is another tool's."""
    if not file_path.name.endswith(SUFFIXES):
        return None
    from ruleengine.testing.items import collector

    return collector(file_path, parent)
