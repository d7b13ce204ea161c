"""Tests of rules: events beside a rule that it must match, or must not match for a stated reason."""
