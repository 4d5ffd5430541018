from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from django.apps import AppConfig


class StopperConfig(AppConfig):
    """Reads STOP_AT, "<point>|<step>|<how many times before>", and STOP_FILE, which it makes when it stops there.

    A point is one of the engine's fault points, or `inventory.<method>`: right after the inventory has committed it.
    """

    name = "tests.faults.stopper"
    label = "stopper"

    def ready(self) -> None:
        if wanted := os.environ.get("STOP_AT"):
            point, step, before = wanted.split("|")
            _install(point, step, int(before), Path(os.environ["STOP_FILE"]))


def _install(point: str, step: str, before: int, file: Path) -> None:
    left = before
    mutex = threading.Lock()

    def stop_here() -> None:
        nonlocal left
        with mutex:
            left -= 1
            if left >= 0:
                return
        file.touch()
        threading.Event().wait()

    if point.startswith("inventory."):
        _wrap_inventory(point.removeprefix("inventory."), stop_here)
        return
    from workflows.engine import fault_points

    def hook(reached: fault_points.FaultPoint, at: str) -> None:
        if (reached, at) == (point, step):
            stop_here()

    fault_points.install(hook)


def _wrap_inventory(method: str, stop_here: Any) -> None:
    from wfo_site.examples.network.inventory.embedded import EmbeddedInventory

    original = getattr(EmbeddedInventory, method)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        stop_here()
        return result

    setattr(EmbeddedInventory, method, wrapped)
