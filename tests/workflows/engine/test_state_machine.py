"""Anything may happen to a process, in any order: the engine loses, doubles and hangs nothing.

Hypothesis draws workflows of every kind of step and what befalls them: failures, answers, callbacks, aborts, pauses,
deployments, and workers that die, or sleep past their lease, at each fault point. Time is the engine's own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any, ClassVar
from uuid import UUID

import pytest
from django.contrib.auth.models import Group
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from products.models import Workflow as WorkflowRow
from wfo_site.common.errors import DomainError, Locked
from workflows import State, StepList, workflow
from workflows.engine import claims, deadlines, fault_points
from workflows.engine.errors import PlanChanged
from workflows.engine.fault_points import FaultPoint
from workflows.engine.history import load_history
from workflows.engine.registry import Workflow
from workflows.engine.runner import run
from workflows.engine.state_edits import StateEdit
from workflows.engine.tree import ref_to
from workflows.enums import ProcessStatus, WaitState
from workflows.forms import FormValidationError
from workflows.models import EngineSettings, Process, ProcessStep, Wait
from workflows.selectors import editable_state
from workflows.services import (
    abort_process,
    arrive_callback,
    edit_state,
    pause_engine,
    resume_process,
    start_process,
    unpause_engine,
)
from workflows.states import CLEARED_STEPS, ENDED, FAILED, RESUMABLE, RUNNABLE, may_become
from workflows.testing import Crash, Engine
from workflows.testing.clock import pass_time

from .plain_run import CALLBACK_SECONDS, KINDS, World, plain_run, steps_of

# With commits of its own: a worker that lost its process rolls back its transaction, and must not roll back ours.
pytestmark = pytest.mark.django_db(transaction=True)

SWEEP = timedelta(seconds=2)
MOST_PROCESSES = 3
_number = count()


@dataclass(eq=False)
class Tracked:
    """A process, the code of its workflow, and what people answered."""

    process_id: UUID
    code: Workflow
    blocks: list[tuple[str, int]]
    status: str = "created"
    answers: dict[str, int] = field(default_factory=dict)
    # What people made of the state.
    edits: State = field(default_factory=dict)
    # The code has steps in the part that was done that the process never had.
    is_replaced: bool = False
    # Epoch, last row and status when it was checked.
    checked_at: list[Any] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        return ["Start", *(f"{kind} {number}" for kind, number in self.blocks), "Done"]

    def deploy(self, steps: StepList) -> None:
        self.code.steps = steps
        vars(self.code).pop("keys", None)
        vars(self.code).pop("digest", None)


@dataclass
class Mishap:
    """What befalls a worker when it gets to a point for the `after`th time."""

    point: FaultPoint
    what: str
    after: int


# Somebody else acts while the worker is between two of its own acts.
NEEDS_ANOTHER = ("sleeps past its lease", "is aborted")
WORKFLOWS = st.lists(st.sampled_from(KINDS), min_size=2, max_size=5)
MISHAPS = st.one_of(
    st.none(),
    st.builds(
        Mishap,
        point=st.sampled_from([FaultPoint.BEFORE_STEP, FaultPoint.BEFORE_WRITE]),
        what=st.sampled_from(["dies", "is paused", "sleeps past its lease", "is aborted"]),
        after=st.integers(0, 2),
    ),
    st.builds(Mishap, point=st.sampled_from(FaultPoint), what=st.just("dies"), after=st.integers(0, 2)),
)


class Machine(RuleBasedStateMachine):
    """The engine and some processes; each example leaves the database as it was."""

    processes: Bundle[Tracked] = Bundle("processes")

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.all: dict[UUID, Tracked] = {}
        self.mishap: Mishap | None = None
        self.stack = ExitStack()
        self.stack.callback(forget_everything)
        self.stack.enter_context(Engine())
        fault_points.install(self.at_point)

    def teardown(self) -> None:
        try:
            if self.all:
                self.end_everything()
        finally:
            self.stack.close()

    # What befalls workers

    def at_point(self, point: FaultPoint, step: str) -> None:
        self.observe()
        mishap = self.mishap
        if mishap is None or mishap.point != point:
            return
        if mishap.what in NEEDS_ANOTHER and not self.is_outside_transactions(step):
            return
        mishap.after -= 1
        if mishap.after >= 0:
            return
        self.mishap = None
        match mishap.what:
            case "dies":
                raise Crash
            case "is paused":
                pause_engine()
            case "sleeps past its lease":
                self.sleep_past_the_lease()
            case "is aborted":
                for each in self.all.values():
                    if each.status == ProcessStatus.RUNNING:
                        abort_process(each.process_id)
        self.observe()

    @staticmethod
    def is_outside_transactions(step: str) -> bool:
        """Nobody else can act within a transaction of the worker: they would act in that of this one connection."""
        return step.startswith(("Plain", "Outside", "Group"))

    def sleep_past_the_lease(self) -> None:
        pass_time(claims.lease())
        for process_id in claims.due(10):
            self.observe()
            # It does not get far either: the sleeper wakes up while the process is still running.
            run(process_id, runner="another", should_stop=stop_after(1))

    def observe(self) -> None:
        """Follow the statuses, each of which must come from the one before by the transition table."""
        for process_id, status in Process.every.values_list("process_id", "last_status"):
            tracked = self.all.get(process_id)
            if tracked is not None and tracked.status != status:
                assert may_become(tracked.status, status), f"{tracked.status} became {status}"
                tracked.status = status

    # What may happen

    @initialize(target=processes, kinds=WORKFLOWS, mishap=MISHAPS)
    def begin(self, kinds: list[str], mishap: Mishap | None) -> Tracked:
        return self.start_one(kinds, mishap)

    @precondition(lambda self: len(self.all) < MOST_PROCESSES and not self.is_paused())
    @rule(target=processes, kinds=WORKFLOWS, mishap=MISHAPS)
    def start(self, kinds: list[str], mishap: Mishap | None) -> Tracked:
        return self.start_one(kinds, mishap)

    def start_one(self, kinds: list[str], mishap: Mishap | None) -> Tracked:
        blocks = [(kind, number) for number, kind in enumerate(kinds)]

        def machine() -> StepList:
            return steps_of(blocks, self.world)

        machine.__name__ = f"machine_{next(_number)}"
        code = workflow("Made by hypothesis")(machine)
        WorkflowRow.objects.create(name=code.name, target="SYSTEM", description="x")
        tracked = Tracked(start_process(code.name, user="alice"), code, blocks)
        self.all[tracked.process_id] = tracked
        self.worker_comes_by(mishap)
        return tracked

    def worker_comes_by(self, mishap: Mishap | None) -> None:
        """Let a worker sweep and run what is due, once."""
        self.mishap = replace(mishap) if mishap is not None else None
        self.sweep()
        self.mishap = None

    @rule(process=processes, steps=st.integers(1, 3))
    def ring_twice(self, process: Tracked, steps: int) -> None:
        """Ring for a process, due or not; the worker is told to stop soon, and hands it back."""
        should_stop = stop_after(steps)
        for _ in range(2):
            run(process.process_id, runner="rung", should_stop=should_stop)

    @rule(error=st.sampled_from(["down", "down", "up"]))
    def break_the_next_body(self, error: str) -> None:
        self.world.failures.append(error)

    @rule(process=processes, answer=st.integers(0, 9), mishap=MISHAPS)
    def answer_and_work(self, process: Tracked, answer: int, mishap: Mishap | None) -> None:
        self.answer(process, answer)
        self.worker_comes_by(mishap)

    def answer(self, process: Tracked, answer: int) -> None:
        """Answer the form that a process is suspended at, or try again what failed or waits."""
        if self.is_paused():
            with pytest.raises(Locked):
                resume_process(process.process_id, {"answer": answer}, user="bob")
            return
        if process.status not in RESUMABLE:
            with pytest.raises(DomainError, match="is not possible"):
                resume_process(process.process_id, {"answer": answer}, user="bob")
            return
        if process.is_replaced:
            with pytest.raises(PlanChanged, match="Choose where it goes on"):
                resume_process(process.process_id, {"answer": answer}, user="bob")
            return
        if process.status == ProcessStatus.SUSPENDED:
            with pytest.raises(FormValidationError):
                resume_process(process.process_id, {"answer": "none"}, user="bob")
            last_step = Process.every.values_list("last_step", flat=True).get(pk=process.process_id)
            process.answers[str(last_step)] = answer
        resume_process(process.process_id, {"answer": answer}, user="bob")

    @rule(process=processes, is_early=st.booleans(), mishap=MISHAPS)
    def call_back_and_work(self, process: Tracked, is_early: bool, mishap: Mishap | None) -> None:
        self.call_back(process, is_early)
        self.worker_comes_by(mishap)

    def call_back(self, process: Tracked, is_early: bool) -> None:
        """Answer as the other system: now, or from now on before the process has got to its wait."""
        if is_early:
            self.world.answer_early = self.arrive
            return
        self.world.answer_early = None
        for wait in Wait.objects.filter(process_id=process.process_id, kind="callback"):
            is_open = wait.state == WaitState.OPEN
            self.arrive(process.process_id, self.route(wait), refused=not is_open or self.is_paused())

    @staticmethod
    def route(wait: Wait) -> str:
        from workflows.engine.waits import route

        return route(wait)

    @staticmethod
    def arrive(process_id: UUID, route: str, *, refused: bool = False) -> None:
        token = route.rpartition("/")[2]
        if refused:
            with pytest.raises(DomainError):
                arrive_callback(process_id, token, {"ok": True})
        elif not EngineSettings.objects.filter(global_lock=True).exists():
            arrive_callback(process_id, token, {"ok": True})

    @rule(seconds=st.sampled_from([1, 10, 25, CALLBACK_SECONDS + 1, 3601]), mishap=MISHAPS)
    def wait(self, seconds: int, mishap: Mishap | None) -> None:
        pass_time(timedelta(seconds=seconds))
        self.worker_comes_by(mishap)

    @precondition(lambda self: not self.is_paused())
    @rule()
    def recover(self) -> None:
        """After a lease and one sweep nothing that could run is without owner, whatever became of its last one."""
        pass_time(claims.lease() + SWEEP)
        self.sweep()
        if not self.is_paused():
            assert not Process.every.filter(last_status__in=RUNNABLE).exists()

    @precondition(lambda self: len(self.all) > 1)
    @rule(process=processes, value=st.integers(0, 9))
    def edit(self, process: Tracked, value: int) -> None:
        """Change the state: while it is stopped, whether the engine is paused or the code fits."""
        seen = editable_state(process.process_id, None)
        wanted, key = StateEdit(set={"edited": value}), "edited"
        is_stopped = process.status in FAILED | {ProcessStatus.SUSPENDED}
        if not is_stopped or process.edits.get(key) == value:
            with pytest.raises(DomainError, match=r"cannot be changed|Nothing is changed"):
                edit_state(process.process_id, wanted, reason="x", version=seen.version)
            return
        edit_state(process.process_id, wanted, reason="x", version=seen.version)
        process.edits[key] = value

    @rule(process=consumes(processes))
    def abort(self, process: Tracked) -> None:
        if process.status in ENDED:
            with pytest.raises(DomainError, match="Aborting is not possible"):
                abort_process(process.process_id, user="carol")
        else:
            abort_process(process.process_id, user="carol")

    @rule()
    def pause(self) -> None:
        pause_engine()

    @precondition(lambda self: self.is_paused())
    @rule()
    def unlock(self) -> None:
        unpause_engine()

    @rule(process=processes, kind=st.sampled_from(["Plain", "Atomic", "Ask"]))
    def deploy_more_steps(self, process: Tracked, kind: str) -> None:
        """Code that has one more step at the end is picked up."""
        if process.is_replaced or process.status in ENDED or self.done_keys(process)[-1:] == ["Done"]:
            return
        process.blocks.append((kind, len(process.blocks)))
        process.deploy(steps_of(process.blocks, self.world))

    @rule(process=processes)
    def deploy_other_steps(self, process: Tracked) -> None:
        """Code that begins with a step that the process never did; deployed again, it is as it was."""
        rows = Process.every.values_list("last_seq", flat=True).get(pk=process.process_id)
        if rows < 2 and not process.is_replaced:
            # It has done nothing yet that other code does not do.
            return
        process.is_replaced = not process.is_replaced
        before = [("Plain", 99)] if process.is_replaced else []
        process.deploy(steps_of([*before, *process.blocks], self.world))

    # What must hold

    @invariant()
    def statuses_come_by_the_table(self) -> None:
        self.observe()

    @invariant()
    def rows_are_a_plain_run(self) -> None:
        """Check each process that was touched since it was checked last."""
        touched = Process.every.values_list("process_id", "epoch", "last_seq", "last_status")
        for process_id, *now in touched:
            if self.all[process_id].checked_at != now:
                self.check(self.all[process_id])
                self.all[process_id].checked_at = now

    @invariant()
    def other_systems_can_tell_repetitions(self) -> None:
        assert all(len(keys) == 1 for keys in self.world.asked.values())

    def check(self, process: Tracked) -> None:
        process_id = process.process_id
        stored = Process.every.get(pk=process_id)
        rows = list(ProcessStep.objects.filter(process_id=process_id).order_by("seq"))
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        assert stored.last_seq == len(rows)
        # Each step once, in the order of the plan, none left out.
        done = self.done_keys(process)
        assert done == process.keys[: len(done)]
        # The fold is what dicts make of it.
        ref = ref_to(process_id)
        assert ref is not None
        base = load_history(ref).base
        first: State = {
            "process_id": str(process_id),
            "reporter": "alice",
            "workflow_name": process.code.name,
            "workflow_target": "SYSTEM",
        }
        begun = first if done or process.edits else {}
        wanted = plain_run(begun, done, process.answers, self.results(process)) | process.edits
        assert {key: value for key, value in base.items() if not key.startswith("route")} == wanted
        # The effect of an atomic step is there exactly if its row is.
        made = Group.objects.filter(name__startswith=f"{process_id}/").values_list("name", flat=True)
        assert sorted(name.split("/")[1] for name in made) == sorted(key for key in done if key.startswith("Atomic"))
        # A reason is there exactly if something went wrong.
        wrong = stored.last_status in FAILED | {ProcessStatus.WAITING}
        assert wrong <= bool(stored.failed_reason)
        # Who does not run holds no lease, but for a step that an abort cut off; who cannot go on waits for nothing.
        is_cut_off = stored.last_status == ProcessStatus.ABORTED and stored.runner is not None
        assert stored.lease_until is None or stored.last_status == ProcessStatus.RUNNING or is_cut_off
        if stored.last_status in ENDED:
            assert not Wait.objects.filter(process_id=process_id, state=WaitState.OPEN).exists()

    # Helps

    @staticmethod
    def is_paused() -> bool:
        return EngineSettings.objects.filter(global_lock=True).exists()

    def sweep(self) -> None:
        """What each worker does every other second: end waits that are over, and run what is due."""
        deadlines.expire_due()
        self.observe()
        due = claims.due(100)
        claims.mark_rung(due)
        for process_id in due:
            try:
                run(process_id, runner="worker")
            except Crash:
                return
            self.observe()

    @staticmethod
    def done_keys(process: Tracked) -> list[str]:
        rows = ProcessStep.objects.filter(process_id=process.process_id, status__in=CLEARED_STEPS, sub_step=None)
        rows = rows.exclude(key="")
        return list(rows.order_by("seq").values_list("key", flat=True))

    @staticmethod
    def results(process: Tracked) -> dict[str, State]:
        """Return what other systems answered to the newest wait of each step."""
        waits = Wait.objects.filter(process_id=process.process_id, kind="callback").order_by("created_at", "wait_id")
        newest = {wait.key: wait for wait in waits}
        return {key: wait.body for key, wait in newest.items() if wait.state == WaitState.ARRIVED}

    def end_everything(self) -> None:
        """Nothing hangs: once people answer and nothing breaks any more, every process ends."""
        self.world.failures.clear()
        self.world.answer_early = self.arrive
        if self.is_paused():
            unpause_engine()
        for process in self.all.values():
            if process.is_replaced:
                self.deploy_other_steps(process)
        for _ in range(3 * max(len(process.keys) for process in self.all.values())):
            self.recover()
            if all(process.status in ENDED for process in self.all.values()):
                break
            for process in self.all.values():
                if process.status in RESUMABLE:
                    self.answer(process, 1)
        for process in self.all.values():
            self.check(process)
            assert process.status in ENDED, f"{process.keys} ended as {process.status}"
            if process.status == ProcessStatus.COMPLETED:
                assert self.done_keys(process) == process.keys


def stop_after(steps: int) -> Callable[[], bool]:
    """Return what tells a worker to stop when it has been asked so often."""
    asked = count()
    return lambda: next(asked) >= steps


def forget_everything() -> None:
    Process.every.all().delete()
    WorkflowRow.objects.filter(name__startswith="machine_").delete()
    Group.objects.filter(name__contains="/").delete()
    EngineSettings.objects.update(global_lock=False)


class Examples:
    """How much is tried: what fits into CI, and what one lets run over lunch."""

    SHORT: ClassVar = settings(
        max_examples=20,
        stateful_step_count=20,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    LONG: ClassVar = settings(
        max_examples=1000, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
    )


@pytest.fixture(autouse=True)
def both_ways(way: str) -> None:
    """Without and, on PostgreSQL, with the engine's fast path."""


def test_nothing_is_lost_doubled_or_hung() -> None:
    run_state_machine_as_test(Machine, settings=Examples.SHORT)


@pytest.mark.long
def test_nothing_is_lost_doubled_or_hung_in_the_long_run() -> None:
    run_state_machine_as_test(Machine, settings=Examples.LONG)
