"""REST of the engine as a whole: show it, pause it, let it go on."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from pydantic import TypeAdapter
from rest_framework.request import Request
from rest_framework.response import Response

from wfo_site.common.rest.body import read_json, validated
from wfo_site.common.rest.openapi import answers
from wfo_site.common.rest.views import ApiView
from workflows import selectors, services
from workflows.api.request import user_model
from workflows.api.schemas import EngineSettingsBaseSchema, EngineSettingsSchema, WorkerStatusSchema

_settings = TypeAdapter(EngineSettingsBaseSchema)


class EngineStatus(ApiView):
    @extend_schema(operation_id="get_global_status", responses=answers({200: EngineSettingsSchema}))
    def get(self, _request: Request) -> Response:
        """Show whether the engine is paused and how many processes are running."""
        return Response(selectors.engine_status())

    @extend_schema(
        operation_id="set_global_status",
        request=EngineSettingsBaseSchema,
        responses=answers({200: EngineSettingsSchema}, 400, 422),
    )
    def put(self, request: Request) -> Response:
        """Pause the engine before the next step of each process (`global_lock` true), or let it go on; for staff."""
        wanted = validated(_settings, read_json(request), loc=("body",))
        if wanted.global_lock:
            services.pause_engine(user_model=user_model(request))
        else:
            services.unpause_engine(user_model=user_model(request))
        return Response(selectors.engine_status())


class WorkerStatus(ApiView):
    @extend_schema(operation_id="get_worker_status", responses=answers({200: WorkerStatusSchema}))
    def get(self, _request: Request) -> Response:
        """Show how many workers are online, how many processes they run, and how many wait for one."""
        return Response(selectors.worker_status())
