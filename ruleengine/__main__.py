"""`python -m ruleengine` is the command `ruleengine`."""

from __future__ import annotations

from ruleengine.cli.main import entry

if __name__ == "__main__":
    entry()
