"""What was read of a rule file as bytes, and back, exactly: nodes, values, metadata, the places of all, and problems.

The bytes are MessagePack, decoded into the typed structs of `forms` and nothing else; what does not fit is refused. A
rule's body stays a struct until somebody looks into it: of thousands of rules, few are ever asked about. Only files of
rules about one event that stand wholly in their own text are kept.
"""

from __future__ import annotations

from ruleengine.codec.decode import decoded, file_read
from ruleengine.codec.encode import encoded, kept_file
from ruleengine.codec.forms import FileRead, NotKept, RuleRead

__all__ = ["FileRead", "NotKept", "RuleRead", "decoded", "encoded", "file_read", "kept_file"]
