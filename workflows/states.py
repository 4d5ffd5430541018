"""The transition table of a process, and the groups of statuses that rules speak of."""

from __future__ import annotations

from typing import Final

from workflows.enums import ProcessStatus as P
from workflows.enums import StepStatus as S

# A runner may take a process in these.
RUNNABLE: Final = frozenset({P.CREATED, P.RESUMED, P.RUNNING})
# A person, a callback or a timer may set these going again.
RESUMABLE: Final = frozenset(
    {P.SUSPENDED, P.WAITING, P.AWAITING_CALLBACK, P.FAILED, P.API_UNAVAILABLE, P.INCONSISTENT_DATA}
)
FAILED: Final = frozenset({P.FAILED, P.API_UNAVAILABLE, P.INCONSISTENT_DATA})
ENDED: Final = frozenset({P.COMPLETED, P.ABORTED})

TRANSITIONS: Final[dict[P, frozenset[P]]] = {
    P.CREATED: frozenset({P.RUNNING, P.ABORTED, P.FAILED}),
    P.RESUMED: frozenset({P.RUNNING, P.ABORTED, P.FAILED}),
    P.RUNNING: frozenset(
        {
            P.SUSPENDED,
            P.WAITING,
            P.AWAITING_CALLBACK,
            P.FAILED,
            P.API_UNAVAILABLE,
            P.INCONSISTENT_DATA,
            P.COMPLETED,
            P.ABORTED,
            P.RESUMED,
        }
    ),
    **{status: frozenset({P.RESUMED, P.ABORTED, P.FAILED}) for status in RESUMABLE},
    P.COMPLETED: frozenset(),
    P.ABORTED: frozenset(),
}

# Rows whose delta is part of the state.
CLEARED_STEPS: Final = frozenset({S.SUCCESS, S.SKIPPED, S.COMPLETE})
# Rows whose delta counts only while they are the last one.
OPEN_STEPS: Final = frozenset({S.SUSPEND, S.AWAITING_CALLBACK})

PROCESS_STATUS_AFTER: Final[dict[S, P]] = {
    S.SUCCESS: P.RUNNING,
    S.SKIPPED: P.RUNNING,
    S.SUSPEND: P.SUSPENDED,
    S.WAITING: P.WAITING,
    S.AWAITING_CALLBACK: P.AWAITING_CALLBACK,
    S.ABORT: P.ABORTED,
    S.FAILED: P.FAILED,
    S.COMPLETE: P.COMPLETED,
}


def may_become(old: str, new: str) -> bool:
    """Say whether the transition table allows `old` to become `new`."""
    return P(new) in TRANSITIONS[P(old)]
