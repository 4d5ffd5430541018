"""Do what the kind of a step stands for: call its function, start and join its children, wait for a callback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Final, cast

from wfo_site.common.context import acting
from wfo_site.common.db.leaks import no_transaction_left
from wfo_site.common.db.outside import step_transaction, writes_refused
from workflows.engine import callback_tokens, children, waits
from workflows.engine.claims import Claim
from workflows.engine.injection import bind
from workflows.engine.outcome import SKIPPED, SUCCESS, Outcome
from workflows.engine.places import Place
from workflows.engine.recorder import Recorder
from workflows.engine.self_wait import self_wait_refused
from workflows.engine.step_context import StepContext, idempotency_key, running_step
from workflows.engine.steps import State, Step, StepKind
from workflows.engine.tree import Program
from workflows.enums import StepStatus, WaitState

# Its steps are to be done one after the other.
ENTER_GROUP: Final = Outcome(StepStatus.SUCCESS)
# Kinds of steps that have no body.
_BODILESS: Final = {
    StepKind.DONE: Outcome(StepStatus.COMPLETE),
    StepKind.ABORT: Outcome(StepStatus.ABORT),
    StepKind.INPUT: Outcome(StepStatus.SUSPEND, opens=waits.open_input),
    StepKind.GROUP: ENTER_GROUP,
    StepKind.OBSOLETE: SUCCESS,
}


class Bodies:
    """The bodies of the steps of one process.

    `attempts`: how often each key has failed before. `should_stop`: whether the runner is told to end.
    """

    def __init__(
        self,
        claim: Claim,
        program: Program,
        recorder: Recorder,
        attempts: dict[str, int],
        should_stop: Callable[[], bool],
    ) -> None:
        self.claim = claim
        self.program = program
        self.recorder = recorder
        self.attempts = attempts
        self.should_stop = should_stop

    def attempt(self, place: Place) -> int:
        """Return the number of the try that is under way, from 1."""
        return self.attempts.get(place.key, 0) + 1

    def do(self, place: Place, state: State) -> Outcome:
        """Run a step on a state and return what it came to. Raises whatever its function raises.

        What the steps without a function of their own write belongs to the transaction of their row.
        """
        if not self._is_entered(place) or not all(condition(state) for condition in place.step.conditions):
            return SKIPPED if place.sub_step is None else self._leave_out(place.sub_step)
        if (outcome := _BODILESS.get(place.step.kind)) is not None:
            return outcome
        match place.step.kind:
            case StepKind.CALLBACK_CREATE:
                return self._create_callback(place)
            case StepKind.CALLBACK_AWAIT:
                return self._await_callback(place)
            case StepKind.FORK:
                return self._fork(place, state)
        return Outcome(StepStatus.SUCCESS, self._call(place, state)) if place.step.function else SUCCESS

    def _is_entered(self, place: Place) -> bool:
        """Say whether a group does the groups within it in which a step stands."""
        if place.group is None or place.sub_step is None or not place.step.entered:
            return True
        keys = place.group.steps.keys()
        before = list(zip(keys, place.group.steps, strict=True))[: keys.index(place.sub_step)]
        # By name, since lenses and conditions make copies of steps: the nearest one is meant.
        nearest = {step.name: key for key, step in before}
        return not any(nearest[name] in self.recorder.left_out for name in place.step.entered)

    def _leave_out(self, sub_step: str) -> Outcome:
        """Note that a group does without one of its steps; the row is that of the group, which is not skipped."""
        self.recorder.left_out = (*self.recorder.left_out, sub_step)
        return SUCCESS

    def _call(self, place: Place, state: State) -> State:
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
            attempt=self.attempt(place),
            undone=step.undone,
        )
        with ExitStack() as surroundings:
            guards = (step_transaction, self_wait_refused) if step.atomic else (writes_refused,)
            for guard in (*guards, no_transaction_left):
                surroundings.enter_context(guard(step.name))
            surroundings.enter_context(acting(step=step.name))
            surroundings.enter_context(running_step(context))
            arguments = bind(step.function)(self._seen_by(step, state))
            try:
                result = step.function(**arguments)
            except (SystemExit, asyncio.CancelledError) as error:
                if self.should_stop():
                    # It is the runner that is told to end, not the step that wants to.
                    raise
                raise RuntimeError(
                    f"Step {step.name!r} raised {type(error).__name__}, which ends a program and not a step"
                ) from error
        if result is not None and not isinstance(result, dict):
            raise TypeError(f"Step {step.name!r} returned a {type(result).__name__}; it must return a dict or None")
        return result or {}

    def _seen_by(self, step: Step, state: State) -> State:
        """Return the part of the state that a step sees, references to callbacks replaced by the addresses to call."""
        seen = step.lens.get(state) if step.lens else state
        if not self.program.workflow.uses_callbacks or callback_tokens.PREFIX not in json.dumps(seen):
            return seen
        routes = {wait.pk: waits.route(wait) for wait in waits.find(callback_tokens.references_in(seen))}
        for wait_id, route in routes.items():
            # Also the bare token: a step may put it into an address of its own making.
            self.recorder.secrets[route] = callback_tokens.reference_to(wait_id)
            self.recorder.secrets[route.rsplit("/", 1)[1]] = callback_tokens.reference_to(wait_id)
        return cast("State", callback_tokens.expand(seen, lambda wait_id: routes.get(wait_id, callback_tokens.MASKED)))

    def _fork(self, place: Place, state: State) -> Outcome:
        assert place.step.fork is not None
        # What it starts, it starts as a step: on behalf of its workflow.
        with acting(step=place.step.name):
            return children.open_fork(
                self.claim,
                key=place.key,
                name=place.name,
                fork=place.step.fork,
                state=state,
                seq=self.recorder.next_seq,
                user=self.recorder.user,
            )

    def join(self, place: Place, state: State) -> Outcome:
        """Join what the children of a step came to."""
        assert place.step.fork is not None
        return children.join(self.claim, key=place.key, fork=place.step.fork, state=state)

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
        return Outcome(StepStatus.SUCCESS, self.callback_result(place))

    def callback_result(self, place: Place) -> State:
        """Return what the callback brought; nothing if a person let the process go on without it."""
        wait = waits.current_callback(self.claim.process_id, place.key)
        return {wait.result_key: wait.body} if wait is not None and wait.state == WaitState.ARRIVED else {}

    def failure(self, place: Place, error: BaseException) -> Outcome:
        """Return what an exception of a step comes to: a failure, or another try later."""
        policy = place.retry
        seed = f"{self.claim.process_id}:{place.key}"
        again = policy.next_try(error, attempt=self.attempt(place), seed=seed) if policy is not None else None
        if again is None:
            return Outcome(StepStatus.FAILED, error=error)
        return Outcome(StepStatus.WAITING, error=error, opens=partial(waits.open_retry, again))
