"""The command line: one module a verb; printing happens only here."""
