"""Pause the engine and let it go on."""

from __future__ import annotations

from django.db import transaction

from wfo_site.common import broadcast
from wfo_site.common.clock import now
from wfo_site.common.errors import Locked
from workflows.engine import claims, deadlines
from workflows.engine.authorization import Asker
from workflows.models import EngineSettings
from workflows.services.bell import ring_after_commit
from workflows.services.staff import check_is_staff

# More than this go on when the sweeper comes by.
RING_AT_ONCE = 100
SWITCH = "pause or start the engine"


def check_engine_takes_changes() -> None:
    """Raise Locked while the engine is paused."""
    if EngineSettings.objects.filter(global_lock=True).exists():
        raise Locked("Engine is locked cannot accept changes on processes at this time")


def pause_engine(*, user_model: Asker = None) -> None:
    """Stop every process before its next step; they stay `running` and go on when the engine does. Raises Forbidden.

    Meanwhile no answer is taken, so no wait for one ends.
    """
    check_is_staff(user_model, SWITCH)
    EngineSettings.objects.get_or_create(pk=1)
    EngineSettings.objects.filter(global_lock=False).update(global_lock=True, paused_at=now())
    broadcast.engine_status_changed()


@transaction.atomic
def unpause_engine(*, user_model: Asker = None) -> None:
    """Let everything go on that was stopped by the pause. Live leases are left alone. Raises Forbidden."""
    check_is_staff(user_model, SWITCH)
    paused = EngineSettings.objects.select_for_update().filter(global_lock=True)
    if found := list(paused.values_list("paused_at", flat=True)):
        if found[0] is not None:
            deadlines.prolong(now() - found[0])
        paused.update(global_lock=False, paused_at=None)
    broadcast.engine_status_changed()
    if waiting := list(
        claims.claimable().order_by("priority", "process_id").values_list("process_id", flat=True)[:RING_AT_ONCE]
    ):
        ring_after_commit(waiting)
