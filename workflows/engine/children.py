"""Processes that a step runs side by side: start them, keep so many at work, wake the parent, join what they came to.

Everything is decided while the parent's wait row is locked, so of children that end at the same time one is the last.
Locks are taken in one order: the wait, the parent, the children.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from subscriptions.domain import SubscriptionModel
from wfo_site.common import broadcast
from wfo_site.common.clock import now
from wfo_site.common.errors import Conflict
from wfo_site.common.json import to_json
from workflows.engine import store, turns, waits
from workflows.engine.bells import ring
from workflows.engine.child_maker import ChildMaker
from workflows.engine.claims import Claim
from workflows.engine.forks import Child, Ended, Fork, is_subscription
from workflows.engine.going import set_going
from workflows.engine.outcome import Outcome
from workflows.engine.state import Delta, fold
from workflows.engine.steps import State
from workflows.engine.tallies import Kid, children_of, tally_of
from workflows.enums import ProcessStatus, StepStatus, TimeoutAction, WaitKind, WaitState
from workflows.models import Process, ProcessStep, Wait
from workflows.states import CLEARED_STEPS, ENDED, FAILED


class ChildrenMissing(Conflict):
    """Not enough children can end well any more."""

    code = "children_missing"


# Going out


def open_fork(claim: Claim, *, key: str, name: str, fork: Fork, state: State, seq: int, user: str) -> Outcome:
    """Start the children of a step, or those that are missing when it is tried again; in the step's transaction.

    What was completed stays, what failed is tried again, what was aborted is made anew.
    """
    before = _tried_before(claim.process_id, key)
    kids = children_of(claim.process_id, before.detail["seq"]) if before is not None else []
    if before is not None and kids:
        names, items = before.detail["names"], before.detail["items"]
        planned = _planned_before(fork, state, names, items)
    else:
        planned = fork.children(state)
        names, items = [child.name[:255] for child in planned], to_json([child.item for child in planned])
    if not planned:
        return Outcome(StepStatus.SUCCESS, fork.joined(state, []))
    needed = fork.needed(len(planned))
    limit = fork.max_parallel if fork.max_parallel is not None and fork.max_parallel < len(planned) else None
    turn = turns.TURN.format(limit=limit, step=name)[:500] if limit is not None else None
    there: set[int] = set()
    if before is not None and kids:
        # Processes are locked from the parent down, as by an abort.
        store.hold(claim)
        there = _take_along(before, kids, seq, turn=turn, allow_aborted=fork.allow_aborted)
    missing = [index for index in range(len(planned)) if index not in there]
    # Where some are there already, all others wait until it is known how many may be at work beside them.
    free = len(missing) if limit is None else 0 if kids else limit
    maker = ChildMaker(claim, key=key, fork=fork, seq=seq if fork.waits else None, user=user)
    made = maker.make([(index, planned[index]) for index in missing], free=free, held_because=turn)
    if not fork.waits:
        started = [
            Ended(index=kid.index, name=kid.name, process_id=str(kid.process_id), status=kid.status) for kid in made
        ]
        return Outcome(StepStatus.SUCCESS, fork.joined(state, started))
    turns.retry([kid.process_id for kid in kids if kid.status in FAILED], user=user, turn=turn)
    wait = Wait.objects.create(
        process_id=claim.process_id,
        kind=WaitKind.CHILDREN,
        key=key,
        created_at=now(),
        reached=True,
        deadline=waits.in_seconds(fork.timeout),
        timeout_seconds=fork.timeout,
        on_timeout=TimeoutAction(fork.on_timeout),
        detail={
            "seq": seq,
            "needed": needed,
            "limit": limit,
            "turn": turn,
            "allow_aborted": fork.allow_aborted,
            "names": names,
            "items": items,
        },
    )
    tally = tally_of(wait)
    if tally.is_decided:
        # It is tried again only to join what has ended.
        waits.close(wait.pk, WaitState.ARRIVED)
        return join(claim, key=key, fork=fork, state=state)
    turns.give_turns(wait, tally)
    return Outcome(StepStatus.WAITING, wait_kind=WaitKind.CHILDREN)


def _tried_before(process_id: UUID, key: str) -> Wait | None:
    """Return what an earlier try of a step waited with, if it is to be gone on with. No child can end from here on.

    A step that is done is begun anew: a person has made the process go on there or before it.
    """
    if waits.current_children(process_id, key) is None:
        return None
    waits.lock_children(process_id)
    before = waits.current_children(process_id, key)
    assert before is not None
    rows = ProcessStep.objects.filter(process_id=process_id, seq=before.detail["seq"], key=key)
    return None if rows.filter(status__in=CLEARED_STEPS).exists() else before


def _take_along(before: Wait, kids: Sequence[Kid], seq: int, *, turn: str | None, allow_aborted: bool) -> set[int]:
    """Make the children of an earlier try those of the row written now; return the places that they fill.

    An aborted child is let go: another takes its place. What it was a part of is noted where it was waited for. Raises
    ChildrenMissing while its step goes on all the same: the other one would do the same beside it.
    """
    parent_id, detail = before.process_id, before.detail
    gone = [] if allow_aborted else [kid.process_id for kid in kids if kid.status == ProcessStatus.ABORTED]
    if gone:
        left = Process.every.filter(pk__in=gone)
        if running := left.filter(lease_until__gt=Now()).order_by("process_id").values_list("branch_name", flat=True):
            raise ChildrenMissing(
                f"“{running[0]}” was aborted, and its step may not have ended; retry when it has, or its worker is "
                "known to be lost"
            )
        left.update(parent_seq=None)
        Wait.objects.filter(pk=before.pk).update(
            detail={**detail, waits.LET_GO: [str(process_id) for process_id in gone]}
        )
    Process.every.filter(parent_id=parent_id, parent_seq=detail["seq"]).update(parent_seq=seq)
    turns.rename_turns(parent_id, seq, before=detail["turn"], after=turn)
    return {kid.index for kid in kids if kid.process_id not in gone}


def _planned_before(fork: Fork, state: State, names: Sequence[str], items: Sequence[Any]) -> list[Child]:
    """Return the children as they were planned the first time; the form pages of workflows come from the state."""
    if fork.is_workflow:
        return fork.children(state)
    return [Child(name=name, item=item) for name, item in zip(names, items, strict=True)]


# Coming back


def tell_parent(claim: Claim, status: str) -> None:
    """Tell the parent of a process, if one waits for it, that it has ended or failed."""
    if claim.parent_id is not None and claim.parent_seq is not None:
        settle(claim.process_id, claim.parent_id, status)


def end_without_row(claim: Claim, columns: dict[str, Any]) -> None:
    """Let a process end or fail by these columns, where there is no step whose row could say so. Raises FenceLost."""
    with transaction.atomic():
        tell_parent(claim, columns["last_status"])
        store.fence(claim, columns)


def settle(child_id: UUID, parent_id: UUID, status: str) -> None:
    """Tell the parent that a child has ended or failed, in the transaction that says so and before its fence.

    Wakes the parent when that decides its wait, else lets the next child have its turn.
    """
    wait = waits.lock_children(parent_id)
    broadcast.processes_changed(parent_id)
    if wait is None:
        return
    # Asked now: a parent that was tried again has made it a part of another row since its runner claimed it.
    if not Process.every.filter(pk=child_id, parent_id=parent_id, parent_seq=wait.detail["seq"]).exists():
        return
    tally = tally_of(wait, leave_out=child_id)
    tally.count(status, is_held=False)
    if not tally.is_decided:
        turns.give_turns(wait, tally)
    elif waits.close(wait.pk, WaitState.ARRIVED):
        wake(parent_id)


def wake(process_id: UUID) -> None:
    """Let a parent go on whose children have ended."""
    waiting = Process.every.filter(pk=process_id, last_status=ProcessStatus.WAITING, wait_kind=WaitKind.CHILDREN)
    if set_going(waiting):
        broadcast.status_counts_changed()
        ring([process_id])


def join(claim: Claim, *, key: str, fork: Fork, state: State) -> Outcome:
    """Join what the children of a step came to, in the transaction of its row; those still at work are aborted.

    Raises ChildrenMissing if too few ended well, and what the merging raises.
    """
    wait = waits.current_children(claim.process_id, key)
    if wait is None:
        raise ChildrenMissing("What this step waited for is gone; retry it to start its parts anew")
    if wait.state == WaitState.OPEN:
        # Somebody set it going by hand.
        waits.close(wait.pk, WaitState.CANCELLED)
    kids = children_of(claim.process_id, wait.detail["seq"])
    good_statuses = {ProcessStatus.COMPLETED, *([ProcessStatus.ABORTED] if fork.allow_aborted else [])}
    good = [kid for kid in kids if kid.status in good_statuses]
    goes_on_anyway = wait.state == WaitState.EXPIRED and wait.on_timeout == TimeoutAction.CONTINUE
    if len(good) < wait.detail["needed"] and not goes_on_anyway:
        raise ChildrenMissing(_what_is_missing(kids, good_statuses))
    ended = _ended([kid for kid in good if kid.status == ProcessStatus.COMPLETED or fork.is_workflow], fork)
    joined = fork.joined(state, ended)
    if left := [kid.process_id for kid in kids if kid.status not in ENDED]:
        # Processes are locked from the parent down, as by an abort.
        store.hold(claim)
        abort_all(left)
    return Outcome(StepStatus.SUCCESS, _read_again(joined))


def _what_is_missing(kids: Sequence[Kid], good: Collection[str]) -> str:
    missing = [f"“{kid.name}” ({kid.status})" for kid in kids if kid.status not in good]
    names = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
    return f"Too few of its parts ended well: {names}. Retry to run those again."


def _ended(kids: Sequence[Kid], fork: Fork) -> list[Ended]:
    """Read what children did to the state; one statement for all."""
    deltas: dict[UUID, list[Delta]] = {kid.process_id: [] for kid in kids}
    if fork.reads_children:
        rows = ProcessStep.objects.filter(
            process_id__in=list(deltas), status__in=CLEARED_STEPS, sub_step__isnull=True
        ).order_by("process_id", "seq")
        for process_id, set_, removed in rows.values_list("process_id", "delta", "removed"):
            deltas[process_id].append(Delta(set_, frozenset(removed)))
    ended = []
    for kid in kids:
        changes = Delta()
        for delta in deltas[kid.process_id]:
            changes = changes.then(delta)
        ended.append(
            Ended(
                index=kid.index,
                name=kid.name,
                process_id=str(kid.process_id),
                status=kid.status,
                changes=changes,
                state=fold(deltas[kid.process_id]) if fork.is_workflow else {},
            )
        )
    return ended


def _read_again(result: State) -> State:
    """Replace subscriptions by what is stored now: each branch has seen only its own changes."""
    return {key: _stored(value) if is_subscription(value) else value for key, value in result.items()}


def _stored(value: State) -> State:
    stored: State = to_json(SubscriptionModel.from_subscription(UUID(str(value["subscription_id"]))))
    return stored


def abort_all(process_ids: Iterable[UUID]) -> None:
    """Abort children that nobody waits for any more, but for those that have ended meanwhile."""
    from workflows.services.abort import abort_process

    # In the order in which everybody locks several of them.
    for process_id in sorted(process_ids):
        abort_process(process_id, is_told=True)
