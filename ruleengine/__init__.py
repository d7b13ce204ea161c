"""Detection rules with one meaning: read them, check them, run them on events, and explain every answer."""

from __future__ import annotations

__version__ = "0.1.0"
