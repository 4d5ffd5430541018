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

    The point is one of the engine's fault points, or `inventory.<method>`: right after the inventory has committed it,
    or `statement`: before one that writes to a table of processes, or `answer`: before a program is told what it has
    changed. The file holds the moment, in seconds since 1970.
    """
    point, step, before, *act = stop_at.split("|")
    stop_here = _stopper(int(before), Path(file), _ACTS[act[0] if act else "wait"])
    if point.startswith("inventory."):
        _wrap_inventory(point.removeprefix("inventory."), stop_here)
        return
    if point in _WRAPPERS:
        _WRAPPERS[point](stop_here)
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


def _wrap_statements(stop_here: Callable[[], None]) -> None:
    from django.db.backends.signals import connection_created

    def wrapper(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        if sql.startswith(("INSERT", "UPDATE", "DELETE")) and '"workflows_' in sql:
            stop_here()
        return execute(sql, *args)

    def watch(connection: Any, **_: Any) -> None:
        if wrapper not in connection.execute_wrappers:
            connection.execute_wrappers.append(wrapper)

    connection_created.connect(watch, weak=False)


def _wrap_answers(stop_here: Callable[[], None]) -> None:
    from rest_framework.views import APIView

    original = APIView.finalize_response

    def wrapped(view: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        if request.method in {"POST", "PUT"}:
            stop_here()
        return original(view, request, *args, **kwargs)

    setattr(APIView, "finalize_response", wrapped)  # noqa: B010 - the type checker forbids the plain way


_WRAPPERS = {"statement": _wrap_statements, "answer": _wrap_answers}
