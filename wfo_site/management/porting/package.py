"""A product package on disk: which modules are its own, and under which name they are imported from now on."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages", "venv"})


@dataclass(frozen=True)
class OwnPackage:
    """A folder whose modules used to be imported from the top, as `products.node`, and now are below `name`."""

    folder: Path
    name: str

    def holds(self, module: str, names: Sequence[str]) -> bool:
        """Say whether `module`, with these names, is one of the folder's.

        Where a module of the same name is here too, as `workflows`, the folder's has to define all the names.
        """
        top = module.partition(".")[0]
        if top in sys.stdlib_module_names or top == self.name.partition(".")[0]:
            return False
        place = self.folder.joinpath(*module.split("."))
        file = place.with_suffix(".py") if place.with_suffix(".py").is_file() else place / "__init__.py"
        if not file.is_file() and not any(place.glob("*.py")):
            return False
        if not _is_here(module):
            return True
        defined = set(_defined(file)) if file.is_file() else set()
        return bool(names) and all(name in defined or _is_module(place / name) for name in names)

    def qualified(self, module: str) -> str:
        return f"{self.name}.{module}"


def python_files(folder: Path) -> Iterator[Path]:
    """Return the Python files below a folder, in order; not those of tools and virtual environments."""
    for file in sorted(folder.rglob("*.py")):
        parts = file.relative_to(folder).parts
        if not any(part.startswith(".") or part in _SKIPPED for part in parts):
            yield file


def _is_here(module: str) -> bool:
    """Say whether this program has a module of that name, or could import it otherwise."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _is_module(place: Path) -> bool:
    return place.with_suffix(".py").is_file() or place.is_dir()


def _defined(file: Path) -> Iterator[str]:
    """Return the names that a module binds at its top level."""
    try:
        body = ast.parse(file.read_bytes()).body
    except SyntaxError:
        return
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Import() | ast.ImportFrom():
                yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
            case ast.Assign():
                yield from (target.id for target in node.targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name() as target):
                yield target.id
