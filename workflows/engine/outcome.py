"""What a step came to, and what that makes of the process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from workflows.engine.errors import ApiException, InconsistentDataError
from workflows.enums import ProcessStatus, StepStatus, WaitKind

# By name, because it comes from whichever HTTP library a client uses.
_UNREACHABLE: Final = "MaxRetryError"


@dataclass(frozen=True)
class Outcome:
    """How a step ended. `result` is what is merged into the state: it may hold live models, which are saved first."""

    status: StepStatus
    result: dict[str, Any] = field(default_factory=dict)
    error: BaseException | None = None
    # What the process waits for, where the status does not tell.
    wait_kind: WaitKind | None = None


SUCCESS: Final = Outcome(StepStatus.SUCCESS)
SKIPPED: Final = Outcome(StepStatus.SKIPPED)


def failed(error: BaseException) -> Outcome:
    return Outcome(StepStatus.FAILED, error=error)


def status_of_failure(error: BaseException | None, *, is_task: bool) -> ProcessStatus:
    """Classify a failure: only tasks tell the absence of another system and contradicting data from other errors."""
    if is_task and isinstance(error, InconsistentDataError):
        return ProcessStatus.INCONSISTENT_DATA
    if is_task and (isinstance(error, ApiException) or type(error).__name__ == _UNREACHABLE):
        return ProcessStatus.API_UNAVAILABLE
    return ProcessStatus.FAILED
