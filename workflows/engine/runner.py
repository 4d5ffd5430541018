"""Run one process as far as it goes: claim it, do step after step, write each, stop where it must wait.

The body of a default step runs outside any transaction. If the process is lost meanwhile (an abort, a lease that ran
out), the fence drops the result. If the database is lost, the runner lets go; whoever claims next continues after the
last step that was written.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final, cast
from uuid import UUID

from django.db import connection, transaction

from wfo_site.common.clock import now
from wfo_site.common.context import SYSTEM_USER, acting
from wfo_site.common.db.outside import step_transaction, writes_refused
from workflows.engine import callback_tokens, children, claims, waits
from workflows.engine.claims import Claim
from workflows.engine.errors import FAILED_REASON_LENGTH, PlanChanged
from workflows.engine.fault_points import FaultPoint, reached
from workflows.engine.history import empty_history, load_history, start_state
from workflows.engine.injection import bind
from workflows.engine.open_transactions import watched
from workflows.engine.outcome import SKIPPED, SUCCESS, Outcome
from workflows.engine.plans import plan_id_of
from workflows.engine.recorder import DATABASE_LOST, Doing, Recorder
from workflows.engine.registry import Workflow, get_workflow
from workflows.engine.state import merge_input
from workflows.engine.step_context import StepContext, idempotency_key, running_step
from workflows.engine.steps import State, Step, StepKind, StepList
from workflows.engine.store import FenceLost
from workflows.engine.tree import Program, program_of
from workflows.enums import ProcessStatus, StepStatus, WaitKind, WaitState
from workflows.models import InputState
from workflows.states import CLEARED_STEPS

logger = logging.getLogger(__name__)

STEP_GROUP_KEY = "__step_group"
SUB_STEP_KEY = "__sub_step"

# Kinds of steps that have no body.
_STATUS_OF_KIND: Final = {
    StepKind.DONE: StepStatus.COMPLETE,
    StepKind.ABORT: StepStatus.ABORT,
    StepKind.INPUT: StepStatus.SUSPEND,
}


def run(process_id: UUID, *, runner: str, should_stop: Callable[[], bool] = lambda: False) -> bool:
    """Claim a process and run it until it ends, waits, is paused, or `should_stop`. Return whether it was claimed."""
    reached(FaultPoint.BEFORE_CLAIM)
    claim = claims.claim(process_id, runner)
    if claim is None:
        return False
    reached(FaultPoint.AFTER_CLAIM)
    workflow = get_workflow(claim.workflow_name)
    if workflow is None:
        # Another worker may have newer code: leave it to that one for a while.
        logger.warning("process %s: workflow %s is not in this code", process_id, claim.workflow_name)
        claims.hand_back(claim, for_seconds=claims.lease().total_seconds())
        return True
    try:
        ProcessRun(claim, workflow, program_of(workflow, claim.ref), should_stop).go()
    except FenceLost:
        logger.info("process %s was taken from %s", process_id, runner)
    except DATABASE_LOST:
        # Not known whether the last write arrived. The lease runs out, and the next runner sees what is stored.
        logger.exception("process %s: the database was lost", process_id)
        connection.close()
    return True


@dataclass(frozen=True)
class Place:
    """A step to run and the row it writes: its own, or that of the group it is part of."""

    step: Step
    name: str
    key: str
    group: Step | None = None
    sub_step: str | None = None
    is_last: bool = False


class ProcessRun:
    """One claim of one process: what step is next, and the state it sees."""

    def __init__(
        self, claim: Claim, workflow: Workflow, program: Program | None, should_stop: Callable[[], bool]
    ) -> None:
        self.claim = claim
        # None: a branch whose step is gone from the code. It runs nothing and says so.
        self.is_known = program is not None
        self.program = program or Program(workflow, StepList(), [])
        self.should_stop = should_stop
        self.history = load_history(claim.ref) if claim.last_seq else empty_history(start_state(claim.ref))
        self.position = len(self.history.cleared)
        inputs = list(
            InputState.objects.filter(process_id=claim.process_id, merged_seq__isnull=True)
            .order_by("input_time", "input_state_id")
            .values_list("input_state_id", "input_state", "created_by")
        )
        self.given: State = {}
        for _, values, _ in inputs:
            self.given = merge_input(self.given, values)
        last_user = self.history.last.created_by if self.history.last else None
        self.recorder = Recorder(
            claim,
            self.history,
            user=inputs[-1][2] if inputs else last_user or claim.created_by or SYSTEM_USER,
            plan_id=plan_id_of(self.program, claim.workflow_id) if claim.plan_id is None else None,
        )
        self.recorder.inputs = [pk for pk, _, _ in inputs]
        # The state that the next step sees: what is stored, and what was given since.
        self.state: State = self.history.state

    @property
    def step(self) -> Step:
        return self.program.steps[self.position]

    @property
    def key(self) -> str:
        return self.program.keys[self.position]

    def go(self) -> None:
        """Continue where the rows say. Raises FenceLost when the process is no longer ours."""
        if self._stop_if_plan_changed():
            return
        self.recorder.announce(ProcessStatus.RUNNING)
        with acting(user=self.recorder.user, process_id=self.claim.process_id, root_id=self.claim.root_id):
            proceed = self._pick_up()
            while proceed and self.position < len(self.program.steps):
                proceed = self._must_not_stop() and self._do_step()
        if self.recorder.paused:
            claims.hand_back(self.claim)

    def _must_not_stop(self) -> bool:
        """Between two steps: hand the process back if this runner is to end."""
        if not self.should_stop():
            return True
        claims.hand_back(self.claim)
        return False

    def _stop_if_plan_changed(self) -> bool:
        """Fail with PlanChanged unless what is done, and the step stopped at, are the head of the code's steps."""
        done, keys, last = self.history.cleared, self.program.keys, self.history.last
        stopped_at = last.key if last is not None and not last.is_cleared else None
        if self.is_known and keys[: len(done)] == done and stopped_at in (None, *keys[len(done) : len(done) + 1]):
            return False
        error = PlanChanged(
            f"The steps of workflow {self.program.workflow.name!r} have changed in the part that this process has "
            f"done. It has done {done} and stands at {stopped_at or 'no step'}; the code now has {keys}. Nothing was "
            "run. Bring the steps back and retry, or abort the process."
        )
        columns = {"last_status": ProcessStatus.FAILED, "failed_reason": str(error)[:FAILED_REASON_LENGTH]}
        self.recorder.fail_without_row({**columns, "runner": None, "lease_until": None, "lost_claims": 0})
        return True

    def _pick_up(self) -> bool:
        """Finish the row under way, if there is one, with what has come for it; return whether to go on."""
        row = self.history.open_row
        if row is None:
            self.state = merge_input(self.state, self.given)
            return True
        if row.status == StepStatus.SUCCESS:
            return self._do_group(self.step, after=row.sub_step)
        place = self._place() if row.sub_step is None else self._place_in_group(row.sub_step)
        if row.is_forked:
            return self._took(place, self._atomically(place, now(), partial(self._join, place)))
        given = self.given
        if row.status == StepStatus.AWAITING_CALLBACK:
            given = self._callback_result(place)
        doing = replace(
            self._doing(place, SUCCESS, started_at=now()), merge=lambda _: self._merged(place, given, merge_input)
        )
        proceed = self._took(place, self.recorder.record(SUCCESS, doing))
        return proceed and (place.group is None or place.is_last or self._do_group(place.group, after=place.sub_step))

    # Places

    def _place(self) -> Place:
        return Place(self.step, self.step.name, self.key)

    def _place_in_group(self, sub_step: str) -> Place:
        group, keys = self.step, self.step.steps.keys()
        index = keys.index(sub_step)
        return Place(group.steps[index], group.name, self.key, group, sub_step, is_last=index == len(keys) - 1)

    # Steps

    def _do_step(self) -> bool:
        if self.step.kind is StepKind.GROUP and self._is_wanted(self.step):
            self.state = {**self.state, STEP_GROUP_KEY: self.step.name}
            return self._do_group(self.step, after=None)
        return self._execute(self._place())

    def _do_group(self, group: Step, *, after: str | None) -> bool:
        """Do the steps of a group that follow `after`, all into one row."""
        keys = group.steps.keys()
        first = 0 if after is None else keys.index(after) + 1
        for key in keys[first:]:
            if not (self._must_not_stop() and self._execute(self._place_in_group(key))):
                return False
        return True

    def _is_wanted(self, step: Step) -> bool:
        return all(condition(self.state) for condition in step.conditions)

    def _execute(self, place: Place) -> bool:
        """Run the body and write what it came to; return whether to go on."""
        reached(FaultPoint.BEFORE_STEP, place.name)
        started = now()
        if place.step.atomic:
            return self._took(place, self._atomically(place, started, partial(self._outcome, place)))
        try:
            outcome = self._outcome(place)
        except DATABASE_LOST as error:
            if not connection.is_usable():
                raise
            outcome = self._failure(place.step, error)
        except Exception as error:  # whatever a step raises is its failure
            outcome = self._failure(place.step, error)
        return self._took(place, self.recorder.record(outcome, self._doing(place, outcome, started)))

    def _atomically(self, place: Place, started: datetime, body: Callable[[], Outcome]) -> bool:
        """Body and row in one transaction; if that fails, it leaves nothing, and the failure is written in another."""
        known = dict(vars(self.recorder))
        try:
            with transaction.atomic(), watched(place.step.name):
                outcome = body()
                return self.recorder.record_in_transaction(outcome, self._doing(place, outcome, started))
        except FenceLost:
            raise
        except Exception as error:  # whatever a step raises is its failure
            if isinstance(error, DATABASE_LOST) and not connection.is_usable():
                raise
            vars(self.recorder).update(known)
            outcome = self._failure(place.step, error)
            return self.recorder.record(outcome, self._doing(place, outcome, started))

    def _took(self, place: Place, proceed: bool) -> bool:
        """Move on to what follows a step that was written."""
        reached(FaultPoint.AFTER_WRITE, place.name)
        self.state = self.recorder.state
        if place.group is None or place.is_last:
            self.position += proceed
        return proceed

    def _failure(self, step: Step, error: Exception) -> Outcome:
        return Outcome(StepStatus.WAITING if step.kind is StepKind.RETRY else StepStatus.FAILED, error=error)

    def _doing(self, place: Place, outcome: Outcome, started_at: datetime) -> Doing:
        """Describe a step and its outcome for the recorder."""
        wait_kind = {StepStatus.SUSPEND: WaitKind.INPUT, StepStatus.WAITING: WaitKind.RETRY}.get(outcome.status)
        ends = place.group is None or (place.is_last and outcome.status in CLEARED_STEPS)
        return Doing(
            name=place.name,
            key=place.key,
            assignee=place.step.assignee,
            started_at=started_at,
            merge=lambda result: self._merged(place, result, _shallow, ends=ends),
            sub_step=None if ends else place.sub_step,
            alongside=partial(waits.open_wait, self.claim.process_id, kind=wait_kind, key=place.key)
            if wait_kind and outcome.wait_kind is None
            else None,
        )

    def _merged(
        self, place: Place, result: State, merge: Callable[[State, State], State], *, ends: bool | None = None
    ) -> State:
        """Return the state after `result`, through the step's lens, with the marks of a group under way."""
        lens = place.step.lens
        state = lens.set(self.state, merge(lens.get(self.state), result)) if lens else merge(self.state, result)
        if place.group is None:
            return state
        if place.is_last if ends is None else ends:
            return {key: value for key, value in state.items() if key not in (STEP_GROUP_KEY, SUB_STEP_KEY)}
        return {**state, STEP_GROUP_KEY: place.name, SUB_STEP_KEY: place.sub_step}

    # Bodies

    def _outcome(self, place: Place) -> Outcome:
        return self._body(place) if self._is_wanted(place.step) else SKIPPED

    def _body(self, place: Place) -> Outcome:
        """Do what the kind of a step stands for. Raises whatever its function raises."""
        if (status := _STATUS_OF_KIND.get(place.step.kind)) is not None:
            return Outcome(status)
        match place.step.kind:
            case StepKind.CALLBACK_CREATE:
                return self._create_callback(place)
            case StepKind.CALLBACK_AWAIT:
                return self._await_callback(place)
            case StepKind.FORK:
                return self._fork(place)
        return Outcome(StepStatus.SUCCESS, self._call(place)) if place.step.function else SUCCESS

    def _call(self, place: Place) -> State:
        """Call the function of a step in the surroundings it may rely on, and return what it returned."""
        step = place.step
        assert step.function is not None
        context = StepContext(
            process_id=self.claim.process_id,
            root_id=self.claim.root_id,
            step=step.name,
            idempotency_key=idempotency_key(
                root_id=self.claim.root_id,
                branch_key=self.claim.branch_key,
                step_key=place.key,
                sub_step=place.sub_step,
            ),
            attempt=self.history.attempts.get(place.key, 0) + 1,
            undone=step.undone,
        )
        surroundings = step_transaction if step.atomic else writes_refused
        with acting(step=step.name), running_step(context), surroundings(step.name):
            arguments = bind(step.function)(self._seen_by(step))
            result = step.function(**arguments)
        if result is not None and not isinstance(result, dict):
            raise TypeError(f"Step {step.name!r} returned a {type(result).__name__}; it must return a dict or None")
        return result or {}

    def _seen_by(self, step: Step) -> State:
        """Return the part of the state that a step sees, references to callbacks replaced by the addresses to call."""
        seen = step.lens.get(self.state) if step.lens else self.state
        if not self.program.workflow.uses_callbacks or callback_tokens.PREFIX not in json.dumps(seen):
            return seen
        routes = {wait.pk: waits.route(wait) for wait in waits.find(callback_tokens.references_in(seen))}
        for wait_id, route in routes.items():
            # Also the bare token: a step may put it into an address of its own making.
            self.recorder.secrets[route] = callback_tokens.reference_to(wait_id)
            self.recorder.secrets[route.rsplit("/", 1)[1]] = callback_tokens.reference_to(wait_id)
        return cast("State", callback_tokens.expand(seen, lambda wait_id: routes.get(wait_id, callback_tokens.MASKED)))

    # Children and callbacks: these run in the transaction of their row.

    def _fork(self, place: Place) -> Outcome:
        assert place.step.fork is not None
        return children.open_fork(
            self.claim,
            key=place.key,
            name=place.name,
            fork=place.step.fork,
            state=self.state,
            seq=self.recorder.next_seq,
            user=self.recorder.user,
        )

    def _join(self, place: Place) -> Outcome:
        assert place.step.fork is not None
        return children.join(self.claim, key=place.key, fork=place.step.fork, state=self.state)

    def _create_callback(self, place: Place) -> Outcome:
        assert place.step.callback is not None
        waits.cancel_all(self.claim.process_id)
        wait = waits.new_callback(self.claim.process_id, key=place.key, options=place.step.callback)
        wait.save(force_insert=True)
        return Outcome(StepStatus.SUCCESS, {place.step.callback.route_key: callback_tokens.reference_to(wait.wait_id)})

    def _await_callback(self, place: Place) -> Outcome:
        wait = waits.current_callback(self.claim.process_id, place.key)
        if wait is not None and waits.reach(wait):
            return Outcome(StepStatus.AWAITING_CALLBACK)
        return Outcome(StepStatus.SUCCESS, self._callback_result(place))

    def _callback_result(self, place: Place) -> State:
        """Return what the callback brought; nothing if a person let the process go on without it."""
        wait = waits.current_callback(self.claim.process_id, place.key)
        return {wait.result_key: wait.body} if wait is not None and wait.state == WaitState.ARRIVED else {}


def _shallow(state: State, result: State) -> State:
    return {**state, **result} if result else state
