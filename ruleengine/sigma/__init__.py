"""Sigma: positioned YAML, the condition grammar, and the way from a document to a rule of the IR."""
