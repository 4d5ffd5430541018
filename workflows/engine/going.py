"""What stands still is set going: by a person, an answer, an end that was waited for, or a deadline."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.db.models.functions import Now

from workflows.enums import ProcessStatus
from workflows.models import ProcessQuerySet


def set_going(standing: ProcessQuerySet, **values: Any) -> int:
    """Let those of `standing` be claimed again, and return how many they were. Nobody rings for them yet.

    Whoever saw one before, or had it, is refused by the epoch. `values`: columns that are set besides.
    """
    return standing.update(
        last_status=ProcessStatus.RESUMED,
        epoch=F("epoch") + 1,
        wait_kind=None,
        rung_at=None,
        not_before=None,
        last_modified_at=Now(),
        **values,
    )
