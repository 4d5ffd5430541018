"""Turns: of the processes that a step runs side by side no more are at work at once than it allows.

Those that are too many are held, new ones and failed ones that are tried again alike; each that ends or fails lets the
next one go on. All of it is decided while what their parent waits with is locked.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from wfo_site.common import broadcast
from workflows.engine import inputs
from workflows.engine.bells import ring
from workflows.engine.going import set_going
from workflows.engine.tallies import MAY_BE_HELD, Tally, tally_of
from workflows.models import Process, Wait
from workflows.states import FAILED

TURN: Final = "waits for its turn: {limit} of “{step}” run at once"


def give_turns(wait: Wait, tally: Tally) -> None:
    """Let so many go on as may be at work beside those that are."""
    if tally.limit is None or tally.at_work >= tally.limit:
        return
    held = Process.every.filter(
        parent_id=wait.process_id,
        parent_seq=wait.detail["seq"],
        last_status__in=MAY_BE_HELD,
        held_because=wait.detail["turn"],
    )
    following = list(held.order_by("process_id").values_list("process_id", flat=True)[: tally.limit - tally.at_work])
    Process.every.filter(pk__in=following).update(held_because=None, rung_at=None)
    ring(following)


def rename_turns(parent_id: UUID, seq: int, *, before: str | None, after: str | None) -> None:
    """Let those that are held wait for what the code allows now; without a limit they go on."""
    if before is not None and before != after:
        held = Process.every.filter(parent_id=parent_id, parent_seq=seq, held_because=before)
        held.filter(last_status__in=MAY_BE_HELD).update(held_because=after, rung_at=None)


def take_turns(process_ids: Collection[UUID], wait: Wait) -> None:
    """Hold those of some processes that are tried again and waited for with `wait`, and let so many go on as may."""
    mine = Process.every.filter(pk__in=process_ids, parent_id=wait.process_id, parent_seq=wait.detail["seq"])
    mine.update(held_because=wait.detail["turn"])
    give_turns(wait, tally_of(wait))


def retry(process_ids: Collection[UUID], *, user: str, turn: str | None) -> None:
    """Let failed children go on, as a person who retries them would; with a `turn`, each when it is given one."""
    failed = Process.every.filter(pk__in=process_ids, last_status__in=FAILED)
    # As an abort of all of them locks them.
    found = list(failed.order_by("process_id").select_for_update().values_list("process_id", flat=True))
    set_going(Process.every.filter(pk__in=found), **({} if turn is None else {"held_because": turn}))
    inputs.give({process_id: {} for process_id in found}, user=user)
    for process_id in found:
        broadcast.processes_changed(process_id)
    if turn is None:
        ring(found)
