"""Authors of product packages import us in plain unit tests, before Django is set up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
SURFACE = ["products", "subscriptions.domain", "workflows", "workflows.forms", "workflows.testing"]

IMPORT = """
import importlib, sys
module = importlib.import_module(sys.argv[1])
missing = [name for name in getattr(module, "__all__", ()) if not hasattr(module, name)]
assert not missing, missing
from django.apps import apps
from django.conf import settings
assert not settings.configured, "importing it read a setting"
assert not apps.ready, "importing it set Django up"
"""


@pytest.mark.parametrize("module", SURFACE)
def test_the_public_surface_is_imported_without_settings(module: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, module],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
