"""One process in the shape of ProcessSchema, with its steps, state and form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from subscriptions.api.rows import subscription_row
from workflows.api.schemas import ProcessSchema, ProcessStepSchema

_STEP_KEYS = tuple(ProcessStepSchema.model_fields)


def detail_row(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `workflows.selectors.process_detail` found, with the keys that clients know and no others."""
    return {
        **{key: detail[key] for key in ProcessSchema.model_fields},
        "subscriptions": [subscription_row(subscription) for subscription in detail["subscriptions"]],
        # A step to come has a name and a status; the rest of it is null, not absent.
        "steps": [{key: step.get(key) for key in _STEP_KEYS} for step in detail["steps"]],
    }
