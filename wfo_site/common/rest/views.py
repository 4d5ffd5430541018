"""The class that every REST view extends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from wfo_site.common.rest.access import MayUseApi, SessionOrOpen
from wfo_site.common.rest.openapi import ApiSchema
from wfo_site.common.rest.paths import NoUUID
from wfo_site.common.rest.problems import RequestInvalid, answer_to_error
from wfo_site.common.rest.rendering import JsonRenderer


class AlwaysJson(BaseContentNegotiation):
    """A client that asks for something else gets JSON, as it would from any API that speaks nothing else."""

    def select_parser(self, request: Request, parsers: Any) -> BaseParser:  # noqa: ARG002 - there is one
        return parsers[0]  # type: ignore[no-any-return]

    def select_renderer(
        self,
        request: Request,  # noqa: ARG002 - there is one
        renderers: Any,
        format_suffix: str | None = None,  # noqa: ARG002
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class ApiView(APIView):
    """A view of the API: session or open access, JSON in and out, errors as problems.

    Read bodies with `wfo_site.common.rest.body`, not with `request.data`.
    """

    authentication_classes = [SessionOrOpen]
    permission_classes = [MayUseApi]
    renderer_classes = [JsonRenderer]
    parser_classes = [JSONParser]
    content_negotiation_class = AlwaysJson
    metadata_class = None
    # Methods to which the UUID of the path is some other word.
    methods_without_uuid: frozenset[str] = frozenset()
    schema = ApiSchema()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method in self.methods_without_uuid:
            return
        wrong = [(name, value.text) for name, value in kwargs.items() if isinstance(value, NoUUID)]
        if wrong:
            kind, why = "uuid_parsing", "Input should be a valid UUID"
            raise RequestInvalid(
                [{"type": kind, "loc": ["path", name], "msg": why, "input": text} for name, text in wrong]
            )

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        return answer_to_error
