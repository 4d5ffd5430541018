"""The WebSocket that tells browsers and programs which data they hold is out of date.

Messages carry ids only: whoever receives one asks again through pages or API, which decide what that user may see.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from wfo_site.common.broadcast import ENGINE_STATUS, GROUP, use_server_loop
from workflows.selectors.engine import engine_status

SUBPROTOCOL: Final = "base64.bearer.token"

# Close codes of RFC 6455: the subprotocol is not one that we speak; the user may not listen.
PROTOCOL_ERROR: Final = 1002
POLICY_VIOLATION: Final = 1008

# A session that ends (logout, expiry, changed password) closes its sockets within this time.
SESSION_CHECK_SECONDS: Final = 30.0


class EventsConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """Broadcasts of the group `events`, for those who may call the API.

    Browsers offer no subprotocol and are known by their session cookie. Programs offer two: the name
    `base64.bearer.token` and a token; the name is echoed, and the session decides. A program without a session hears
    why in one JSON message before the socket closes with 1008.
    """

    watch: asyncio.Task[None] | None = None

    async def websocket_connect(self, message: dict[str, Any]) -> None:  # noqa: ARG002 - the signature of Channels
        """Accept or refuse. Overridden because `groups` would be joined before anybody was asked who they are."""
        if not settings.ENABLE_WEBSOCKETS or not origin_is_allowed(self.scope):
            await self.close()
            return
        offered: list[str] = self.scope.get("subprotocols") or []
        if offered and (len(offered) != 2 or offered[0] != SUBPROTOCOL):
            await self.close(PROTOCOL_ERROR)
            return
        accepted = offered[0] if offered else None
        # As for the API: with OAUTH2_ACTIVE off nobody needs to log in.
        if settings.OAUTH2_ACTIVE and not self.scope["user"].is_authenticated:
            await self.accept(accepted)
            await self._refuse("Log in to receive events; the session or token given is not valid")
            return
        # Threads of this process that broadcast reach the sockets through the loop that serves them.
        use_server_loop(asyncio.get_running_loop())
        # Joined before accepting: what changes once the client knows that it is connected reaches it.
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept(accepted)
        if settings.OAUTH2_ACTIVE:
            self.watch = asyncio.create_task(self._watch_session())
        await self.greet()

    async def greet(self) -> None:
        """Say what a client is to know from the beginning: nothing, it asks for what it shows."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:  # noqa: ARG002
        """Answer a ping; everything else is ignored."""
        if text_data == "__ping__":
            await self.send("__pong__")

    async def disconnect(self, code: int) -> None:  # noqa: ARG002 - the signature of Channels
        """Leave the group and stop watching the session."""
        if self.watch is not None:
            self.watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.watch
        await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def event(self, message: dict[str, Any]) -> None:
        """Pass on what `wfo_site.common.broadcast` sent to the group."""
        await self.send(json.dumps(message["event"]))

    async def _refuse(self, detail: str) -> None:
        error = {"status_code": 403, "detail": detail, "headers": None}
        await self.send(json.dumps({"error": error}))
        await self.close(POLICY_VIOLATION)

    async def _watch_session(self) -> None:
        while True:
            await asyncio.sleep(SESSION_CHECK_SECONDS)
            if not await self._session_is_valid():
                await self._refuse("The session has ended; log in again")
                return

    async def _session_is_valid(self) -> bool:
        # A new store of the same key: the one in the scope has cached what it read when the socket opened.
        store = import_module(settings.SESSION_ENGINE).SessionStore
        user = await get_user({"session": store(self.scope["session"].session_key)})
        return bool(user.is_authenticated and user.is_active)


class EngineStatusConsumer(EventsConsumer):
    """The older socket of the engine: its status at once, and again when it is paused or goes on."""

    async def greet(self) -> None:
        """Tell the status."""
        status = await database_sync_to_async(engine_status)()
        await self.send(json.dumps({"engine-status": status}))

    async def event(self, message: dict[str, Any]) -> None:
        """Tell the status anew if that is what has changed."""
        if message["event"]["value"]["type"] == ENGINE_STATUS:
            await self.greet()


class ProcessesConsumer(EventsConsumer):
    """The older socket of processes: clients still open it, and are told nothing there any more."""

    async def event(self, message: dict[str, Any]) -> None:
        """Keep it to ourselves."""


class UnknownPathConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """Close sockets of paths that do not exist; without it the router answers 500 with a traceback."""

    async def websocket_connect(self, message: dict[str, Any]) -> None:  # noqa: ARG002 - the signature of Channels
        await self.close()


def origin_is_allowed(scope: dict[str, Any]) -> bool:
    """Say whether the page that opened the socket is ours: browsers send cookies along from anywhere.

    Programs send no Origin. Own host, `CSRF_TRUSTED_ORIGINS` and `CORS_ALLOWED_ORIGINS` are ours; `null` is not.
    """
    headers = dict(scope["headers"])
    origin = headers.get(b"origin", b"").decode("latin-1")
    if b"origin" not in headers:
        return True
    host = headers.get(b"host", b"").decode("latin-1")
    parts = urlsplit(origin)
    if parts.scheme in {"http", "https"} and host and parts.netloc == host:
        return True
    return origin in {*settings.CSRF_TRUSTED_ORIGINS, *settings.CORS_ALLOWED_ORIGINS}
