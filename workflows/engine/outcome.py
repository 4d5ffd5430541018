"""What a step came to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from workflows.enums import StepStatus, WaitKind


@dataclass(frozen=True)
class Outcome:
    """How a step ended. `result` is what is merged into the state: it may hold live models, which are saved first.

    `opens` writes, along with the row, what the process waits for; it gets the process and the key of the step.
    """

    status: StepStatus
    result: dict[str, Any] = field(default_factory=dict)
    error: BaseException | None = None
    # What the process waits for, where the status does not tell.
    wait_kind: WaitKind | None = None
    opens: Callable[[UUID, str], object] | None = None


SUCCESS: Final = Outcome(StepStatus.SUCCESS)
SKIPPED: Final = Outcome(StepStatus.SKIPPED)
