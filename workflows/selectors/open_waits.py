"""What a process waits for just now, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workflows.enums import WaitKind, WaitState
from workflows.models import Process, Wait

_COLUMNS = ("kind", "deadline", "on_timeout", "progress", "detail__attempt", "detail__of")


@dataclass(frozen=True)
class OpenWait:
    """A wait that a process stands at. `attempt` of `of` has failed, where it waits for another try."""

    kind: str
    deadline: datetime | None
    on_timeout: str
    progress: Any
    attempt: int | None
    of: int | None

    @property
    def next_retry_at(self) -> datetime | None:
        return self.deadline if self.kind == WaitKind.RETRY else None

    @property
    def ends_at(self) -> datetime | None:
        """When the waiting is over without what is waited for; for another try there is nothing to wait for."""
        return self.deadline if self.kind != WaitKind.RETRY else None


def open_wait(process: Process) -> OpenWait | None:
    """Return what a process waits for. One query; none if it does not wait."""
    if process.wait_kind is None:
        return None
    found = Wait.objects.filter(process_id=process.process_id, kind=process.wait_kind, state=WaitState.OPEN)
    row = found.order_by("-created_at").values_list(*_COLUMNS).first()
    return None if row is None else OpenWait(*row)
