"""REST of processes whose workflow has changed under them: where they may go on, and the choice."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus
from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import TypeAdapter
from rest_framework.request import Request
from rest_framework.response import Response

from wfo_site.common.rest.body import read_json, validated
from wfo_site.common.rest.openapi import answers
from wfo_site.common.rest.views import ApiView
from workflows import selectors, services
from workflows.api.request import REPORTER, reporter, user_model
from workflows.api.schemas import ContinueAtChoicesSchema, ContinueAtSchema

_choice = TypeAdapter(ContinueAtSchema)


class ContinueAt(ApiView):
    @extend_schema(operation_id="continue_at_choices", responses=answers({200: ContinueAtChoicesSchema}, 404, 422))
    def get(self, _request: Request, process_id: UUID) -> Response:
        """Show the plan that a process has run by beside that of the code, and where it may go on."""
        found = selectors.continue_choices(process_id)
        return Response(
            {
                "process_id": process_id,
                "version": found.version,
                "plan": found.plan,
                "why": found.why or None,
                "reason": found.refusal or None,
                "old": [{"key": step.key, "name": step.name, "standing": step.standing} for step in found.old],
                "new": [asdict(step) for step in found.new],
            }
        )

    @extend_schema(
        operation_id="continue_process_at",
        parameters=[REPORTER],
        request=ContinueAtSchema,
        responses=answers({204: None}, 403, 404, 409, 422, 503),
    )
    def post(self, request: Request, process_id: UUID) -> Response:
        """Let a process go on at a step of the code, where the steps that it has done are not those of the code."""
        chosen = validated(_choice, read_json(request), loc=("body",))
        services.continue_at(
            process_id,
            chosen.step,
            plan=chosen.plan,
            version=chosen.version,
            user=reporter(request),
            user_model=user_model(request),
        )
        return Response(status=HTTPStatus.NO_CONTENT)
