"""Interpreters of the queries that we write, made from the vendors' manuals: they import nothing of the compiler.

They lie with the tests and are installed with the package, because `ruleengine verify` runs them.
"""
