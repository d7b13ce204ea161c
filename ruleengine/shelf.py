"""The shelf: what was read of a set of rule files, kept for the next run, so that only changed files are read anew.

What is known of a file is found by a digest of its name and its text, never by its time. The shelf of a set of paths is
one value of a store; what is not exactly of the forms of `codec` is as good as absent.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import blake2b
from typing import Protocol

from msgspec import Raw

from ruleengine.codec import FileRead, NotKept, decoded, encoded, file_read, kept_file
from ruleengine.span import Source

KIND = "rules"


class Store(Protocol):
    """Where bytes are kept by kind and key, perhaps; `ruleengine.engine.cache.Cache` is one."""

    def get(self, kind: str, key: bytes) -> bytes | None: ...

    def put(self, kind: str, key: bytes, value: bytes) -> None: ...


def identity(path: str, named: bool, data: bytes) -> bytes:
    """Return 16 bytes that differ when anything differs that a file's rules depend on.

    That is its content, its name (a rule without a title is called after it), and whether it was named itself (else it
    may be passed over), but not its folder.
    """
    made = blake2b(digest_size=16, person=b"named" if named else b"found")
    made.update(os.path.basename(path).encode("utf-8", "surrogateescape") + b"\0")  # noqa: PTH119  # thousands of paths
    made.update(data)
    return made.digest()


class Shelf:
    """What is known of files; `save` writes it when anything is new, and leaves out what nobody asked for."""

    def __init__(self, store: Store, paths: Sequence[str]) -> None:
        """Take what the store has for the set of rules that these paths mean."""
        self._store = store
        self._key = "\0".join(map(os.path.abspath, paths)).encode("utf-8", "surrogateescape")
        data = store.get(KIND, self._key)
        try:
            self._known = decoded(data) if data is not None else {}
        except ValueError:
            self._known = {}
        self._used: dict[bytes, Raw] = {}
        self._new = False

    def find(self, digest: bytes, source: Source) -> FileRead | None:
        """Return what was read of the file with this identity and text; None when it is not known."""
        kept = self._known.get(digest)
        if kept is None:
            return None
        try:
            read = file_read(kept, source)
        except ValueError:
            return None
        self._used[digest] = kept
        return read

    def keep(self, digest: bytes, read: FileRead, source: Source) -> None:
        """Keep what was read of a file, if all of it has a form."""
        try:
            self._used[digest] = kept_file(read, source)
        except NotKept:
            return
        self._new = True

    def save(self) -> None:
        """Put what was used in this run into the store, unless that is what it has."""
        if self._new or len(self._used) != len(self._known):
            self._store.put(KIND, self._key, encoded(self._used))
