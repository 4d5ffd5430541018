"""Answer an action: HTMX gets a toast and the part that changed, a plain form a message and a redirect."""

from __future__ import annotations

import json

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from wfo_site.common.errors import DomainError, Locked

_LEVELS = {"success": messages.SUCCESS, "warning": messages.WARNING, "error": messages.ERROR, "info": messages.INFO}


def toasted(response: HttpResponse, level: str, text: str) -> HttpResponse:
    """Let the browser show `text` once the answer has arrived."""
    response.headers["HX-Trigger"] = json.dumps({"wfo:toast": {"level": level, "text": text}})
    return response


def go_to(request: HttpRequest, url: str, *, level: str = "success", text: str = "") -> HttpResponse:
    """Send the browser to another page, which shows `text`."""
    if text:
        messages.add_message(request, _LEVELS[level], text)
    if getattr(request, "htmx", None):
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def sentence(error: DomainError) -> str:
    """Return the message of an error as a sentence."""
    if isinstance(error, Locked):
        # Clients of the API know the error by its text; people are told what to do.
        return "The engine is paused and takes no changes while it is locked; start it again first."
    return error.message if error.message.endswith((".", "!", "?")) else f"{error.message}."
