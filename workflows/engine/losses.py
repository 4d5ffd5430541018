"""Processes that take their worker down with them.

`lost_claims` counts the claims under which the next step was to be done: storing a step begins anew with the claim that
goes on, and giving back in good order takes the claim out that is given back. A runner that is told to end, or that
lost only the database, gives back; one that dies does not. So while nobody has a process, it is the number of claims
lost.

Two lost claims may be bad company: another process killed the worker that they shared. So then it runs alone. If that
claim is lost too, nothing else can have been the cause, and it is held until a person lets it go on.
"""

from __future__ import annotations

from typing import Final

from django.db.models import Q
from django.db.models.functions import Now

from wfo_site.common import broadcast
from workflows.engine.claims import ALONE_AFTER, HELD_AFTER
from workflows.models import Process

BATCH: Final = 100


def hold_what_kills() -> int:
    """Hold the processes that were lost for the last time, and return how many. One statement when there are none."""
    over = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    lost = Process.every.live().filter(over, lost_claims__gte=HELD_AFTER, held_because__isnull=True)
    held = 0
    for process_id, epoch, last_step in lost.values_list("process_id", "epoch", "last_step")[:BATCH]:
        place = f"the step after “{last_step}”" if last_step else "its first step"
        reason = (
            f"its worker was lost {HELD_AFTER} times in a row in {place}, the last time with nothing else running "
            "there; release it to try once more, or abort it"
        )
        if lost.filter(pk=process_id, epoch=epoch).update(held_because=reason):
            held += 1
            broadcast.processes_changed(process_id)
    return held


def is_held_for_losses(process: Process) -> bool:
    """Say whether a process is held because it took its worker down, and not for another reason."""
    return process.held_because is not None and process.lost_claims >= HELD_AFTER


def waits_to_be_alone(process: Process) -> bool:
    return process.lost_claims == ALONE_AFTER


def release(process: Process) -> bool:
    """Let a process go on that is held for losses; False if it is not, or no more.

    It still runs alone: if its worker dies once more, it is held again.
    """
    held = Process.every.live().filter(pk=process.pk, lost_claims__gte=HELD_AFTER, held_because__isnull=False)
    return bool(held.update(held_because=None, lost_claims=ALONE_AFTER, not_before=None, rung_at=None))
