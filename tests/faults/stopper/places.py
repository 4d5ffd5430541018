"""Places at which a process of ours stops, dies or falls asleep, so that a test can look at exactly that moment."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def _wait_for_ever(_file: Path) -> None:
    threading.Event().wait()


def _wait_while_there(file: Path) -> None:
    while file.exists():
        time.sleep(0.01)


def _die(_file: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _freeze(_file: Path) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


# What a process does at its place, once it has made the file that says so.
_ACTS: dict[str, Callable[[Path], None]] = {
    "wait": _wait_for_ever,
    "gate": _wait_while_there,
    "die": _die,
    "freeze": _freeze,
}


def install(stop_at: str, file: str) -> None:
    """Stop at "<point>|<step>|<how many times before>|<wait, gate, die or freeze>" and make `file` then.

    The point is one of the engine's fault points, or `inventory.<method>`: right after the inventory has committed it.
    The file holds the moment, in seconds since 1970.
    """
    point, step, before, *act = stop_at.split("|")
    stop_here = _stopper(int(before), Path(file), _ACTS[act[0] if act else "wait"])
    if point.startswith("inventory."):
        _wrap_inventory(point.removeprefix("inventory."), stop_here)
        return
    from workflows.engine import fault_points

    def hook(reached: fault_points.FaultPoint, at: str) -> None:
        if (reached, at) == (point, step):
            stop_here()

    fault_points.install(hook)


def _stopper(before: int, file: Path, act: Callable[[Path], None]) -> Callable[[], None]:
    left = [before]
    mutex = threading.Lock()

    def stop_here() -> None:
        with mutex:
            left[0] -= 1
            if left[0] != -1:
                return
        half = file.with_suffix(".half")
        half.write_text(str(time.time()))
        half.rename(file)
        act(file)

    return stop_here


def _wrap_inventory(method: str, stop_here: Callable[[], None]) -> None:
    from wfo_site.examples.network.inventory.embedded import EmbeddedInventory

    original = getattr(EmbeddedInventory, method)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        stop_here()
        return result

    setattr(EmbeddedInventory, method, wrapped)
