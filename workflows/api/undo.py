"""REST of undoing: what it would do, and doing it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from wfo_site.common.rest.openapi import answers
from wfo_site.common.rest.views import ApiView
from workflows import selectors, services
from workflows.api.request import REPORTER, reporter, user_model
from workflows.api.schemas import ProcessIdSchema, UndoPlanSchema
from workflows.engine.undo_plan import Fate, Undoing
from workflows.selectors.undo import state_given


class Undo(ApiView):
    @extend_schema(operation_id="undo_plan", responses=answers({200: UndoPlanSchema}, 404, 422))
    def get(self, _request: Request, process_id: UUID) -> Response:
        """Show what undoing a process does: its finished steps in reverse, each with the state that its undo gets."""
        plan = selectors.undo_plan(process_id)
        return Response(
            {
                "process_id": process_id,
                "reason": plan.refusal or None,
                "undone_by": plan.undone_by.process_id if plan.undone_by is not None else None,
                "steps": [_step(step) for step in plan.steps],
            }
        )

    @extend_schema(
        operation_id="undo_process",
        request=None,
        parameters=[REPORTER],
        responses=answers({201: ProcessIdSchema}, 403, 404, 409, 422, 503),
    )
    def post(self, request: Request, process_id: UUID) -> Response:
        """Start the undo of a process that failed, was aborted or waits, which is aborted with it."""
        undo_id = services.undo_process(process_id, user=reporter(request), user_model=user_model(request))
        return Response({"id": undo_id}, status=HTTPStatus.CREATED)


def _step(step: Undoing) -> dict[str, Any]:
    return {
        "process_id": step.process_id,
        "name": step.name,
        "where": step.where,
        "fate": step.fate,
        "undo_name": step.undo_name,
        "reason": step.reason,
        "is_half_done": step.is_half_done,
        "other_process_id": step.other_id,
        "state": state_given(step) if step.fate is Fate.UNDONE else None,
    }
