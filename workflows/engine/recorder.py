"""Turn outcomes into rows: what changed since the row began, models saved in the same transaction, failures counted."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import InterfaceError, InternalError, OperationalError, transaction

from subscriptions.services import find_models, save_models
from wfo_site.common.clock import now
from wfo_site.common.db.errors import may_work_later
from wfo_site.common.json import to_json
from workflows.engine import children, store
from workflows.engine.announcements import announce
from workflows.engine.bells import ring
from workflows.engine.callback_tokens import conceal, mask
from workflows.engine.claims import Claim
from workflows.engine.classifying import status_of_failure
from workflows.engine.errors import error_to_dict, failed_reason, traceback_text
from workflows.engine.fault_points import FaultPoint, reached
from workflows.engine.history import SNAPSHOT_BYTES, SNAPSHOT_ROWS, History, Row
from workflows.engine.outcome import Outcome
from workflows.engine.state import Delta, difference
from workflows.engine.steps import State
from workflows.engine.store import FenceLost, ProcessChange, StepRow
from workflows.enums import ProcessStatus, StepStatus, WaitKind
from workflows.states import CLEARED_STEPS, ENDED, FAILED, PROCESS_STATUS_AFTER

logger = logging.getLogger(__name__)

_WAIT_KINDS = {
    StepStatus.SUSPEND: WaitKind.INPUT,
    StepStatus.AWAITING_CALLBACK: WaitKind.CALLBACK,
    StepStatus.WAITING: WaitKind.RETRY,
}
# The database was lost, not the step: nobody knows whether the last write arrived.
DATABASE_LOST = (OperationalError, InterfaceError, InternalError)


@dataclass(frozen=True)
class Doing:
    """The step that an outcome is of.

    `merge` turns the stored form of its result into the state after it. `sub_step`: the row is a group that has done
    this much. `failure` says what an exception comes to. `queue` is the one that it asks for, `queue_after` that of
    what follows it, given the state after it. `detail` is what else the row keeps of it once it is done.
    """

    name: str
    key: str
    assignee: str
    started_at: datetime
    merge: Callable[[State], State]
    failure: Callable[[BaseException], Outcome]
    queue: str | None
    queue_after: Callable[[State], str | None]
    sub_step: str | None = None
    detail: dict[str, Any] | None = None


class Recorder:
    """Keeps in memory what is stored of one process.

    `state` is the stored state, `base` the state before the row under way (the same when there is none).
    """

    def __init__(
        self,
        claim: Claim,
        history: History,
        *,
        user: str,
        plan_id: int | None,
        is_served: Callable[[str | None], bool] = lambda _: True,
    ) -> None:
        self.claim = claim
        # The queue that the process is on, and whether this runner serves another one.
        self.queue = claim.queue
        self._is_served = is_served
        self.user = user
        self.state: State = history.state
        self.base: State = history.base
        # The row of a group under way is written over; a suspended step gets a second row when it is done, and so does
        # a group whose state somebody has changed: what it did before that comes before it in the fold.
        last = history.last if not history.is_edited else None
        self.open_row: Row | None = last if last is not None and (last.is_under_way or last.is_forked) else None
        # The row before the one under way, or the last: an identical failure is counted there.
        self.previous: Row | None = history.before_last if self.open_row else last
        self.seq = claim.last_seq
        # The steps that the group under way does without.
        self.left_out: tuple[str, ...] = history.last.left_out if history.last is not None else ()
        # Inputs merged into the state but not yet marked so.
        self.inputs: list[UUID] = []
        # The engine was paused when the last row was written.
        self.paused = False
        self.has_written = False
        # Secrets handed to steps, with what stands for them in the stored state.
        self.secrets: dict[str, str] = {}
        self._plan_id = plan_id
        self._rows_since_snapshot = history.rows_since_snapshot
        self._bytes_since_snapshot = 0

    @property
    def next_seq(self) -> int:
        """The number of the row that the step under way writes."""
        return self.open_row.seq if self.open_row else self.seq + 1

    def record(self, outcome: Outcome, doing: Doing) -> bool:
        """Write a row and return whether the process goes on here.

        An error while writing becomes the step's failure. Raises FenceLost if the process is no longer ours.
        """
        try:
            return self.record_in_transaction(outcome, doing)
        except FenceLost:
            raise
        except Exception as error:  # what the step returned cannot be stored: that is its failure
            if may_work_later(error):
                raise
            return self._record_failed_write(error, doing)

    def _record_failed_write(self, error: Exception, doing: Doing) -> bool:
        try:
            return self.record_in_transaction(doing.failure(error), replace(doing, sub_step=None))
        except FenceLost:
            raise
        except Exception as second:  # no row can be written; the process itself must still say so
            if may_work_later(second):
                raise
            logger.exception("process %s: not even the failure could be written", self.claim.process_id)
            change = ProcessChange(
                ProcessStatus.FAILED,
                last_step="Unknown",
                assignee=doing.assignee,
                failed_reason=self.shown_form(failed_reason(second)),
                traceback=self.shown_form(traceback_text(second)),
                queue=doing.queue,
            )
            children.end_without_row(self.claim, change.columns(self.seq))
            self.announce(ProcessStatus.FAILED)
            return False

    def record_in_transaction(self, outcome: Outcome, doing: Doing) -> bool:
        """Like `record`, for a caller whose transaction holds more than the row: every error is raised."""
        models = find_models(outcome.result)
        if not models:
            return self._write(outcome, doing, saved=[])
        with transaction.atomic():
            save_models(models)
            return self._write(outcome, doing, saved=list(dict.fromkeys(model.subscription_id for model in models)))

    def _write(self, outcome: Outcome, doing: Doing, *, saved: list[UUID]) -> bool:
        is_failure = outcome.error is not None
        after = self.base if is_failure else doing.merge(self._stored_form(outcome.result))
        row = self._row(outcome, doing, after)
        status = PROCESS_STATUS_AFTER[outcome.status]
        if outcome.status is StepStatus.FAILED:
            status = status_of_failure(outcome.error, is_task=self.claim.is_task)
        queue = self._queue_after(doing, status, after)
        change = ProcessChange(
            status,
            last_step=doing.name,
            assignee=doing.assignee,
            failed_reason=self.shown_form(failed_reason(outcome.error)) if outcome.error else None,
            traceback=self.shown_form(traceback_text(outcome.error)) if outcome.error else None,
            wait_kind=outcome.wait_kind or _WAIT_KINDS.get(outcome.status),
            plan_id=self._plan_id,
            queue=queue,
            is_handed_over=status == ProcessStatus.RUNNING and queue != self.queue and not self._is_served(queue),
        )
        reached(FaultPoint.BEFORE_WRITE, doing.name)
        alongside: list[Callable[[], object]] = (
            [partial(outcome.opens, self.claim.process_id, doing.key)] if outcome.opens else []
        )
        if self.claim.parent_seq is not None and status in ENDED | FAILED:
            alongside.append(partial(children.tell_parent, self.claim, status))
        # A failed row holds no state, so it has not taken the inputs in: they are merged again by the next try.
        inputs = [] if is_failure else self.inputs
        paused = store.write_step(self.claim, row, change, inputs=inputs, alongside=alongside)
        reached(FaultPoint.WRITTEN, doing.name)
        self._remember(row, after)
        self.announce(status, saved)
        self.paused, self.queue = paused, queue
        if change.is_handed_over:
            ring([self.claim.process_id])
        return status == ProcessStatus.RUNNING and not paused and not change.is_handed_over

    @staticmethod
    def _queue_after(doing: Doing, status: ProcessStatus, after: State) -> str | None:
        """Return the queue that the process goes on on: where the step is not done, that of the step itself."""
        if status in ENDED:
            return None
        return doing.queue_after(after) if status == ProcessStatus.RUNNING else doing.queue

    def _stored_form(self, result: State) -> State:
        stored: State = to_json(result)
        return conceal(stored, self.secrets.items()) if self.secrets else stored

    def shown_form(self, text: str) -> str:
        """Return a text as everybody may see it: the address that a step could not reach is a secret, and says so."""
        return str(mask(self._stored_form({"text": text})["text"]))

    def _row(self, outcome: Outcome, doing: Doing, after: State) -> StepRow:
        error = self._stored_form(error_to_dict(outcome.error)) if outcome.error is not None else None
        row = StepRow(
            seq=self.next_seq,
            name=doing.name,
            key=doing.key,
            status=outcome.status,
            started_at=doing.started_at,
            completed_at=now(),
            created_by=self.user,
            epoch=self.claim.epoch,
            delta=Delta() if error is not None else difference(self.base, after),
            error=error,
            sub_step=None if error is not None else doing.sub_step,
            detail=None if error is not None else doing.detail,
            replaces=self.open_row,
        )
        if error is not None and self.previous is not None and self._is_repeated(row, self.previous):
            dropped = self.open_row.seq if self.open_row else None
            return replace(row, seq=self.previous.seq, replaces=self.previous, repeats=True, drops=dropped)
        if row.status in CLEARED_STEPS and row.sub_step is None:
            return self._with_snapshot(row, after)
        return row

    @staticmethod
    def _is_repeated(row: StepRow, old: Row) -> bool:
        """Say whether the row before tells of the same failure of the same step by the same user."""
        return (
            (old.key, old.status, old.created_by) == (row.key, row.status, row.created_by)
            and old.error is not None
            and row.error is not None
            and all(old.error.get(part) == row.error.get(part) for part in ("error", "details"))
        )

    def _with_snapshot(self, row: StepRow, after: State) -> StepRow:
        """Let the row keep the whole state now and then, so that reading a long history stays cheap."""
        self._rows_since_snapshot += 1
        self._bytes_since_snapshot += len(json.dumps(row.delta.set)) if row.delta else 0
        if self._rows_since_snapshot < SNAPSHOT_ROWS and self._bytes_since_snapshot < SNAPSHOT_BYTES:
            return row
        self._rows_since_snapshot = self._bytes_since_snapshot = 0
        return replace(row, snapshot=after)

    def _remember(self, row: StepRow, after: State) -> None:
        """Take over what was written as what is stored."""
        if row.error is None:
            self.inputs = []
        self._plan_id = None
        self.has_written = True
        self.seq = row.seq
        self.state = after
        written = Row(row.seq, row.name, row.key, row.status, row.delta, row.error, row.sub_step, 0, row.created_by)
        if written.is_under_way or written.is_forked:
            self.open_row = written
        else:
            self.open_row, self.previous, self.base = None, written, after

    def announce(self, status: ProcessStatus, saved: Iterable[UUID] = ()) -> None:
        """Tell browsers what changed."""
        announce(self.claim.process_id, status, parent_id=self.claim.parent_id, saved=saved)
