"""Let time pass for the engine without waiting for it.

Leases and deadlines are compared with the clock of the database, which no test can set. So everything that the engine
has stored moves into the past instead, which is what passing time does to it. Clocks keep running: a step that reads
one itself sees the real time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

# The database's clock may have a resolution of a millisecond.
_A_MOMENT: Final = timedelta(milliseconds=5)
# What of a process lies in the future and makes it due.
_OF_PROCESS: Final = ("not_before", "lease_until")


def pass_time(length: timedelta) -> None:
    """Move all that is stored into the past by `length` and a moment more. One statement per table."""
    from django.apps import apps
    from django.db.models import DateTimeField, F

    for model in apps.get_app_config("workflows").get_models():
        moments = [field.attname for field in model._meta.concrete_fields if isinstance(field, DateTimeField)]
        if moments:
            model._base_manager.update(**{name: F(name) - (length + _A_MOMENT) for name in moments})


def until_next_due() -> timedelta | None:
    """Return how long it is until something becomes due by itself: a start, a lease, a deadline. None: nothing will."""
    from django.db.models import Min

    from wfo_site.common.clock import now
    from workflows.enums import WaitState
    from workflows.models import Process, Wait

    moment = now()
    waits = Wait.objects.filter(state=WaitState.OPEN, reached=True, deadline__gt=moment)
    candidates: list[datetime | None] = [
        *(Process.every.live().filter(**{f"{name}__gt": moment}).aggregate(at=Min(name))["at"] for name in _OF_PROCESS),
        waits.aggregate(at=Min("deadline"))["at"],
    ]
    due = [at for at in candidates if at is not None]
    return min(due) - moment if due else None
