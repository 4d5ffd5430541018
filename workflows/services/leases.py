"""Let one at a time do something, across all processes and machines: a row won by compare-and-set, given up or run out.

The database's clock decides, so that holders whose clocks differ agree.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models.functions import Now

from wfo_site.common.uuid7 import uuid7
from workflows.models import Lease

_OVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


def take(name: str, *, seconds: float) -> UUID | None:
    """Take a lease and return what gives it back; None while another has it. It ends by itself after `seconds`."""
    holder = uuid7()
    Lease.objects.get_or_create(name=name, defaults={"holder": holder, "until": _OVER})
    until = Now() + timedelta(seconds=seconds)
    won = Lease.objects.filter(name=name, until__lt=Now()).update(holder=holder, until=until)
    return holder if won else None


def give_back(name: str, holder: UUID) -> None:
    """End a lease before its time; nothing happens if it ran out and another has it."""
    Lease.objects.filter(name=name, holder=holder).update(until=_OVER)
