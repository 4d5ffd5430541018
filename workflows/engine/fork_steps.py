"""How authors run steps side by side: `parallel`, `foreach`, `sub_workflow`, `parallel_sub_workflows`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from workflows.engine.forks import (
    DEFAULT_ITEM_KEY,
    DEFAULT_SUB_PROCESS_KEY,
    Branch,
    Child,
    ForeachFork,
    Fork,
    Items,
    Join,
    MergeBranches,
    MergeItems,
    OnTimeout,
    ParallelFork,
    SubWorkflowFork,
)
from workflows.engine.steps import State, Step, StepKind, StepList, as_steps

Pages: TypeAlias = "Sequence[State] | Callable[[State], Sequence[State]]"


def branch(name: str, steps: Step | StepList, *, sets: Iterable[str] = ()) -> Branch:
    """Name steps that `parallel` runs beside others. `sets`: state keys whose value this branch decides."""
    inner = as_steps(steps)
    if not inner:
        raise ValueError(f"Branch {name!r} has no steps")
    return Branch(name, inner, frozenset(sets))


def parallel(
    name: str,
    *branches: Branch | Step | StepList,
    join: Join = "all",
    merge: MergeBranches | None = None,
    max_parallel: int | None = None,
    timeout: float | None = None,
    on_timeout: OnTimeout = "fail",
) -> Step:
    """Run branches side by side and go on when `join` of them have ended well; the others are then aborted.

    Each branch sees the state before the step and is retried, resumed and aborted on its own. Keys that branches set
    must be equal, be declared by one of them (`branch(..., sets=[...])`), or be merged by `merge(state, {branch name:
    its changes})`.
    """
    made = tuple(_as_branch(one, number) for number, one in enumerate(branches, 1))
    names = [one.name for one in made]
    if len(made) < 1 or len(set(names)) < len(names):
        raise ValueError(f"Step {name!r} needs branches with names of their own, not {names}")
    fork = ParallelFork(
        branches=made, merge=merge, join=join, max_parallel=max_parallel, timeout=timeout, on_timeout=on_timeout
    )
    fork.needed(len(made))
    return _fork_step(name, fork)


def foreach(
    name: str,
    items: Items,
    steps: Step | StepList,
    *,
    item: str = DEFAULT_ITEM_KEY,
    result_key: str = "",
    label: Callable[[Any], str] | None = None,
    merge: MergeItems | None = None,
    join: Join = "all",
    max_parallel: int | None = None,
    timeout: float | None = None,
    on_timeout: OnTimeout = "fail",
) -> Step:
    """Run steps once for each item, side by side, at most `max_parallel` at a time.

    `items`: the state key of a list, or a function of the state that returns one. The steps find their item under
    `item` and its number, from 0, under `item_index`. What each changed is collected in the order of the items under
    `result_key` (by default `<items>_results`), or merged by `merge(state, changes in order)`. `label` names an item
    for people.
    """
    inner = as_steps(steps)
    if not inner:
        raise ValueError(f"Step {name!r} has no steps to run for each item")
    key = result_key or (f"{items}_results" if isinstance(items, str) else "results")
    return _fork_step(
        name,
        ForeachFork(
            items=items,
            steps=inner,
            item_key=item,
            result_key=key,
            label=label,
            merge=merge,
            join=join,
            max_parallel=max_parallel,
            timeout=timeout,
            on_timeout=on_timeout,
        ),
    )


def sub_workflow(
    name: str,
    workflow: str,
    inputs: Pages = (),
    *,
    outputs: Iterable[str] = (),
    result_key: str = DEFAULT_SUB_PROCESS_KEY,
    wait: bool = True,
    allow_aborted: bool = False,
    timeout: float | None = None,
    on_timeout: OnTimeout = "fail",
) -> Step:
    """Start another workflow as a process of its own and wait until it has completed.

    `inputs`: one dict per form page, or a function of the state that returns them. The parent finds `process_id`,
    `status` and the keys named by `outputs` under `result_key`. `wait=False` starts it and goes on.
    """

    def calls(state: State) -> list[Child]:
        return [Child(name=workflow, workflow=workflow, pages=list(inputs(state) if callable(inputs) else inputs))]

    return _fork_step(
        name,
        SubWorkflowFork(
            calls=calls,
            outputs=tuple(outputs),
            result_key=result_key,
            is_one=True,
            waits=wait,
            allow_aborted=allow_aborted,
            timeout=timeout,
            on_timeout=on_timeout,
        ),
    )


@dataclass(frozen=True)
class SubWorkflow:
    """One workflow that `parallel_sub_workflows` starts: its name, its form pages and what people see it called."""

    workflow: str
    inputs: Sequence[State] = ()
    name: str = ""


def parallel_sub_workflows(
    name: str,
    calls: Callable[[State], Iterable[SubWorkflow]],
    *,
    outputs: Iterable[str] = (),
    result_key: str = f"{DEFAULT_SUB_PROCESS_KEY}es",
    wait: bool = True,
    allow_aborted: bool = False,
    join: Join = "all",
    max_parallel: int | None = None,
    timeout: float | None = None,
    on_timeout: OnTimeout = "fail",
) -> Step:
    """Start many workflows as processes of their own, at most `max_parallel` at work at once, and wait for `join`.

    `calls(state)` says which. Nothing is started if the form of one refuses its inputs. Under `result_key` stands, in
    order, what `sub_workflow` returns for one.
    """

    def children(state: State) -> list[Child]:
        return [
            Child(name=call.name or call.workflow, workflow=call.workflow, pages=list(call.inputs))
            for call in calls(state)
        ]

    return _fork_step(
        name,
        SubWorkflowFork(
            calls=children,
            outputs=tuple(outputs),
            result_key=result_key,
            waits=wait,
            allow_aborted=allow_aborted,
            join=join,
            max_parallel=max_parallel,
            timeout=timeout,
            on_timeout=on_timeout,
        ),
    )


def _as_branch(one: Branch | Step | StepList, number: int) -> Branch:
    if isinstance(one, Branch):
        return one
    return branch(one.name if isinstance(one, Step) else f"Branch {number}", one)


def _fork_step(name: str, fork: Fork) -> Step:
    return Step(name, StepKind.FORK, fork=fork, atomic=True)
