"""Addresses of WebSockets, with the session of the browser behind them."""

from __future__ import annotations

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.urls import re_path

from workflows.consumers import EngineStatusConsumer, EventsConsumer, ProcessesConsumer, UnknownPathConsumer

websocket = AuthMiddlewareStack(
    URLRouter(
        [
            re_path(r"^api/ws/events/?$", EventsConsumer.as_asgi()),
            re_path(r"^api/settings/ws-status/?$", EngineStatusConsumer.as_asgi()),
            re_path(r"^api/processes/all/?$", ProcessesConsumer.as_asgi()),
            # Last: the router raises for what it does not know.
            re_path(r"", UnknownPathConsumer.as_asgi()),
        ]
    )
)
