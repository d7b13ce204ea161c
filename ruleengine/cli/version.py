"""Print the version, and with --verbose also those of Python and the libraries, and whether the accelerator is used."""

from __future__ import annotations

import argparse
import platform
from importlib.metadata import PackageNotFoundError, version

import ruleengine

LIBRARIES = (
    "google-re2",
    "hyperscan",
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
        "-v",
        "--verbose",
        action="store_true",
        help="also print the versions of Python and the libraries, and whether the accelerator is used",
    )


def run(args: argparse.Namespace) -> int:
    """Print the version."""
    print(f"ruleengine {ruleengine.__version__}")
    if args.verbose:
        rows = {"python": f"{platform.python_version()} ({platform.system()} {platform.machine()})"}
        rows |= {name: installed(name) for name in LIBRARIES} | {"accelerator": accelerator()}
        for name, found in rows.items():
            print(f"  {name:12} {found}")
    return 0


def installed(name: str) -> str:
    """Return the installed version of a distribution."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def accelerator() -> str:
    """Return "yes" if the engine uses its compiled part, or "no: " and why; a broken installation is a reason."""
    try:
        from ruleengine.engine.native import accelerated
    except ImportError as error:
        return f"no: {error}"
    return accelerated()
