"""Bodies that are too large are refused before they are stored, and what is read of one is bounded in size and time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import orjson
import pytest
from django.http import HttpRequest
from pytest_django.fixtures import Settings
from rest_framework.request import Request

from wfo_site.common.rest.body import read_bytes, read_json
from wfo_site.common.rest.body_limit import BodyLimit
from wfo_site.common.rest.problems import BadRequest, BodyTooLarge

LIMIT = 1000


@pytest.fixture(autouse=True)
def small_limit(settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = LIMIT


class Server:
    """An ASGI application that reads a whole body, as Django does, and what it answered."""

    def __init__(self) -> None:
        self.read = 0
        self.sent: list[dict[str, Any]] = []

    async def application(self, _scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive()).get("more_body"):
            self.read += len(message["body"])
        self.read += len(message.get("body", b""))
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def ask(self, path: str, chunks: list[bytes], headers: dict[bytes, bytes] | None = None) -> int:
        parts = self._messages(chunks)

        async def receive() -> Any:
            return next(parts)

        async def send(message: Any) -> None:
            self.sent.append(message)

        scope = {"type": "http", "path": path, "headers": list((headers or {}).items())}
        await BodyLimit(self.application)(scope, receive, send)
        return int(self.sent[0]["status"])

    @staticmethod
    def _messages(chunks: list[bytes]) -> Iterator[dict[str, Any]]:
        for number, chunk in enumerate(chunks, start=1):
            yield {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}


async def test_a_declared_length_is_enough_to_refuse() -> None:
    server = Server()
    assert await server.ask("/api/x", [b""], {b"content-length": b"1001"}) == 413
    assert server.read == 0
    body = orjson.loads(server.sent[1]["body"])
    assert (body["status"], body["title"]) == (413, "Request Entity Too Large")
    assert "1000 bytes" in body["detail"]


@pytest.mark.parametrize("headers", [{}, {b"content-length": b"10"}, {b"content-length": b"nonsense"}])
async def test_a_stream_is_refused_as_soon_as_it_is_too_long(headers: dict[bytes, bytes]) -> None:
    server = Server()
    assert await server.ask("/api/x", [b"x" * 400] * 1000, headers) == 413
    assert server.read == 800
    assert len(server.sent) == 2


@pytest.mark.parametrize("path", ["/api/x", "/accounts/login/"])
async def test_one_that_fits_is_let_through(path: str) -> None:
    assert await Server().ask(path, [b"x" * 500, b"x" * 500]) == 200


async def test_pages_have_the_same_limit_and_say_so_in_plain_words() -> None:
    server = Server()
    assert await server.ask("/accounts/login/", [b"x" * 600] * 1000) == 413
    assert server.read == 600
    assert (b"content-type", b"text/plain; charset=utf-8") in server.sent[0]["headers"]
    assert b"1000 bytes" in server.sent[1]["body"]


def request_with(stream: BytesIO, **meta: str) -> Request:
    request = HttpRequest()
    request.META = meta
    request._stream = stream  # type: ignore[attr-defined]
    return Request(request)


def test_no_more_than_the_limit_is_read_of_a_body_without_length() -> None:
    stream = BytesIO(b"x" * 10 * LIMIT)
    with pytest.raises(BodyTooLarge):
        read_bytes(request_with(stream))
    assert stream.tell() == LIMIT + 1


def test_a_body_without_length_is_read_and_can_be_read_again() -> None:
    request = request_with(BytesIO(b'{"a": 1}'))
    assert read_json(request) == {"a": 1}
    assert read_bytes(request) == request.body == b'{"a": 1}'


@pytest.mark.parametrize("unit", [(b"[", b"]"), (b'{"a":', b"}")])
def test_a_deep_body_costs_no_time(unit: tuple[bytes, bytes], settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
    depth = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // (len(unit[0]) + len(unit[1]) + 1)
    body = unit[0] * depth + b"1" + unit[1] * depth
    before = time.process_time()
    with pytest.raises(BadRequest):
        read_json(request_with(BytesIO(body)))
    assert time.process_time() - before < 0.1
