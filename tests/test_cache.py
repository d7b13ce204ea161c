"""The cache on disk: what comes back is what was put, from a folder and files of one's own alone, whoever writes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ruleengine.engine.cache import (
    FOLDER_VARIABLE,
    Cache,
    cache_folder,
    digest,
    machine,
    open_cache,
    package_versions,
    source_digest,
)
from tests.conftest import ROOT

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no owners and modes of this kind")
ROOT_USER = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root can give a file to somebody else"
)


@pytest.fixture
def store(tmp_path: Path) -> Cache:
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    return Cache(folder, pytest.fail)


def only_file(store: Cache) -> Path:
    (found,) = store.folder.iterdir()
    return found


# --- values --------------------------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=3), max_size=4), st.lists(st.binary(max_size=3), max_size=4))
def test_a_digest_differs_when_any_part_does(one: list[bytes], other: list[bytes]) -> None:
    assert (digest(*one) == digest(*other)) is (one == other)


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.binary(max_size=2), st.binary(max_size=9)), max_size=8))
def test_what_was_put_last_comes_back(
    tmp_path_factory: pytest.TempPathFactory, puts: list[tuple[str, bytes, bytes]]
) -> None:
    store = Cache(tmp_path_factory.mktemp("cache"), pytest.fail)
    known: dict[tuple[str, bytes], bytes] = {}
    for kind, key, value in puts:
        assert store.get(kind, key) == known.get((kind, key))
        store.put(kind, key, value)
        known[kind, key] = value
    assert all(store.get(kind, key) == value for (kind, key), value in known.items())
    assert len(list(store.folder.iterdir())) == len(known), "nothing is left beside"


@given(st.data())
@settings(max_examples=200)
def test_a_damaged_file_is_as_good_as_none(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    store = Cache(tmp_path_factory.mktemp("cache"), pytest.fail)
    value = data.draw(st.binary(max_size=64))
    store.put("rules", b"key", value)
    path = only_file(store)
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytes([*whole[:at], whole[at] ^ (1 << data.draw(st.integers(0, 7))), *whole[at + 1 :]])
    for damaged in (flipped, whole[:at], whole + b"x", whole[at + 1 :], value):
        path.write_bytes(damaged)
        assert store.get("rules", b"key") is None
    path.write_bytes(whole)
    assert store.get("rules", b"key") == value
    path.rename(path.with_name(path.name.replace("rules", "plans")))
    assert store.get("plans", b"key") is None, "the file of another kind"


def test_the_folder_is_bounded_and_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    store = Cache(tmp_path, pytest.fail, limit=1000)
    for number in range(3):
        store.put("a", bytes([number]), b"x" * 200)
    long_ago = time.time() - 10 * 3600
    for number, path in enumerate(sorted(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns)):
        os.utime(path, (long_ago + number, long_ago + number))
    assert store.get("a", b"\0") == b"x" * 200, "the oldest one was used now"
    (tmp_path / "notes.txt").write_text("not ours")
    store.put("a", b"\3", b"x" * 200)
    assert [store.get("a", bytes([number])) is not None for number in range(4)] == [True, False, True, True]
    store.put("a", b"\4", b"x" * 1000)
    assert store.get("a", b"\4") is None, "larger than the folder may be"
    assert (tmp_path / "notes.txt").exists(), "what is not ours stays"


def test_what_another_process_left_half_written_goes(store: Cache) -> None:
    store.put("a", b"", b"")
    name = only_file(store).name
    left, being_written = store.folder / f"{name}.1.part", store.folder / f"{name}.2.part"
    left.write_bytes(b"")
    being_written.write_bytes(b"")
    os.utime(left, (0, 0))
    store.put("a", b"", b"")
    assert (left.exists(), being_written.exists()) == (False, True)


# --- whom to believe -----------------------------------------------------------------------------------------------


def opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Cache | None, list[str]]:
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    told: list[str] = []
    return open_cache(told.append), told


@POSIX
def test_the_folder_and_its_files_are_the_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.umask(0)
    try:
        store, told = opened(tmp_path / "a" / "b", monkeypatch)
        assert store is not None and told == []
        store.put("rules", b"", b"x")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (store.folder, only_file(store))]
    assert modes == [0o700, 0o600]


@POSIX
@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770, 0o720, 0o702])
def test_a_folder_that_others_may_write_is_refused(mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(mode)
    assert opened(folder, monkeypatch) == (
        None,
        [f"the cache folder `{folder}` may be written by others; `chmod 700` it"],
    )
    folder.chmod(0o700)
    assert opened(folder, monkeypatch)[0] is not None


@POSIX
def test_a_link_or_a_file_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "file").write_text("")
    ends = {"link": "is a symbolic link; name the folder itself", "file": "is no folder"}
    for name, end in ends.items():
        assert opened(tmp_path / name, monkeypatch) == (None, [f"the cache folder `{tmp_path / name}` {end}"])
    store, told = opened(tmp_path / "file" / "below", monkeypatch)
    assert store is None and told[0].startswith(f"the cache folder `{tmp_path / 'file' / 'below'}` cannot be used: ")


@ROOT_USER
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, 12345)
    assert opened(folder, monkeypatch) == (None, [f"the cache folder `{folder}` belongs to somebody else"])


@ROOT_USER
def test_a_file_of_somebody_else_is_not_believed(store: Cache) -> None:
    store.put("rules", b"", b"x")
    os.chown(only_file(store), 12345, 12345)
    assert store.get("rules", b"") is None
    store.put("rules", b"", b"y")
    assert store.get("rules", b"") == b"y", "another one takes its place"


@POSIX
@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "written by others"])
def test_a_file_that_is_no_plain_file_of_ours_is_not_believed(kind: str, store: Cache, tmp_path: Path) -> None:
    store.put("rules", b"", b"x")
    path = only_file(store)
    if kind == "written by others":
        path.chmod(0o606)
    else:
        path.rename(tmp_path / "elsewhere")
    if kind == "link":
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    assert store.get("rules", b"") is None


@POSIX
def test_a_folder_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    told: list[str] = []
    store = Cache(tmp_path / "gone", told.append)
    for _ in range(2):
        store.put("rules", b"", b"x")
        assert store.get("rules", b"") is None
    assert told == [f"nothing is kept in the cache folder `{tmp_path / 'gone'}`: No such file or directory"]


@POSIX
def test_a_folder_that_may_only_be_read_is_read(tmp_path: Path) -> None:
    """Root may write everywhere: it becomes somebody else first."""
    code = """
import os
from pathlib import Path
from ruleengine.engine.cache import Cache, environment
environment()
os.chdir(os.environ["PLACE"])
if os.geteuid() == 0:
    os.chown(".", 12345, 12345)
    os.setuid(12345)
folder = Path("cache")
folder.mkdir(mode=0o700)
store = Cache(folder, print)
store.put("rules", b"", b"x")
folder.chmod(0o500)
for _ in range(2):
    store.put("rules", b"", b"y")
    print(store.get("rules", b""))
"""
    place = os.environ | {"PLACE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=place)
    (tmp_path / "cache").chmod(0o700)
    said = "nothing is kept in the cache folder `cache`: Permission denied"
    assert (done.stdout, done.stderr) == (f"{said}\nb'x'\nb'x'\n", "")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({FOLDER_VARIABLE: "/a/b", "XDG_CACHE_HOME": "/c"}, "/a/b"),
        ({FOLDER_VARIABLE: "", "XDG_CACHE_HOME": "/c"}, "/c/ruleengine"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "/h/.cache/ruleengine"),
        ({"HOME": "/h"}, "/h/.cache/ruleengine"),
    ],
)
@POSIX
def test_where_the_cache_lives(variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (FOLDER_VARIABLE, "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(expected)


# --- several at once -----------------------------------------------------------------------------------------------


def test_threads_and_processes_at_once_do_no_harm(store: Cache) -> None:
    code = f"""
import sys
from pathlib import Path
from ruleengine.engine.cache import Cache
store = Cache(Path({str(store.folder)!r}), sys.exit, limit=300_000)
for number in range(60):
    store.put("a", bytes([number % 3]), bytes([number]) * 50_000)
    value = store.get("a", bytes([number % 3]))
    assert value is None or value == value[:1] * 50_000, "half of one and half of another"
"""
    running = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE) for _ in range(3)]
    faults: list[bytes] = []

    def look() -> None:
        while any(one.poll() is None for one in running):
            value = store.get("a", b"\1")
            if value is not None and value != value[:1] * 50_000:
                faults.append(value)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    said = [one.communicate()[1] for one in running]
    for thread in threads:
        thread.join()
    assert [one.returncode for one in running] == [0, 0, 0], said
    assert faults == []
    assert {path.suffix for path in store.folder.iterdir()} == {""}


# --- what the key says ---------------------------------------------------------------------------------------------


def test_a_changed_source_is_another_environment(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.py").write_text("x")
    seen = {source_digest(tmp_path)}
    for name, text in (("below/a.py", "y"), ("b.py", ""), ("below/data.toml", "z")):
        (tmp_path / name).write_text(text)
        seen.add(source_digest(tmp_path))
    assert len(seen) == 4
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("x")
    assert source_digest(tmp_path) in seen


def test_a_changed_package_is_another_environment(tmp_path: Path) -> None:
    for name in ("hyperscan-0.7.8.dist-info", "PyYAML-6.0.1.egg-info", "google_re2-1.1.dist-info", "rich-1.dist-info"):
        (tmp_path / name).mkdir()
    found = ["PyYAML-6.0.1.egg-info", "google_re2-1.1.dist-info", "hyperscan-0.7.8.dist-info"]
    assert package_versions([str(tmp_path), str(tmp_path / "gone")]) == found
    versions = package_versions(sys.path)
    assert {name.lower().partition("-")[0] for name in versions} == {
        "google_re2",
        "hyperscan",
        "lark",
        "msgspec",
        "pyyaml",
    }


INTEL = "processor\t: 0\nmicrocode\t: {0}\nflags\t\t: fpu {1}\ncpu MHz\t: {0}\n\nprocessor\t: 1\nflags\t: {0}\n"
ARM = "processor\t: 0\nFeatures\t: fp {1}\nCPU implementer\t: 0x41\nBogoMIPS\t: {0}\n"


@pytest.mark.parametrize("text", [INTEL, ARM])
def test_another_cpu_is_another_environment(text: str, tmp_path: Path) -> None:
    def told(noise: str, features: str) -> list[str]:
        path = tmp_path / "cpuinfo"
        path.write_text(text.format(noise, features))
        return machine(path)

    assert told("1", "avx2") == told("2", "avx2") != told("1", "avx2 avx512f")


def test_a_system_without_cpuinfo_still_tells_something(tmp_path: Path) -> None:
    assert any(machine(tmp_path / "gone"))


def test_another_version_does_not_see_the_files_of_this_one(store: Cache, tmp_path: Path) -> None:
    """A package of another version on the path is enough."""
    store.put("rules", b"", b"x")
    (tmp_path / "hyperscan-99.0.dist-info").mkdir()
    code = (
        "from pathlib import Path; from ruleengine.engine.cache import Cache; "
        f"print(Cache(Path({str(store.folder)!r}), print).get('rules', b''))"
    )
    for path, expected in (("", "b'x'"), (str(tmp_path), "None")):
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert (done.stdout, done.stderr) == (f"{expected}\n", "")
