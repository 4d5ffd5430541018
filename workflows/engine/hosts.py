"""Where a process is run: whose claim it is, what is served there, and who hears of what is given up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from workflows.engine.claims import Claim
from workflows.engine.served import EVERYTHING, Served


def never() -> bool:
    return False


def _nobody_hears(_: Claim) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Host:
    """A worker, as the engine sees it. `runner` is its name in the rows.

    `should_stop` is asked between steps; with `one_step`, a process is given back as soon as a step of it is stored.
    `served`: its queues; what asks for another one is handed over. `let_go` hears of a claim that could not be given
    back because the database was away. `leave` hears of a process that the code here does not fit, and that others may
    take now: leave it alone for a lease. Without it, there are no others.
    """

    runner: str
    should_stop: Callable[[], bool] = never
    one_step: bool = False
    served: Served = EVERYTHING
    let_go: Callable[[Claim], None] = _nobody_hears
    leave: Callable[[UUID], None] | None = None
