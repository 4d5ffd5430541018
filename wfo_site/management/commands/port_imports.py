"""`manage.py port_imports DIR`: write the imports of a product package for orchestrator-core as they are here."""

from __future__ import annotations

import difflib
import tokenize
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from wfo_site.management.porting.package import OwnPackage, python_files
from wfo_site.management.porting.rewrite import rewrite


class Command(BaseCommand):
    help = (
        "Rewrite the imports of a product package that was written for orchestrator-core, and list what is left to do "
        "by hand. Running it again changes nothing."
    )
    # The package may be the one that the checks complain of.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dir", type=Path, help="the folder of the package")
        parser.add_argument(
            "--package",
            help="the name that the folder is imported by (by default its own), for imports of its modules",
        )
        parser.add_argument("--dry-run", action="store_true", help="show the changes and write nothing")

    def handle(self, *_args: Any, **options: Any) -> None:
        folder: Path = options["dir"].resolve()
        if not folder.is_dir():
            raise CommandError(f"{options['dir']} is no folder")
        own = OwnPackage(folder, _package_name(folder, options["package"]))
        statements = files = left = 0
        for file in python_files(folder):
            name = str(file.relative_to(folder))
            try:
                before, encoding = _read(file)
                result = rewrite(before, own)
            except (SyntaxError, UnicodeDecodeError) as error:
                self.stderr.write(f"{name}: not read: {error}")
                left += 1
                continue
            for each in result.by_hand:
                self.stdout.write(f"{name}:{each.line}: {each.what}: {each.sentence}.")
            left += len(result.by_hand)
            if result.source == before:
                continue
            statements += result.count
            files += 1
            if options["dry_run"]:
                self.stdout.writelines(_difference(name, before, result.source))
            else:
                _write(file, result.source, encoding)
        verb = "would be rewritten" if options["dry_run"] else "rewritten"
        self.stdout.write(f"{statements} imports in {files} files {verb}, {left} things left to do by hand.")


def _package_name(folder: Path, given: str | None) -> str:
    name = given or folder.name
    if not all(part.isidentifier() for part in name.split(".")):
        raise CommandError(f"{name!r} cannot be imported; say with --package how the folder is, or rename it")
    return name


def _read(file: Path) -> tuple[str, str]:
    """Return text and encoding, line ends as they are."""
    content = file.read_bytes()
    with file.open("rb") as lines:
        encoding, _ = tokenize.detect_encoding(lines.readline)
    return content.decode(encoding), encoding


def _write(file: Path, source: str, encoding: str) -> None:
    """Put the new text in place of the old in one go, so that an interruption leaves either."""
    new = file.with_suffix(".py.new")
    new.write_bytes(source.encode(encoding))
    new.chmod(file.stat().st_mode)
    new.replace(file)


def _difference(name: str, before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm="")
    return [f"{line}\n" for line in lines]
