"""Run one process as far as it goes: claim it, do step after step, write each, stop where it must wait.

The body of a default step runs outside any transaction. If the process is lost meanwhile (an abort, a lease that ran
out), the fence drops the result. If the database is lost, the runner lets go; whoever claims next continues after the
last step that was written.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.db import connection

from wfo_site.common.db.errors import is_lost
from workflows.engine import children, claims, store
from workflows.engine.announcements import announce
from workflows.engine.claims import Claim
from workflows.engine.fault_points import FaultPoint, reached
from workflows.engine.hosts import Host, never
from workflows.engine.process_run import ProcessRun
from workflows.engine.recorder import DATABASE_LOST
from workflows.engine.registry import Workflow, get_workflow
from workflows.engine.served import EVERYTHING, Served
from workflows.engine.store import FenceLost
from workflows.engine.tree import program_of
from workflows.enums import ProcessStatus

logger = logging.getLogger(__name__)


def run(
    process_id: UUID,
    *,
    runner: str,
    alone: bool = False,
    should_stop: Callable[[], bool] = never,
    served: Served = EVERYTHING,
) -> bool:
    """Run a process as `run_on` does, where there are no other hosts."""
    return run_on(Host(runner=runner, should_stop=should_stop, served=served), process_id, alone=alone)


def run_on(host: Host, process_id: UUID, *, alone: bool = False) -> bool:
    """Claim a process and run it until it ends, waits, is paused, or the host is to stop. Say whether it was claimed.

    `alone`: nothing else runs in this worker, so one that was lost may be taken.
    """
    reached(FaultPoint.BEFORE_CLAIM)
    claim = _claim(process_id, host, alone=alone)
    if claim is None:
        return False
    reached(FaultPoint.AFTER_CLAIM)
    workflow = get_workflow(claim.workflow_name)
    if workflow is None:
        # Another worker may have newer code.
        logger.warning("process %s: workflow %s is not in this code", process_id, claim.workflow_name)
        if host.leave is None:
            claims.hand_back(claim, for_seconds=claims.lease().total_seconds())
        else:
            claims.leave_to_others(claim, at_most=None)
            host.leave(process_id)
        return True
    try:
        _go(claim, workflow, host)
    except FenceLost:
        logger.info("process %s was taken from %s", process_id, host.runner)
        claims.end_aborted(claim, host.runner)
    except DATABASE_LOST:
        # Not known whether the last write arrived. The next runner sees what is stored.
        logger.exception("process %s: the database was lost", process_id)
        connection.close()
        host.let_go(claim)
    return True


def _claim(process_id: UUID, host: Host, *, alone: bool) -> Claim | None:
    """Claim a process, on a new connection if the one that this thread has kept turns out to be dead."""
    take = partial(claims.claim, process_id, host.runner, alone=alone, queues=host.served.names)
    try:
        return take()
    except DATABASE_LOST as error:
        if connection.in_atomic_block or not is_lost(error):
            raise
        connection.close()
        return take()


def _go(claim: Claim, workflow: Workflow, host: Host) -> None:
    """Run a claimed process. What the engine itself cannot cope with fails the process: it must not come back for ever.

    Raises FenceLost and DATABASE_LOST.
    """
    try:
        process = ProcessRun(claim, workflow, program_of(workflow, claim.ref), host)
        if process.fit.problem and host.leave is not None and claims.leave_to_others(claim, at_most=claims.lease()):
            # While a release is rolled out, workers with the code that it began with may still be there.
            logger.warning("process %s: %s", claim.process_id, process.fit.problem)
            host.leave(claim.process_id)
            return
        process.go()
    except (FenceLost, *DATABASE_LOST):
        raise
    except Exception as error:
        logger.exception("process %s: the engine cannot run it", claim.process_id)
        children.end_without_row(claim, store.failure_where_it_stands(error))
        announce(claim.process_id, ProcessStatus.FAILED, parent_id=claim.parent_id)
