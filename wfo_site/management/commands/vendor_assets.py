"""Keep the vendored browser files honest: written from npm packages, verified by checksum, built without Node."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
import tomllib
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

STATIC_DIR = Path(settings.STATICFILES_DIRS[0])
MANIFEST = "vendor/VENDOR.toml"
_CHECKSUM = re.compile(r'sha256 = "[0-9a-f]*"')
# The maps are not kept, and Django's manifest storage refuses a reference to a file that is not there.
_SOURCE_MAP = re.compile(rb"\n?(?:/\*|//)# sourceMappingURL=\S+?(?:\s*\*/)?\s*$")


class Command(BaseCommand):
    help = "Verify the vendored browser files (--check), or write them from packages that `npm pack` fetched (--from)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--check", action="store_true", help="compare every file with its checksum")
        what.add_argument("--from", dest="packages", type=Path, help="directory that holds the .tgz files of npm pack")
        parser.add_argument("--static", type=Path, default=STATIC_DIR, help="static directory, default: the project's")

    def handle(self, *_args: object, **options: Any) -> None:
        static: Path = options["static"]
        if options["check"]:
            check(static)
            self.stdout.write(self.style.SUCCESS("Every vendored file has its checksum."))
        else:
            write(static, options["packages"])
            self.stdout.write(self.style.SUCCESS(f"Written; the new checksums stand in {MANIFEST}."))


def check(static: Path) -> None:
    """Compare files with the manifest both ways. Raises CommandError listing what is missing, changed or unlisted."""
    manifest = _manifest(static)
    expected = {entry["path"]: entry["sha256"] for package in manifest for entry in _entries(package)}
    wrong = []
    for path, checksum in expected.items():
        file = static / path
        if not file.is_file():
            wrong.append(f"{path} is missing")
        elif _sha256(file.read_bytes()) != checksum:
            wrong.append(f"{path} has changed")
    kept = {file.relative_to(static).as_posix() for file in (static / "vendor").rglob("*") if file.is_file()}
    wrong += [f"{path} is not listed" for path in sorted(kept - set(expected) - {MANIFEST, "vendor/LICENSES.txt"})]
    if wrong:
        raise CommandError(f"{'; '.join(wrong)}. Restore the files, or write them anew with --from.")


def write(static: Path, packages: Path) -> None:
    """Write every listed file from its npm package and put the checksums found into the manifest."""
    checksums = []
    for package in _manifest(static):
        archive = packages / f"{package['npm'].lstrip('@').replace('/', '-')}-{package['version']}.tgz"
        if not archive.is_file():
            name = f"{package['npm']}@{package['version']}"
            raise CommandError(f"{archive} is missing; fetch it with: npm pack {name} --pack-destination {packages}")
        checksums.append(_sha256(archive.read_bytes()))
        with tarfile.open(archive) as tar:
            for entry in _entries(package):
                content = _sprite(tar, entry["icons"]) if "icons" in entry else _member(tar, entry["source"])
                file = static / entry["path"]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
                checksums.append(_sha256(content))
    # The checksums stand in the file in the order in which they were computed: the package's, then its files'.
    found = iter(checksums)
    text = (static / MANIFEST).read_text()
    (static / MANIFEST).write_text(_CHECKSUM.sub(lambda _: f'sha256 = "{next(found)}"', text))


def _manifest(static: Path) -> list[dict[str, Any]]:
    packages: list[dict[str, Any]] = tomllib.loads((static / MANIFEST).read_text())["package"]
    return packages


def _entries(package: dict[str, Any]) -> list[dict[str, Any]]:
    return [*package.get("file", []), *([package["sprite"]] if "sprite" in package else [])]


def _name(tar: tarfile.TarFile) -> str:
    return Path(str(tar.name)).name


def _member(tar: tarfile.TarFile, source: str) -> bytes:
    stream = tar.extractfile(f"package/{source}")
    if stream is None:
        raise CommandError(f"{source} is a directory in {_name(tar)}; name a file.")
    return _SOURCE_MAP.sub(b"\n", stream.read())


def _sprite(tar: tarfile.TarFile, icons: list[str]) -> bytes:
    nodes = json.loads(_member(tar, "tabler-nodes-outline.json"))
    if unknown := [icon for icon in icons if icon not in nodes]:
        raise CommandError(f"{_name(tar)} has no icons {', '.join(unknown)}; correct the list in {MANIFEST}.")
    lines = ['<svg xmlns="http://www.w3.org/2000/svg">', "<!-- Tabler Icons, MIT, (c) Paweł Kuna -->"]
    for icon in sorted(icons):
        shapes = "".join(
            f"<{name} {' '.join(f'{key}={quoteattr(str(value))}' for key, value in attributes.items())}/>"
            for name, attributes in nodes[icon]
        )
        lines.append(f'<symbol id="{icon}" viewBox="0 0 24 24">{shapes}</symbol>')
    return "\n".join([*lines, "</svg>\n"]).encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
