"""How the API describes itself: shapes of errors, and what drf-spectacular must know beyond the views."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse
from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

# A moment as the API writes it: seconds since 1970 as a float.
Epoch = Annotated[
    datetime,
    PlainSerializer(lambda moment: moment.timestamp(), return_type=float),
    WithJsonSchema({"type": "number", "format": "unix-timestamp"}),
]


class ProblemDetail(BaseModel):
    """Why a request was refused. `field` names what of the request was wrong, where one thing was."""

    model_config = ConfigDict(extra="allow")

    detail: str
    status: int
    title: str
    type: str | None = None
    field: str | None = None


class ValidationError(BaseModel):
    """One thing of a request that is wrong: where it stands, what is wrong and the kind of error."""

    model_config = ConfigDict(extra="allow")

    loc: list[str | int]
    msg: str
    type: str
    input: Any = None
    ctx: dict[str, Any] | None = None


class HTTPValidationError(BaseModel):
    """A request whose path, query, headers or body do not have the shape that they must have."""

    detail: list[ValidationError]


_SENTENCES = {
    304: "Unchanged since the ETag given",
    400: "Refused; the reason is in the body",
    403: "Not authenticated, or not allowed",
    404: "Not found",
    409: "Not possible in the present state",
    412: "The workflow may not start now",
    503: "The engine is paused",
    510: "A further page of input is needed; its form is in the body",
}


def answers(
    success: Mapping[int, type[BaseModel] | Mapping[str, Any] | None], *refusals: int
) -> dict[int, OpenApiResponse]:
    """Return the responses of an operation: what success gives, then the refusals by status."""
    described = {code: OpenApiResponse(response=shape, description="") for code, shape in success.items()}
    for code in sorted({403, *refusals}):
        if code == 422:
            described[code] = OpenApiResponse(HTTPValidationError, description="The request has a wrong shape")
        elif code == 304:
            described[code] = OpenApiResponse(description=_SENTENCES[code])
        else:
            described[code] = OpenApiResponse(ProblemDetail, description=_SENTENCES[code])
    return described


class ApiSchema(AutoSchema):
    """Names the group of an operation by the first part of its path behind /api/, and asks for a body where one is
    read: an absent one is a 422, whatever may be left out of it."""

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api/").split("/", 1)[0]]

    def _get_request_body(self, direction: Any = "request") -> dict[str, Any] | None:
        body: dict[str, Any] | None = super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        return {**body, "required": True} if body else None


class SessionOrOpenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The session cookie of the web pages."""

    target_class = "wfo_site.common.rest.access.SessionOrOpen"
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:  # noqa: ARG002 - as the framework calls it
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
