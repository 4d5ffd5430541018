"""The steps of an undo, made from the plan that was stored when it started.

Each sees the state as it stood right after the step that it undoes, and whatever it has returned itself so far; what
it returns is kept under its own key, so that no other step of the undo sees it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from workflows.engine.combinators import through
from workflows.engine.errors import PlanChanged
from workflows.engine.history import state_at, state_before
from workflows.engine.registry import Workflow
from workflows.engine.state import difference
from workflows.engine.step_context import Undone, idempotency_key, step_context
from workflows.engine.step_decorators import step
from workflows.engine.steps import Lens, State, Step, StepList, begin, done
from workflows.engine.tree import Program, Ref, program_of, ref_of
from workflows.enums import ProcessKind
from workflows.models import Process, UndoPlan
from workflows.states import ENDED

# The part of an undo in the path of the process that it undoes.
UNDO_KEY: Final = "undo"


def undo_program(workflow: Workflow, ref: Ref) -> Program | None:
    """Return what an undo runs; None if its plan is not stored. Two statements."""
    plan = UndoPlan.objects.filter(process_id=ref.process_id).first()
    if plan is None:
        return None
    ids = {item["process_id"] for item in plan.steps}
    ran = {str(one.process_id): one for one in Process.every.filter(pk__in=ids).select_related("workflow")}
    keys = StepList(Step(item["name"]) for item in plan.steps).keys()
    made = [
        _undo_step(workflow, ran.get(item["process_id"]), item, key) for item, key in zip(plan.steps, keys, strict=True)
    ]
    steps = begin
    for one in made:
        steps = steps >> one
    steps = steps >> (_keep_lock(plan.left) if plan.left else unlock_all) >> done
    return Program(workflow, steps, steps.keys())


def _undo_step(workflow: Workflow, process: Process | None, item: dict[str, Any], key: str) -> Step:
    """Return the step that undoes the one that `process` did."""
    ref = ref_of(process) if process is not None else None
    undo = _find_undo(workflow, ref, item["key"], item["sub_step"]) if ref is not None else None
    if process is None or ref is None or undo is None:
        return Step(item["name"], function=_gone(item["name"]))
    seq = item["seq"]
    undone = Undone(
        step=item["sub_step"] or item["key"],
        idempotency_key=idempotency_key(
            root_id=process.root_id, branch_key=ref.branch_key, step_key=item["key"], sub_step=item["sub_step"]
        ),
        is_half_done=item["is_half_done"],
        read_before=functools.partial(state_before, ref, seq),
    )
    seen = through(_lens(functools.partial(_state_at, ref, seq), key))(undo)[0]
    inner = seen.steps.map(lambda one: replace(one, undone=undone))
    return replace(seen, name=item["name"], undone=undone, steps=inner)


def _find_undo(workflow: Workflow, ref: Ref, key: str, sub_step: str | None) -> Step | None:
    """Return what undoes a step; where it asks for no queue itself, it is done on the one that the step was done on."""
    program = program_of(workflow, ref)
    if program is None or key not in program.keys:
        return None
    found = program.steps[program.keys.index(key)]
    queue = found.options.queue
    if sub_step is not None:
        keys = found.steps.keys()
        if sub_step not in keys:
            return None
        found = found.steps[keys.index(sub_step)]
    if found.undo is None or found.undo.options.queue is not None:
        return found.undo
    return replace(found.undo, options=replace(found.undo.options, queue=queue))


def _gone(name: str) -> Callable[[], State]:
    def say_so() -> State:
        raise PlanChanged(
            f"The code has nothing any more that does {name!r}. Bring it back and retry, or abort this undo and look "
            "after what is left by hand."
        )

    return say_so


# The steps of an undo ask for one state after the other: one of them is kept.
@functools.lru_cache(maxsize=1)
def _state_at(ref: Ref, seq: int) -> State:
    return state_at(ref, seq)


def _lens(given: Callable[[], State], key: str) -> Lens:
    """Return how an undo step sees the state of the undo: the state it was given, and its own part over it."""
    return Lens(
        get=lambda state: {**given(), **state.get(key, {})},
        set=lambda state, part: _with_own(state, key, difference(given(), part).set),
    )


def _with_own(state: State, key: str, own: State) -> State:
    return {**state, key: own} if own else state


@step("Unlock subscriptions", atomic=True, effects="database")
def unlock_all() -> State:
    """Free what the processes of this root have locked, unless another of them still needs it."""
    from subscriptions import services
    from subscriptions.models import Subscription

    context = step_context()
    others = Process.every.filter(root_id=context.root_id).exclude(pk=context.process_id)
    if others.exclude(kind=ProcessKind.BRANCH).exclude(last_status__in=ENDED).exists():
        return {"lock_kept": "Other processes of the same order have not ended."}
    locked = Subscription.objects.filter(locked_by=context.root_id).order_by("pk").values_list("pk", flat=True)
    for subscription_id in (found := list(locked)):
        services.resync(subscription_id, root_id=context.root_id)
    return {"unlocked": found}


def _keep_lock(left: Iterable[str]) -> Step:
    @step("Keep the lock", effects="read")
    def keep_lock() -> State:
        """Leave the subscriptions locked: not everything could be undone, so a person has to look."""
        return {"not_undone": list(left)}

    return keep_lock
