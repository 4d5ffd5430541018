"""The ASGI application: HTTP by Django, WebSockets by Channels."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wfo_site.settings.dev")

http = get_asgi_application()

# Only now: consumers import models, which need the apps that the line above set up.
from wfo_site.common.rest.body_limit import BodyLimit  # noqa: E402
from wfo_site.routing import websocket  # noqa: E402

application = ProtocolTypeRouter({"http": BodyLimit(http), "websocket": websocket})
