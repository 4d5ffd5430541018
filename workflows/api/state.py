"""REST of the state of a process that has stopped: see it as the next step would, and change it."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import TypeAdapter
from rest_framework.request import Request
from rest_framework.response import Response

from wfo_site.common.rest.body import read_json, validated
from wfo_site.common.rest.openapi import answers
from wfo_site.common.rest.problems import RequestInvalid
from wfo_site.common.rest.views import ApiView
from workflows import selectors, services
from workflows.api.request import REPORTER, reporter, user_model
from workflows.api.schemas import ProcessStateSchema, StateEditSchema
from workflows.engine.state_edits import OWN_KEYS, StateEdit

_edit = TypeAdapter(StateEditSchema)


class State(ApiView):
    @extend_schema(operation_id="process_state", responses=answers({200: ProcessStateSchema}, 404, 422))
    def get(self, request: Request, process_id: UUID) -> Response:
        """Show the state that the next step of a process sees, and whether it can be changed."""
        return _shown(request, process_id)

    @extend_schema(
        operation_id="edit_process_state",
        parameters=[REPORTER],
        request=StateEditSchema,
        responses=answers({200: ProcessStateSchema}, 403, 404, 409, 422),
    )
    def patch(self, request: Request, process_id: UUID) -> Response:
        """Change the state of a process that has failed or waits for input. Nothing is run by it."""
        asked = validated(_edit, read_json(request), loc=("body",))
        if (asked.state is None) == (asked.set is None and asked.remove is None):
            raise RequestInvalid(
                [
                    {
                        "type": "value_error",
                        "loc": ["body"],
                        "msg": "Give either `state`, the whole of it, or `set` and `remove`",
                        "input": None,
                    }
                ]
            )
        services.edit_state(
            process_id,
            StateEdit(state=asked.state, set=asked.set or {}, remove=asked.remove or ()),
            reason=asked.reason,
            version=asked.version,
            user=reporter(request),
            user_model=user_model(request),
        )
        return _shown(request, process_id)


def _shown(request: Request, process_id: UUID) -> Response:
    found = selectors.editable_state(process_id, user_model(request))
    return Response(
        {
            "process_id": process_id,
            "version": found.version,
            "reason": found.reason or None,
            "state": found.shown,
            "own_keys": list(OWN_KEYS),
        }
    )
