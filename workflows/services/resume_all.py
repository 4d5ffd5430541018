"""Try every task again that failed, one caller at a time."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from wfo_site.common.context import SYSTEM_USER
from wfo_site.common.errors import Conflict
from workflows.engine.authorization import Asker
from workflows.enums import Priority, ProcessStatus, WaitKind
from workflows.models import Process
from workflows.services import leases
from workflows.services.engine import check_engine_takes_changes
from workflows.services.resume import Resumption, let_go_on, resumptions_of
from workflows.states import FAILED

logger = logging.getLogger(__name__)

RESUME_ALL: Final = "resume-all"
# A lease lasts this long, longer for many tasks: then whoever has it was lost.
_SECONDS: Final = 30
_TASKS_PER_SECOND: Final = 10


def resume_all_tasks(*, user: str = SYSTEM_USER, user_model: Asker = None) -> int:
    """Resume all tasks that failed or wait for another try, in one transaction, and return how many there were.

    One that cannot be resumed, or not by this user, is logged and left. They all give way to what somebody waits for.
    Raises Locked, and Conflict while another call is at it.
    """
    check_engine_takes_changes()
    stopped = Process.objects.filter(is_task=True, last_status__in=FAILED | {ProcessStatus.WAITING})
    # What waits for its children has nothing of its own to try again.
    tasks = stopped.exclude(wait_kind=WaitKind.CHILDREN)
    seconds = max(_SECONDS, tasks.count() // _TASKS_PER_SECOND)
    holder = leases.take(RESUME_ALL, seconds=seconds)
    if holder is None:
        raise Conflict("Another request to resume all processes is in progress")
    try:
        found = list(tasks.order_by("started_at").values_list("process_id", flat=True))
        let_go_on(_resumable(found, user_model), user=user, priority=Priority.BATCH)
    finally:
        leases.give_back(RESUME_ALL, holder)
    return len(found)


def _resumable(process_ids: Sequence[UUID], user_model: Asker) -> list[Resumption]:
    found: list[Resumption] = []
    for process_id in process_ids:
        try:
            found += resumptions_of(process_id, user_model=user_model)
        except Exception:
            # Its form is code of a product package and may raise anything; the other tasks must not suffer for it.
            logger.exception("task %s could not be resumed", process_id)
    return found
