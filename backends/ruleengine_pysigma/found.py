"""Which backends and pipelines of pySigma are installed. A plug-in that cannot be imported hides no other."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from types import ModuleType
from typing import TYPE_CHECKING

from ruleengine_pysigma.guard import Failed, State, class_state, guarded

if TYPE_CHECKING:
    from sigma.conversion.base import Backend
    from sigma.processing.pipeline import ProcessingPipeline
    from sigma.processing.resolver import ProcessingPipelineResolver

PASSED_OVER = frozenset({"ruleengine", "test"})
"""Our own plug-in, whose targets are reached without pySigma, and pySigma's backend for its own tests."""


@dataclass(frozen=True, slots=True)
class Found:
    """One backend: its class, and what its package holds in its classes before any rule is converted."""

    backend: type[Backend]
    state: State


@cache
def plugins() -> tuple[Mapping[str, Found], Mapping[str, str]]:
    """Return the backends by id, and, by module, what those said that cannot be imported."""
    import sigma.backends

    found: dict[str, Found] = {}
    broken: dict[str, str] = {}
    modules = sorted(info.name for info in pkgutil.iter_modules(sigma.backends.__path__))
    for name in (each for each in modules if each not in PASSED_OVER):
        full = f"sigma.backends.{name}"
        module = guarded(partial(importlib.import_module, full))
        if isinstance(module, Failed):
            broken[full] = module.said
            continue
        for identifier, backend in _backends(module):
            found.setdefault(identifier, Found(backend, class_state(full)))
    return found, broken


def _backends(module: ModuleType) -> Iterator[tuple[str, type[Backend]]]:
    """Yield the backends of a plug-in with the ids that sigma-cli gives them."""
    from sigma.conversion.base import Backend
    from sigma.plugins import InstalledSigmaPlugins

    for name, found in vars(module).items():
        if inspect.isclass(found) and issubclass(found, Backend) and not inspect.isabstract(found):
            yield InstalledSigmaPlugins._get_backend_identifier(found, name), found


def installed() -> list[str]:
    """Return the ids of the installed backends of pySigma, ours aside."""
    return sorted(plugins()[0])


def formats(identifier: str) -> dict[str, str]:
    """Return the output formats of an installed backend with what they are; KeyError when it is not installed."""
    return dict(plugins()[0][identifier].backend.formats)


# --- pipelines -----------------------------------------------------------------------------------------------------


@cache
def _resolver() -> ProcessingPipelineResolver | Failed:
    def found() -> ProcessingPipelineResolver:
        from sigma.plugins import InstalledSigmaPlugins

        every = InstalledSigmaPlugins.autodiscover(include_backends=False, include_validators=False)
        return every.get_pipeline_resolver()

    return guarded(found)


@lru_cache(maxsize=16)
def pipeline(names: Sequence[str], backend: str) -> ProcessingPipeline | Failed:
    """Return pipelines, by name or file, as one in the order of their priorities; or what is wrong with them."""
    resolver = _resolver()
    if isinstance(resolver, Failed):
        return resolver
    return guarded(lambda: resolver.resolve(list(names), backend))


def pipeline_names(backend: str) -> list[str]:
    """Return the names of the installed pipelines that a backend may be used with."""
    resolver = _resolver()
    names = [] if isinstance(resolver, Failed) else sorted(resolver.pipelines)
    return [name for name in names if not isinstance(pipeline((name,), backend), Failed)]
