"""Idempotency keys of starts: the same key with the same inputs means the process that was started with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from wfo_site.common.clock import now
from wfo_site.common.errors import Conflict
from wfo_site.common.json import to_json
from workflows.engine.steps import State
from workflows.models import StartKey

KEY_IS_KEPT: Final = timedelta(hours=24)


def _digest(workflow_key: str, inputs: Sequence[State]) -> str:
    text = json.dumps([workflow_key, to_json(list(inputs))], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def started_with(key: str, workflow_key: str, inputs: Sequence[State]) -> UUID | None:
    known = StartKey.objects.filter(key=key, created_at__gt=now() - KEY_IS_KEPT).first()
    if known is None:
        return None
    if known.inputs_digest != _digest(workflow_key, inputs):
        raise Conflict(
            "This idempotency key was used for another start; use a new key for new inputs", field="Idempotency-Key"
        )
    return known.process_id


def keep_key(key: str, process_id: UUID, workflow_key: str, inputs: Sequence[State]) -> None:
    StartKey.objects.filter(key=key, created_at__lte=now() - KEY_IS_KEPT).delete()
    StartKey.objects.create(
        key=key, inputs_digest=_digest(workflow_key, inputs), process_id=process_id, created_at=now()
    )
