"""The rule language: statements, conditions and leaves as text, to the IR and back."""
