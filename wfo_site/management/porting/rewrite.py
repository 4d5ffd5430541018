"""Rewrite the imports of one Python file, and leave every other byte of it as it is."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from wfo_site.management.porting.names import advice, destination, is_of_forms, is_old
from wfo_site.management.porting.package import OwnPackage

_LINE_LENGTH = 120
_OLD_PATH = re.compile(r"orchestrator(?:\.core)?(?:\.\w+)+")


@dataclass(frozen=True, order=True)
class ByHand:
    """Something that a person has to see to: the line, what stands there, and what to do."""

    line: int
    what: str
    sentence: str


@dataclass
class Rewritten:
    """What became of a file. `count`: how many import statements changed."""

    source: str
    count: int = 0
    by_hand: list[ByHand] = field(default_factory=list)


@dataclass(frozen=True)
class _Edit:
    """Replace the bytes from `start` to `end` by statements."""

    start: int
    end: int
    statements: list[str]


def rewrite(source: str, own: OwnPackage | None = None) -> Rewritten:
    """Return `source` with imports of orchestrator-core, and of modules of `own`, as they are written here.

    Raises SyntaxError for what is no Python.
    """
    text = _Text(source)
    result = Rewritten(source)
    edits: list[_Edit] = []
    for node in ast.walk(ast.parse(source)):
        statements: list[str] = []
        match node:
            case ast.ImportFrom(module=str() as module, level=0):
                statements = _from_import(node, module, own, result.by_hand)
            case ast.Import():
                statements = _import(node, own, result.by_hand)
            case ast.Constant(value=str() as value) if _OLD_PATH.fullmatch(value):
                result.by_hand.append(ByHand(node.lineno, repr(value), "The text names a module of orchestrator-core"))
        if statements:
            assert isinstance(node, ast.Import | ast.ImportFrom)
            start, end = text.span(node)
            edits.append(_Edit(start, end, [*text.comments_within(start, end), *statements]))
    result.source = text.replaced(edits)
    result.count = len(edits)
    result.by_hand.sort()
    return result


def _from_import(node: ast.ImportFrom, module: str, own: OwnPackage | None, by_hand: list[ByHand]) -> list[str]:
    """Return the statements to write instead, none to leave it."""
    names = [alias.name for alias in node.names]
    if own is not None and own.holds(module, names):
        return [_statement(own.qualified(module), map(_written, node.names))]
    if not is_old(module) and not is_of_forms(module):
        return []
    moved: dict[str, list[str]] = {}
    left: list[str] = []
    for alias in node.names:
        there = destination(module, alias.name)
        if there is None:
            left.append(_written(alias))
            if is_old(module):
                by_hand.append(ByHand(node.lineno, f"{module}: {alias.name}", advice(module, alias.name)))
            continue
        new_module, new_name = there
        kept_name = alias.asname or alias.name
        moved.setdefault(new_module, []).append(new_name if new_name == kept_name else f"{new_name} as {kept_name}")
    if not moved:
        return []
    rest = [_statement(module, left)] if left else []
    return [*rest, *(_statement(new_module, new_names) for new_module, new_names in moved.items())]


def _import(node: ast.Import, own: OwnPackage | None, by_hand: list[ByHand]) -> list[str]:
    written: list[str] = []
    for alias in node.names:
        if is_old(alias.name):
            sentence = "Import the names themselves, and run this again"
            by_hand.append(ByHand(node.lineno, f"import {alias.name}", sentence))
        if own is not None and own.holds(alias.name, []):
            if alias.asname:
                written.append(f"import {own.qualified(alias.name)} as {alias.asname}")
                continue
            sentence = f"Write import {own.qualified(alias.name)}, and the new name where the old one is used"
            by_hand.append(ByHand(node.lineno, f"import {alias.name}", sentence))
        written.append(f"import {_written(alias)}")
    return written if written != [f"import {_written(alias)}" for alias in node.names] else []


def _written(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


def _statement(module: str, names: Iterable[str]) -> str:
    listed = list(names)
    line = f"from {module} import {', '.join(listed)}"
    if len(line) <= _LINE_LENGTH:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in listed), ")"])


class _Text:
    """A source as bytes, which is how the parser counts columns."""

    def __init__(self, source: str) -> None:
        self._bytes = source.encode()
        self._newline = "\r\n" if "\r\n" in source else "\n"
        self._starts = [0]
        for line in self._bytes.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def span(self, node: ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self._starts[node.lineno - 1] + node.col_offset,
            self._starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def comments_within(self, start: int, end: int) -> list[str]:
        """Return the comments inside a statement, which go before what replaces it."""
        statement = self._bytes[start:end].decode()
        return [
            token.string
            for token in tokenize.generate_tokens(io.StringIO(statement).readline)
            if token.type == tokenize.COMMENT
        ]

    def replaced(self, edits: Sequence[_Edit]) -> str:
        written = self._bytes
        for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
            written = written[: edit.start] + self._laid_out(edit).encode() + written[edit.end :]
        return written.decode()

    def _laid_out(self, edit: _Edit) -> str:
        line_start = max(start for start in self._starts if start <= edit.start)
        before = self._bytes[line_start : edit.start].decode()
        if before.strip():
            # Behind a semicolon or a colon: everything has to stay on the line.
            statements = [each for each in edit.statements if not each.startswith("#")]
            return "; ".join(statements).replace("\n", self._newline)
        lines = [line for each in edit.statements for line in _lines(each)]
        return f"{self._newline}{before}".join(lines)


def _lines(statement: str) -> Iterator[str]:
    yield from statement.split("\n")
