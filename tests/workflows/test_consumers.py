"""The WebSocket of events: who may listen, what is answered, what arrives."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
import websockets
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from wfo_site.asgi import application
from wfo_site.common import broadcast
from workflows import consumers
from workflows.services import pause_engine

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/api/ws/events"
HOST = (b"host", b"orchestrator.example")


def _session_key() -> str:
    client = Client()
    client.force_login(User.objects.create_user("alice"))
    return client.session.session_key or ""


@database_sync_to_async
def _cookie_of_alice() -> tuple[bytes, bytes]:
    return (b"cookie", f"{settings.SESSION_COOKIE_NAME}={_session_key()}".encode())


@database_sync_to_async
def _end_sessions() -> None:
    from django.contrib.sessions.models import Session

    Session.objects.all().delete()


def _publish(value: dict[str, str]) -> None:
    """Publish from a thread of its own, which asks its connection whether a transaction is open."""
    broadcast.publish(value)
    connection.close()


def _socket(
    *headers: tuple[bytes, bytes], subprotocols: list[str] | None = None, path: str = PATH
) -> WebsocketCommunicator:
    return WebsocketCommunicator(application, path, headers=[HOST, *headers], subprotocols=subprotocols)


async def _assert_refused_with_reason(socket: WebsocketCommunicator) -> None:
    message = json.loads(await socket.receive_from())
    assert message["error"]["status_code"] == 403
    assert "og in" in message["error"]["detail"]
    assert (await socket.receive_output())["code"] == 1008


async def _assert_refused_with_reason_at(path: str) -> None:
    stranger = _socket(path=path)
    await stranger.connect()
    await _assert_refused_with_reason(stranger)


async def test_browser_with_a_session_is_accepted_and_pings() -> None:
    """Conformance 130: ping gives pong, anything else is ignored."""
    socket = _socket(await _cookie_of_alice())
    assert await socket.connect() == (True, None)
    await socket.send_to("hello")
    await socket.send_to(bytes_data=b"__ping__")
    await socket.send_to("__ping__")
    assert await socket.receive_from() == "__pong__"
    assert await socket.receive_nothing()
    await socket.disconnect()


async def test_broadcast_arrives_as_invalidate_cache() -> None:
    """Conformance 130: events of the group are delivered."""
    socket = _socket(await _cookie_of_alice())
    await socket.connect()
    event = {"name": "invalidateCache", "value": {"type": "processes", "id": "LIST"}}
    await get_channel_layer().group_send("events", {"type": "event", "event": event})
    assert json.loads(await socket.receive_from()) == event
    await socket.disconnect()


async def test_published_from_a_thread_reaches_the_socket() -> None:
    """Conformance 130: a runner's thread publishes after its commit, the loop of the server delivers."""
    socket = _socket(await _cookie_of_alice())
    await socket.connect()
    await asyncio.to_thread(_publish, {"type": "engineStatus"})
    assert json.loads(await socket.receive_from(3))["value"] == {"type": "engineStatus"}
    await socket.disconnect()


async def test_two_offered_subprotocols_with_a_session_echo_the_name() -> None:
    """Conformance 130: a browser fails the handshake when it offered a subprotocol and none was chosen."""
    socket = _socket(await _cookie_of_alice(), subprotocols=["base64.bearer.token", "c2VjcmV0"])
    assert await socket.connect() == (True, "base64.bearer.token")
    await socket.disconnect()


@pytest.mark.parametrize("offered", [None, ["base64.bearer.token", "c2VjcmV0"]])
async def test_without_a_session_hears_why_and_is_closed(offered: list[str] | None) -> None:
    """Conformance 130: not authenticated gives an error message, then a close."""
    socket = _socket(subprotocols=offered)
    assert await socket.connect() == (True, offered[0] if offered else None)
    await _assert_refused_with_reason(socket)


@pytest.mark.parametrize(
    "offered", [["base64.bearer.token"], ["other", "token"], ["base64.bearer.token", "a", "b"], ["graphql-ws"]]
)
async def test_other_subprotocols_are_closed_before_accepting(offered: list[str]) -> None:
    """Conformance 130: a wrong protocol closes, also for those who are logged in."""
    socket = _socket(await _cookie_of_alice(), subprotocols=offered)
    assert await socket.connect() == (False, 1002)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "https://orchestrator.example.evil.example"])
async def test_foreign_origin_is_refused_whatever_its_cookie(origin: str) -> None:
    connected, _code = await _socket(await _cookie_of_alice(), (b"origin", origin.encode())).connect()
    assert not connected


async def test_own_and_listed_origins_are_accepted(settings: object) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://proxy.example"]  # type: ignore[attr-defined]
    cookie = await _cookie_of_alice()
    for origin in (b"https://orchestrator.example", b"https://proxy.example"):
        socket = _socket(cookie, (b"origin", origin))
        assert (await socket.connect())[0]
        await socket.disconnect()


async def test_a_session_that_ends_closes_its_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "SESSION_CHECK_SECONDS", 0.05)
    socket = _socket(await _cookie_of_alice())
    await socket.connect()
    assert await socket.receive_nothing(0.2)
    await _end_sessions()
    await _assert_refused_with_reason(socket)


async def test_nobody_needs_a_session_where_the_api_needs_none(
    settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conformance 130, with OAUTH2_ACTIVE off: a program listens without a session, a foreign page does not."""
    settings.OAUTH2_ACTIVE = False  # type: ignore[attr-defined]
    monkeypatch.setattr(consumers, "SESSION_CHECK_SECONDS", 0.05)
    for offered in (None, ["base64.bearer.token", ""]):
        socket = _socket(subprotocols=offered)
        assert await socket.connect() == (True, offered[0] if offered else None)
        assert await socket.receive_nothing(0.2)
        await socket.send_to("__ping__")
        assert await socket.receive_from() == "__pong__"
        await asyncio.to_thread(_publish, {"type": "engineStatus"})
        assert json.loads(await socket.receive_from(3))["value"] == {"type": "engineStatus"}
        await socket.disconnect()
    connected, _code = await _socket((b"origin", b"https://evil.example")).connect()
    assert not connected


async def test_the_older_socket_of_the_engine_tells_its_status_and_each_change() -> None:
    socket = _socket(await _cookie_of_alice(), path="/api/settings/ws-status/?token=")
    assert await socket.connect() == (True, None)
    status = {"global_lock": False, "global_status": "RUNNING", "running_processes": 0}
    assert json.loads(await socket.receive_from(3)) == {"engine-status": status}
    await asyncio.to_thread(_publish, {"type": "processStatusCounts"})
    await database_sync_to_async(pause_engine)()
    paused = {"global_lock": True, "global_status": "PAUSED", "running_processes": 0}
    assert json.loads(await socket.receive_from(3)) == {"engine-status": paused}
    await socket.disconnect()
    await _assert_refused_with_reason_at("/api/settings/ws-status/")


async def test_the_older_socket_of_processes_only_answers_pings() -> None:
    socket = _socket(await _cookie_of_alice(), path="/api/processes/all/?token=")
    await socket.connect()
    await asyncio.to_thread(_publish, {"type": "processes", "id": "LIST"})
    assert await socket.receive_nothing(0.5)
    await socket.send_to("__ping__")
    assert await socket.receive_from() == "__pong__"
    await socket.disconnect()
    await _assert_refused_with_reason_at("/api/processes/all/")


async def test_no_socket_is_accepted_and_nothing_sent_where_they_are_switched_off(settings: object) -> None:
    cookie = await _cookie_of_alice()
    listening = _socket(cookie)
    await listening.connect()
    settings.ENABLE_WEBSOCKETS = False  # type: ignore[attr-defined]
    connected, _code = await _socket(cookie).connect()
    assert not connected
    await asyncio.to_thread(_publish, {"type": "engineStatus"})
    assert await listening.receive_nothing(0.5)
    await listening.disconnect()


async def test_unknown_path_is_closed() -> None:
    connected, _code = await _socket(await _cookie_of_alice(), path="/api/ws/other").connect()
    assert not connected


async def test_a_refused_socket_receives_nothing() -> None:
    """No message before authentication: the group is joined after it."""
    socket = _socket()
    await socket.connect()
    await _assert_refused_with_reason(socket)
    await get_channel_layer().group_send("events", {"type": "event", "event": {}})
    assert await socket.receive_nothing()


@pytest.fixture
def server() -> Iterator[str]:
    """A real uvicorn on a free port, in a thread; gives host:port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        running = uvicorn.Server(uvicorn.Config(application, log_level="error", lifespan="off"))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 10
        while not running.started and time.monotonic() < deadline:
            time.sleep(0.02)
        yield f"127.0.0.1:{port}"
        running.should_exit = True
        thread.join(10)


async def test_over_a_real_server(server: str) -> None:
    """The handshake as uvicorn speaks it: echo of the name, pong, broadcast from a thread, 1008, and 403 before."""
    _, cookie = await _cookie_of_alice()
    url = f"ws://{server}{PATH}"
    cookies = {"Cookie": cookie.decode()}
    offered = [websockets.Subprotocol("base64.bearer.token"), websockets.Subprotocol("dG9rZW4")]
    async with websockets.connect(url, additional_headers=cookies, subprotocols=offered) as listener:
        assert listener.subprotocol == "base64.bearer.token"
        await listener.send("__ping__")
        assert await asyncio.wait_for(listener.recv(), 5) == "__pong__"
        await asyncio.to_thread(_publish, {"type": "processStatusCounts"})
        message = json.loads(await asyncio.wait_for(listener.recv(), 5))
        assert message == {"name": "invalidateCache", "value": {"type": "processStatusCounts"}}
    async with websockets.connect(url) as stranger:
        assert "error" in json.loads(await asyncio.wait_for(stranger.recv(), 5))
        with contextlib.suppress(websockets.ConnectionClosed):
            await asyncio.wait_for(stranger.recv(), 5)
        assert stranger.close_code == 1008
    for refused in (
        {"origin": websockets.Origin("https://evil.example"), "additional_headers": cookies},
        {"subprotocols": [websockets.Subprotocol("other")], "additional_headers": cookies},
    ):
        with pytest.raises(websockets.InvalidStatus) as caught:
            await websockets.connect(url, **refused)
        assert caught.value.response.status_code == 403
