"""Compile `_sieve.c` while the package is built; where that cannot be done, the package is built without it.

hatchling runs this (`[tool.hatch.build.targets.wheel.hooks.custom]` in pyproject.toml); it is no part of the wheel.
In a wheel the module stands in the package, and the wheel is for this platform and Python; in an editable install it
stands beside the C file. With RULEENGINE_ACCELERATOR=0 it is left out.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import shorten
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODULE = "ruleengine.engine._sieve"
SOURCE = "ruleengine/engine/_sieve.c"
BINARY = SOURCE.removesuffix(".c") + (sysconfig.get_config_var("EXT_SUFFIX") or ".so")
# No -march=native: a wheel is for other machines too. No -g: it would put paths of this machine into the wheel.
FLAGS = () if sys.platform == "win32" else ("-O3", "-g0")


class AcceleratorHook(BuildHookInterface[BuilderConfig]):
    """What hatchling calls before and after it writes a wheel."""

    folder: TemporaryDirectory[str] | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and tell hatchling what is to be in the wheel; `version` is "standard" or "editable"."""
        beside = Path(self.root, BINARY)
        if version == "editable":
            beside.unlink(missing_ok=True)  # it may be of an older source
        if os.environ.get("RULEENGINE_ACCELERATOR") == "0":
            self.app.display_info("ruleengine is built without its accelerator: RULEENGINE_ACCELERATOR is 0")
            return
        self.folder = TemporaryDirectory(prefix="ruleengine-")
        made = Path(self.folder.name, BINARY)
        if why := failure(Path(self.root, SOURCE), Path(self.folder.name)):
            self.app.display_warning(
                f"ruleengine is built without its accelerator, which costs speed and changes no result: {why}"
            )
        elif version == "editable":
            shutil.move(made, beside)
        else:
            build_data |= {"infer_tag": True, "pure_python": False}
            build_data["force_include"][str(made)] = BINARY

    def finalize(self, *_: object, **__: object) -> None:
        """Remove what was there only to be packed."""
        if self.folder:
            self.folder.cleanup()


def failure(source: Path, folder: Path) -> str:
    """Compile a C file into a folder, where it gets the path BINARY; return "", or why that cannot be done."""
    try:
        from setuptools import Distribution, Extension
        from setuptools.errors import BaseError, CCompilerError
    except ImportError as error:
        return str(error)
    extension = Extension(MODULE, [str(source)], extra_compile_args=[*FLAGS])
    command = Distribution({"name": "ruleengine", "ext_modules": [extension]}).get_command_obj("build_ext")
    command.build_lib = command.build_temp = str(folder)
    try:
        command.ensure_finalized()
        command.run()
    except (BaseError, CCompilerError, OSError) as error:
        return shorten(str(error), 160)  # it may quote a long command
    return ""
