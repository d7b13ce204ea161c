"""The cache on disk: bytes by kind and key, in a folder that only its user may write, checked before they are believed.

What is kept here saves time and decides nothing: whatever is absent, damaged, of another machine or another version is
made anew. A value is data to be decoded and checked by its reader; nothing in it is ever run. Each file is named after
its kind, its key and the environment it was made in, and begins with a digest of that name and its content. Files are
written beside and moved into place, so that two processes may use one folder.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path

from ruleengine import __version__

FOLDER_VARIABLE = "RULEENGINE_CACHE"
"""The environment variable that names another folder."""

LIMIT = 256 << 20
"""Bytes that all files of the folder may take together; those used longest ago are removed first."""

MAGIC = b"ruleengine cache 1\n"
DIGEST_BYTES = 32
OWN_FILE = re.compile(r"[a-z]+-[0-9a-f]{32}(\.[0-9]+\.part)?\Z")
REFRESH_S = 3600
"""A file's time says when it was last used, to the hour: writing it at each use would cost more than it tells."""

PACKAGES = ("google_re2", "hyperscan", "lark", "msgspec", "pyyaml")
"""The packages whose version may change what we keep."""

CPU_LINES = ("flags", "Features", "CPU implementer", "CPU architecture", "CPU part", "isa")
"""The lines of /proc/cpuinfo that say for which machine an automaton is built: x86, ARM, RISC-V."""


def digest(*parts: bytes | str) -> bytes:
    """Return 32 bytes that differ when any part differs, or where one ends and the next begins."""
    made = blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        made.update(len(data).to_bytes(8, "little"))
        made.update(data)
    return made.digest()


class Cache:
    """Values by kind (lower-case letters) and key (any bytes); safe to use from threads and from many processes.

    `get` and `put` never raise for what is wrong with the disk: the one costs time, the other tells once and gives up.
    """

    def __init__(self, folder: Path, tell: Callable[[str], None], limit: int = LIMIT) -> None:
        """Take a folder that `open_cache` has found to be the user's own; `tell` takes one sentence."""
        self.folder, self.limit = folder, limit
        self._tell = tell
        self._told = False

    def get(self, kind: str, key: bytes) -> bytes | None:
        """Return what was put under a kind and a key in an environment like this one; None when it is not there.

        A file that is damaged, or that is not wholly the user's own, is not there.
        """
        name = _file_name(kind, key)
        try:
            data = _own_bytes(self.folder / name, self.limit)
        except OSError:
            return None
        start = len(MAGIC) + DIGEST_BYTES
        if data[: len(MAGIC)] != MAGIC:
            return None
        value = data[start:]
        return value if digest(name, value) == data[len(MAGIC) : start] else None

    def put(self, kind: str, key: bytes, value: bytes) -> None:
        """Keep a value under a kind and a key, in place of any other; what is too large for the folder is not kept."""
        size = len(MAGIC) + DIGEST_BYTES + len(value)
        if size > self.limit:
            return
        name = _file_name(kind, key)
        beside = self.folder / f"{name}.{os.getpid()}{time.monotonic_ns()}.part"
        try:
            self._write(beside, MAGIC + digest(name, value), value)
            beside.replace(self.folder / name)
            self._make_room(keep=name)
        except OSError as error:
            with suppress(OSError):
                beside.unlink()
            self._complain(error)

    @staticmethod
    def _write(path: Path, *parts: bytes) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK | _BINARY, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.writelines(parts)

    def _complain(self, error: OSError) -> None:
        if not self._told:
            self._told = True
            self._tell(f"nothing is kept in the cache folder `{self.folder}`: {error.strerror or error}")

    def _make_room(self, keep: str) -> None:
        """Remove the files used longest ago until the rest fits, and what other processes left half written."""
        files = [(found.st_mtime, found.st_size, path) for path, found in _own_files(self.folder)]
        total = sum(size for _, size, _ in files)
        hour_ago = time.time() - REFRESH_S
        for used, size, path in sorted(files):
            half_written = path.suffix == ".part"
            if half_written and used > hour_ago:
                continue  # another process may be writing it now
            if half_written or (total > self.limit and path.name != keep):
                with suppress(OSError):
                    path.unlink()
                    total -= size


def open_cache(tell: Callable[[str], None]) -> Cache | None:
    """Return the cache of the user, its folder made when it is absent; None after telling why there can be none.

    `tell` takes one sentence without an end, as "the cache folder `x` belongs to somebody else".
    """
    folder = cache_folder()
    if folder is None:
        tell(f"there is no folder for the cache: set {FOLDER_VARIABLE}")
        return None
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        fault = _fault(folder.lstat())
        environment()
    except OSError as error:
        fault = f"cannot be used: {error.strerror or error}"
    if fault:
        tell(f"the cache folder `{folder}` {fault}")
        return None
    return Cache(folder, tell)


def cache_folder() -> Path | None:
    """Return where the cache is to be: RULEENGINE_CACHE, else in the user's folder for caches; None without a home.

    That folder is XDG_CACHE_HOME when it is absolute (XDG Base Directory Specification), LOCALAPPDATA on Windows, else
    ~/.cache.
    """
    if given := os.environ.get(FOLDER_VARIABLE):
        return Path(given).absolute()
    for name in ("XDG_CACHE_HOME", *(("LOCALAPPDATA",) if sys.platform == "win32" else ())):
        base = os.environ.get(name, "")
        if base and Path(base).is_absolute():
            return Path(base) / "ruleengine"
    try:
        return Path.home() / ".cache" / "ruleengine"
    except RuntimeError:  # no HOME, and no such user
        return None


# --- whom to believe -------------------------------------------------------------------------------------------------

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)


def _fault(found: os.stat_result) -> str:
    """Say why a folder cannot be trusted; an empty text when it can. On Windows its place in the profile must do."""
    if stat.S_ISLNK(found.st_mode):
        return "is a symbolic link; name the folder itself"
    if not stat.S_ISDIR(found.st_mode):
        return "is no folder"
    if not _ours(found):
        return "belongs to somebody else"
    return "may be written by others; `chmod 700` it" if _written_by_others(found) else ""


def _ours(found: os.stat_result) -> bool:
    return sys.platform == "win32" or found.st_uid == os.geteuid()


def _written_by_others(found: os.stat_result) -> bool:
    return sys.platform != "win32" and bool(found.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def _own_bytes(path: Path, limit: int) -> bytes:
    """Return the content of a regular file of the user's own; OSError when it is none. Its time of use is noted."""
    handle = os.open(path, os.O_RDONLY | _NO_LINK | _BINARY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb", buffering=0) as stream:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or not _ours(found) or _written_by_others(found) or found.st_size > limit:
            raise PermissionError(f"{path} is not a file of ours")
        data = stream.readall()
    if time.time() - found.st_mtime > REFRESH_S:
        with suppress(OSError):  # a folder that may only be read
            os.utime(path)
    return data


def _own_files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if OWN_FILE.match(entry.name):
                with suppress(FileNotFoundError):  # another process removed it
                    yield Path(entry.path), entry.stat(follow_symlinks=False)


# --- what the content depends on -------------------------------------------------------------------------------------


def _file_name(kind: str, key: bytes) -> str:
    return f"{kind}-{digest(environment(), kind, key)[:16].hex()}"


@cache
def environment() -> bytes:
    """Return a digest of all that may change what we keep beside its own key; OSError when we cannot be read.

    That is our own source, the versions of Python and of the packages that read rules and build automata, and what the
    machine can do: an automaton for AVX-512 must not meet a machine without it.
    """
    python = f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor} {sys.byteorder}"
    own = source_digest(Path(__file__).parent.parent)
    return digest(__version__, own, python, *package_versions(sys.path), *machine(Path("/proc/cpuinfo")))


def source_digest(folder: Path) -> bytes:
    """Return a digest of the names and contents of all files at and below a folder, compiled ones aside."""
    made = blake2b(digest_size=DIGEST_BYTES)
    pending = [str(folder)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.is_dir():
                    if entry.name != "__pycache__":
                        pending.append(entry.path)
                    continue
                with open(entry.path, "rb", buffering=0) as stream:  # noqa: PTH123  # hundreds of files at each start
                    made.update(digest(entry.name, stream.readall()))
    return made.digest()


def package_versions(folders: Iterable[str]) -> list[str]:
    """Return the names of the folders in which installed packages state their versions, as `hyperscan-0.9.1.dist-info`.

    To read the names is a hundred times faster than to ask `importlib.metadata`.
    """
    found: set[str] = set()
    for folder in folders:
        with suppress(OSError), os.scandir(folder or ".") as entries:
            found.update(entry.name for entry in entries if entry.name.endswith((".dist-info", ".egg-info")))
    return sorted(name for name in found if name.lower().replace("-", "_").startswith(PACKAGES))


def machine(cpuinfo: Path) -> list[str]:
    """Return the kind of machine and the features of its first CPU, as far as the system tells them at once."""
    named = os.uname() if sys.platform != "win32" else None
    kind = [named.sysname, named.machine] if named else [os.environ.get("PROCESSOR_IDENTIFIER", "")]
    try:
        with open(cpuinfo, "rb", buffering=0) as stream:  # noqa: PTH123  # a machine of many CPUs has much to tell
            first = stream.read(1 << 14).decode("utf-8", "replace").partition("\n\n")[0]
    except OSError:
        return [*kind, named.version if named else ""]
    return [*kind, *(line for line in first.splitlines() if line.startswith(CPU_LINES))]
