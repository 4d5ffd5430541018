"""Refuse bodies that are too large while they arrive: the server would otherwise spool all of it to disk first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeAlias

from django.conf import settings

from wfo_site.common.rest.paths import API_PREFIX
from wfo_site.common.rest.problems import body_limit_sentence, problem
from wfo_site.common.rest.rendering import dumps

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Mapping[str, Any]]]
Send: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


class _TooLarge(Exception):
    pass


class BodyLimit:
    """ASGI: answers 413 for bodies above DATA_UPLOAD_MAX_MEMORY_SIZE bytes, declared or streamed.

    For pages as well: nobody uploads files here, and everybody, logged in or not, may post to the login.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            await _refuse(scope, send)
            return
        received = 0

        async def counted() -> Mapping[str, Any]:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _TooLarge
            return message

        try:
            await self.application(scope, counted, send)
        except _TooLarge:
            # Django reads the whole body before it begins to answer, so nothing was sent yet.
            await _refuse(scope, send)


async def _refuse(scope: Scope, send: Send) -> None:
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    sentence = body_limit_sentence()
    if scope["path"].startswith(API_PREFIX):
        content_type, body = b"application/json", dumps(problem(status, sentence))
    else:
        content_type, body = b"text/plain; charset=utf-8", sentence.encode()
    headers = [(b"content-type", content_type), (b"x-content-type-options", b"nosniff"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
