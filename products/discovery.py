"""Finds product packages: imports `wfo_products` and `wfo_workflows` of each app named in `WFO_EXTENSIONS`.

A package that cannot be imported does not take the whole program down: the failure is kept, logged, and shown as a
system check that names file and line, and the catalogue is left alone while there is one.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from django.apps import AppConfig, apps

from products.registry import Source

logger = logging.getLogger(__name__)

# Products first: workflows import the models that they work on.
MODULES = ("wfo_products", "wfo_workflows")


@dataclass(frozen=True)
class DiscoveryFailure:
    """A module of a product package that could not be imported, and where in the package it went wrong."""

    module: str
    source: Source
    error: BaseException

    @property
    def sentence(self) -> str:
        return f"{self.module} cannot be imported: {type(self.error).__name__}: {self.error}"


_failures: list[DiscoveryFailure] = []


def failures() -> list[DiscoveryFailure]:
    """Return what went wrong in the last discovery."""
    return list(_failures)


def discover(extensions: Iterable[str]) -> list[DiscoveryFailure]:
    """Import the modules of every product package in the order of `extensions`, and return and keep the failures."""
    _failures.clear()
    for extension in extensions:
        config = _app_of(extension)
        if config is None:
            _failures.append(
                DiscoveryFailure(
                    extension,
                    Source("WFO_EXTENSIONS", 0),
                    LookupError("it is no installed app; name the package or its AppConfig"),
                )
            )
            continue
        for name in MODULES:
            for failure in _import_tree(f"{config.name}.{name}", config):
                # Modules that import a broken one fail as it does: say it once.
                if all((str(known.error), known.source) != (str(failure.error), failure.source) for known in _failures):
                    _failures.append(failure)
    for failure in _failures:
        logger.error("Product package broken at %s: %s", failure.source, failure.sentence)
    return failures()


def package_names(extensions: Iterable[str]) -> list[str]:
    """Return the names of the product packages, leaving out what is no installed app."""
    return [config.name for extension in extensions if (config := _app_of(extension)) is not None]


def _app_of(extension: str) -> AppConfig | None:
    for config in apps.get_app_configs():
        if extension in {config.name, f"{type(config).__module__}.{type(config).__qualname__}"}:
            return config
    return None


def _import_tree(name: str, config: AppConfig) -> Iterator[DiscoveryFailure]:
    """Import the module and, where it is a package, everything in it; sorted, so the order is the same everywhere."""
    if find_spec(name) is None:
        return
    module = _import(name)
    if isinstance(module, BaseException):
        yield DiscoveryFailure(name, _place_of(module, name, config), module)
        return
    children = sorted(info.name for info in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{name}."))
    for child in children:
        yield from _import_tree(child, config)


def _import(name: str) -> ModuleType | Exception:
    try:
        return importlib.import_module(name)
    except Exception as error:
        return error


def _place_of(error: BaseException, module: str, config: AppConfig) -> Source:
    """Return the deepest line of the package's own code that the error passed through."""
    if isinstance(error, SyntaxError) and error.filename:
        return Source(error.filename, error.lineno or 0)
    own = [
        Source(frame.filename, frame.lineno or 0)
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(config.path)
    ]
    if own:
        return own[-1]
    spec = find_spec(module)
    return Source(spec.origin if spec and spec.origin else module, 0)
