"""Whether the engine runs, is pausing or paused."""

from __future__ import annotations

from typing import TypedDict

from workflows.engine import claims
from workflows.models import EngineSettings


class EngineStatus(TypedDict):
    """`global_status`: RUNNING, PAUSING (paused, but steps still run) or PAUSED."""

    global_lock: bool
    global_status: str
    running_processes: int


def engine_status() -> EngineStatus:
    """Return the status in two statements. `running_processes` counts live leases."""
    locked = EngineSettings.objects.filter(global_lock=True).exists()
    running = claims.running_count()
    status = "RUNNING" if not locked else "PAUSING" if running else "PAUSED"
    return {"global_lock": locked, "global_status": status, "running_processes": running}
