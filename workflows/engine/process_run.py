"""One claim of one process: do step after step from where its rows say it stands, and write each.

The body of a default step runs outside any transaction; the fence drops its result if the process is lost meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from functools import partial

from django.db import connection, transaction

from wfo_site.common.clock import now
from wfo_site.common.context import SYSTEM_USER, acting
from wfo_site.common.db.errors import is_ours_lost
from workflows.engine import children, claims, inputs, store
from workflows.engine.bells import ring
from workflows.engine.bodies import ENTER_GROUP, Bodies
from workflows.engine.claims import Claim
from workflows.engine.errors import PlanChanged
from workflows.engine.fault_points import FaultPoint, reached
from workflows.engine.fitting import fit_of
from workflows.engine.history import LEFT_OUT, empty_history, load_history, start_state
from workflows.engine.hosts import Host
from workflows.engine.open_transactions import watched
from workflows.engine.outcome import SUCCESS, Outcome
from workflows.engine.places import STEP_GROUP_KEY, SUB_STEP_KEY, Place
from workflows.engine.plans import plan_id_of
from workflows.engine.recorder import Doing, Recorder
from workflows.engine.registry import Workflow
from workflows.engine.served import queue_for
from workflows.engine.side_log import noted_by, write_down
from workflows.engine.state import merge_input
from workflows.engine.step_log import StepNotes, taking_notes
from workflows.engine.steps import State, Step, StepKind, StepList
from workflows.engine.store import FenceLost
from workflows.engine.tree import Program
from workflows.engine.watchdog import StepAtWork, watching
from workflows.enums import LogLevel, ProcessStatus, StepStatus
from workflows.states import CLEARED_STEPS


class ProcessRun:
    """One claim of one process: what step is next, and the state it sees."""

    def __init__(self, claim: Claim, workflow: Workflow, program: Program | None, host: Host) -> None:
        self.claim = claim
        self.host = host
        self.program = program or Program(workflow, StepList(), [])
        self.history = load_history(claim.ref) if claim.last_seq else empty_history(start_state(claim.ref))
        self.fit = fit_of(program, self.history)
        self.position = self.fit.index
        given = inputs.unmerged(claim.process_id)
        self.given: State = inputs.merged(given)
        self.is_served = partial(host.served.takes, target=workflow.target, is_task=claim.is_task)
        self.recorder = Recorder(
            claim,
            self.history,
            user=given[-1].created_by if given else self._user_so_far(),
            plan_id=self._other_plan(),
            is_served=self.is_served,
        )
        self.recorder.inputs = [one.input_id for one in given]
        self.bodies = Bodies(claim, self.program, self.recorder, self.history.attempts, host.should_stop)
        # The state that the next step sees: what is stored, and what was given since.
        self.state: State = self.history.state

    def _user_so_far(self) -> str:
        """Return whose doing the steps are, where nobody has given anything since the last one: an answer of another
        system is nobody's."""
        last = self.history.last
        if last is not None and last.status == StepStatus.AWAITING_CALLBACK:
            return SYSTEM_USER
        return (last.created_by if last is not None else None) or self.claim.created_by or SYSTEM_USER

    def _other_plan(self) -> int | None:
        """Return the plan that it runs by from now on; None if that is the one it has run by so far."""
        plan_id = plan_id_of(self.program, self.claim.workflow_id) if not self.fit.problem else None
        return plan_id if plan_id != self.claim.plan_id else None

    @property
    def step(self) -> Step:
        return self.program.steps[self.position]

    @property
    def key(self) -> str:
        return self.program.keys[self.position]

    def go(self) -> None:
        """Continue where the rows say. Raises FenceLost when the process is no longer ours."""
        if self._stop_unless_it_fits() or self._hand_over_if_not_served():
            return
        if self.claim.left_since is not None:
            claims.take_over(self.claim)
        self.recorder.announce(ProcessStatus.RUNNING)
        with acting(user=self.recorder.user, process_id=self.claim.process_id, root_id=self.claim.root_id):
            proceed = self._pick_up()
            while proceed and self.position < len(self.program.steps):
                proceed = self._must_not_stop() and self._execute(self._place())
            if proceed:
                # The list of steps has no `done` at its end: the process would be taken up for ever.
                children.end_without_row(self.claim, {"last_status": ProcessStatus.COMPLETED, **store.LET_GO})
                self.recorder.announce(ProcessStatus.COMPLETED)
        if self.recorder.paused:
            claims.hand_back(self.claim)

    def _must_not_stop(self) -> bool:
        """Between two steps: hand the process back if this runner is to end, or was to do no more than one."""
        if not self.host.should_stop() and not (self.host.one_step and self.recorder.has_written):
            return True
        claims.hand_back(self.claim)
        return False

    def _stop_unless_it_fits(self) -> bool:
        """Fail with PlanChanged, and run nothing, where the code does not go on where the process stands."""
        if not self.fit.problem:
            return False
        failure = store.failure_where_it_stands(PlanChanged(self.fit.problem))
        children.end_without_row(self.claim, {**failure, "left_since": None})
        self.recorder.announce(ProcessStatus.FAILED)
        return True

    def _hand_over_if_not_served(self) -> bool:
        """Leave the process to the workers of the queue that its step asks for now, if this is none of them."""
        queue = self.step.options.queue if self.position < len(self.program.steps) else None
        if queue is not None and self.history.open_row is None:
            queue = queue_for(self.step, merge_input(self.state, self.given))
        if queue == self.claim.queue or self.is_served(queue):
            return False
        claims.hand_over(self.claim, queue)
        ring([self.claim.process_id])
        return True

    def _queue_at(self, position: int, state: State) -> str | None:
        """Return the queue of the step at a place of the plan; None at its end."""
        return queue_for(self.program.steps[position], state) if position < len(self.program.steps) else None

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
            return self._took(place, self._atomically(place, now(), lambda: self.bodies.join(place, self.state)))
        given = self.given
        if row.status == StepStatus.AWAITING_CALLBACK:
            given = self.bodies.callback_result(place)
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

    def _do_group(self, group: Step, *, after: str | None) -> bool:
        """Do the steps of a group that follow `after`, all into one row."""
        keys = group.steps.keys()
        first = 0 if after is None else keys.index(after) + 1
        for key in keys[first:]:
            if not (self._must_not_stop() and self._execute(self._place_in_group(key))):
                return False
        return True

    def _execute(self, place: Place) -> bool:
        """Run the body and write what it came to; return whether to go on."""
        if place.step.kind is not StepKind.GROUP:
            reached(FaultPoint.BEFORE_STEP, place.name)
        started = now()
        if place.step.atomic:
            return self._took(place, self._atomically(place, started, lambda: self.bodies.do(place, self.state)))
        notes, raw = self._new_notes(place), connection.connection
        try:
            with taking_notes(notes), self._watched(place, started):
                outcome = self.bodies.do(place, self.state)
        except FenceLost:
            write_down(notes)
            raise
        except Exception as error:  # whatever a step raises is its failure
            if is_ours_lost(error, raw):
                raise
            outcome = self.bodies.failure(place, error)
        write_down(notes)
        if outcome is ENTER_GROUP:
            self.recorder.left_out = ()
            self.state = {**self.state, STEP_GROUP_KEY: place.step.name}
            return self._do_group(place.step, after=None)
        return self._took(place, self.recorder.record(outcome, self._doing(place, outcome, started)))

    def _atomically(self, place: Place, started: datetime, body: Callable[[], Outcome]) -> bool:
        """Body and row in one transaction; if that fails, it leaves nothing, and the failure is written in another."""
        known, raw, notes = dict(vars(self.recorder)), connection.connection, self._new_notes(place)
        tell = partial(notes.add, level=LogLevel.WARNING)
        try:
            with transaction.atomic(), watched(place.step.name, tell):
                with taking_notes(notes), self._watched(place, started):
                    outcome = body()
                proceed = self.recorder.record_in_transaction(outcome, self._doing(place, outcome, started))
        except FenceLost:
            write_down(notes)
            raise
        except Exception as error:  # whatever a step raises is its failure
            if is_ours_lost(error, raw):
                raise
            write_down(notes)
            vars(self.recorder).update(known)
            outcome = self.bodies.failure(place, error)
            return self.recorder.record(outcome, self._doing(place, outcome, started))
        write_down(notes)
        return proceed

    def _new_notes(self, place: Place) -> StepNotes:
        """Return where this try of a step keeps what it says."""
        return StepNotes(
            process_id=self.claim.process_id,
            epoch=self.claim.epoch,
            key=place.key,
            sub_step=place.sub_step or "",
            attempt=self.bodies.attempt(place),
            readable=self.recorder.shown_form,
            noted=noted_by(self.host.runner),
        )

    def _watched(self, place: Place, started: datetime) -> AbstractContextManager[None]:
        """Have the block given up if it takes longer than the step may; its failure is then written by another thread,
        while the recorder is nobody's."""

        def give_up(error: BaseException) -> None:
            outcome = self.bodies.failure(place, error)
            self.recorder.record(outcome, self._doing(place, outcome, started))

        return watching(
            StepAtWork(
                process_id=self.claim.process_id,
                runner=self.host.runner,
                name=place.step.name,
                seconds=place.seconds,
                give_up=give_up,
            )
        )

    def _took(self, place: Place, proceed: bool) -> bool:
        """Move on to what follows a step that was written."""
        reached(FaultPoint.AFTER_WRITE, place.name)
        self.state = self.recorder.state
        if place.group is None or place.is_last:
            self.position += proceed
        return proceed

    def _doing(self, place: Place, outcome: Outcome, started_at: datetime) -> Doing:
        """Describe a step and its outcome for the recorder."""
        ends = place.group is None or (place.is_last and outcome.status in CLEARED_STEPS)
        left_out = self.recorder.left_out if place.group is not None else ()
        return Doing(
            name=place.name,
            key=place.key,
            assignee=place.step.assignee,
            started_at=started_at,
            merge=lambda result: self._merged(place, result, _shallow, ends=ends),
            sub_step=None if ends else place.sub_step,
            detail={LEFT_OUT: list(left_out)} if left_out else None,
            failure=partial(self.bodies.failure, place),
            queue=place.queue,
            queue_after=partial(self._queue_at, self.position + 1) if ends else lambda _: place.queue,
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


def _shallow(state: State, result: State) -> State:
    return {**state, **result} if result else state
