"""REST by which external systems answer: the outcome of what a process asked for, and its progress until then."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from pydantic import TypeAdapter
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from wfo_site.common.rest.access import MayUseApi
from wfo_site.common.rest.body import read_bytes, read_json, validated
from wfo_site.common.rest.openapi import answers
from wfo_site.common.rest.problems import RequestInvalid
from wfo_site.common.rest.views import ApiView
from workflows import services
from workflows.api.schemas import CallbackBody, ProgressBody

_outcome: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
_progress: TypeAdapter[str | dict[str, Any]] = TypeAdapter(str | dict[str, Any])
_NOTHING = {200: {"type": "null"}}


class PlainText(BaseParser):
    """Names the second media type that progress may be sent in."""

    media_type = "text/plain"


class MayCallBack(MayUseApi):
    """A token is 256 bits that only its receiver knows; whether it needs a login as well is a setting."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return not settings.CALLBACKS_NEED_LOGIN or super().has_permission(request, view)


class Callback(ApiView):
    permission_classes = [MayCallBack]

    @extend_schema(
        operation_id="continue_awaiting_process",
        request=CallbackBody,
        responses=answers(_NOTHING, 400, 404, 409, 422, 503),
    )
    def post(self, request: Request, process_id: UUID, token: str) -> Response:
        """Report the outcome: the process goes on with it. A token works once."""
        services.arrive_callback(process_id, token, validated(_outcome, read_json(request), loc=("body",)))
        return Response(None)


class CallbackProgress(ApiView):
    permission_classes = [MayCallBack]
    parser_classes = [JSONParser, PlainText]

    @extend_schema(
        operation_id="update_progress_on_awaiting_process",
        request={"application/json": ProgressBody, "text/plain": str},
        responses=answers(_NOTHING, 400, 404, 409, 422, 503),
    )
    def post(self, request: Request, process_id: UUID, token: str) -> Response:
        """Report progress, as text or as an object; each report replaces the one before. The process waits on."""
        services.update_callback_progress(process_id, token, _progress_of(request))
        return Response(None)


def _progress_of(request: Request) -> str | dict[str, Any]:
    if (request.content_type or "").partition(";")[0].strip() != "text/plain":
        return validated(_progress, read_json(request), loc=("body",))
    try:
        return read_bytes(request).decode()
    except UnicodeDecodeError as error:
        problem = {"type": "string_unicode", "loc": ["body"], "msg": "Text must be UTF-8"}
        raise RequestInvalid([problem]) from error
