"""Print the version, and with --verbose also those of Python and of the libraries that decide about results."""

from __future__ import annotations

import argparse
import platform
from importlib.metadata import PackageNotFoundError, version

import ruleengine

LIBRARIES = (
    "google-re2",
    "jsonschema",
    "lark",
    "msgspec",
    "pysigma",
    "pyyaml",
    "sigma-cli",
    "zstandard",
    "evtx",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="also print the versions of Python and the libraries"
    )


def run(args: argparse.Namespace) -> int:
    """Print the version."""
    print(f"ruleengine {ruleengine.__version__}")
    if args.verbose:
        rows = {"python": f"{platform.python_version()} ({platform.system()} {platform.machine()})"}
        rows |= {name: installed(name) for name in LIBRARIES}
        for name, found in rows.items():
            print(f"  {name:12} {found}")
    return 0


def installed(name: str) -> str:
    """Return the installed version of a distribution."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
