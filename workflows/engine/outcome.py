"""What a step came to, and what that makes of the process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from workflows.engine.errors import InconsistentDataError, is_api_exception
from workflows.enums import ProcessStatus, StepStatus, WaitKind

# By name, because it comes from whichever HTTP library a client uses.
_UNREACHABLE: Final = "MaxRetryError"


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


def status_of_failure(error: BaseException | None, *, is_task: bool) -> ProcessStatus:
    """Classify a failure: only tasks tell the absence of another system and contradicting data from other errors."""
    if is_task and isinstance(error, InconsistentDataError):
        return ProcessStatus.INCONSISTENT_DATA
    if is_task and (is_api_exception(error) or type(error).__name__ == _UNREACHABLE):
        return ProcessStatus.API_UNAVAILABLE
    return ProcessStatus.FAILED
