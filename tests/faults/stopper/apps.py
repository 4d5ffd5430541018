"""An app that stops its process at a named place, so that a test can kill it exactly there."""

from __future__ import annotations

import os

from django.apps import AppConfig


class StopperConfig(AppConfig):
    """Reads STOP_AT and STOP_FILE; see `places.install`."""

    name = "tests.faults.stopper"
    label = "stopper"

    def ready(self) -> None:
        if wanted := os.environ.get("STOP_AT"):
            from tests.faults.stopper import places

            places.install(wanted, os.environ["STOP_FILE"])
