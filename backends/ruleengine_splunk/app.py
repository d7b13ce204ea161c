"""Rules as an app of Splunk: its folder, and the package that is installed. The same rules give the same bytes."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from collections.abc import Mapping, Sequence

from ruleengine.target import BadOption, Compiled, Options, Ready
from ruleengine_splunk.conf import conf, line
from ruleengine_splunk.saved import lookups, saved

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,98}[A-Za-z0-9]")
VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.-]+)?")

META = """\
[]
access = read : [ * ], write : [ admin, sc_admin ]
export = system
"""


def files(rules: Sequence[tuple[Ready, Compiled]], options: Options) -> Mapping[str, bytes]:
    """Return the files of the app below its folder, and the package beside it; BadOption says what cannot be used."""
    name, version = options["app"], options["version"]
    for option, value, good in (("app", name, NAME), ("version", version, VERSION)):
        if not good.fullmatch(value) or value.lower() in ("default", "local", "search", "system"):
            raise BadOption(f"`-O {option}={value}` cannot be used: it must be as `{EXAMPLES[option]}`")
    inside: dict[str, bytes] = {
        "README.md": _readme(options, len(rules)).encode("utf-8", "backslashreplace"),
        "default/app.conf": _app(options).encode("utf-8", "backslashreplace"),
        "default/savedsearches.conf": saved(rules, options).encode(),
        "metadata/default.meta": META.encode(),
        **lookups(rules),
    }
    placed = {f"{name}/{path}": data for path, data in sorted(inside.items())}
    return {**placed, f"{name}-{version}.spl": package(placed)}


EXAMPLES = {"app": "DA-ESS-ruleengine", "version": "1.0.0"}


def _app(options: Options) -> str:
    name, version = options["app"], options["version"]
    return conf(
        [
            ("install", {"state": "enabled"}),
            ("ui", {"is_visible": "0", "label": line(options["label"])}),
            ("launcher", {"author": line(options["author"]), "description": ABOUT, "version": version}),
            ("package", {"id": name, "check_for_updates": "0"}),
            ("id", {"name": name, "version": version}),
        ]
    )


ABOUT = "Detection rules as saved searches, made by ruleengine"


def _readme(options: Options, count: int) -> str:
    return (
        f"# {line(options['label'])}\n\n"
        f"{count:,} saved searches, made by ruleengine from detection rules. Change the rules and make the app anew;\n"
        "what is changed here is lost then.\n\n"
        "The searches expect events as single lines of JSON whose fields Splunk extracts as it does by itself\n"
        "(`KV_MODE = json` or `INDEXED_EXTRACTIONS = json`). Enterprise Security is not needed; with it, alerts\n"
        "become notable events and risks.\n"
    )


def package(placed: Mapping[str, bytes]) -> bytes:
    """Return the files as a compressed archive, in which only names and contents count."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for folder in _folders(placed):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for path, data in placed.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    out = io.BytesIO()
    with gzip.GzipFile("", "wb", fileobj=out, mtime=0) as compressed:  # gzip.compress notes the system it ran on
        compressed.write(packed.getvalue())
    return out.getvalue()


def _folders(placed: Mapping[str, bytes]) -> list[str]:
    parts = (path.split("/") for path in placed)
    return sorted({"/".join(part[:depth]) for part in parts for depth in range(1, len(part))})
