"""Which version of the code runs, as far as a git checkout can tell."""

from __future__ import annotations

import functools
from pathlib import Path


@functools.cache
def commit_hash() -> str | None:
    """Return the commit that is checked out; None outside a checkout. Reads files only, once per process."""
    git = Path(__file__).resolve().parents[2] / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head[:40]
        name = head.removeprefix("ref: ")
        if (git / name).is_file():
            return (git / name).read_text().strip()[:40]
        packed = (git / "packed-refs").read_text().splitlines()
    except OSError:
        return None
    return next((line.split()[0][:40] for line in packed if line.endswith(f" {name}")), None)
