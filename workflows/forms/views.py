"""Answers the searches of pickers. Who is logged in may ask; what is offered is bounded by the signed source."""

from __future__ import annotations

from dataclasses import asdict

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from workflows.forms.pickers import UnknownPicker, search


@require_safe
def picker_options(request: HttpRequest) -> JsonResponse:
    """Return {"results": [{"value", "label", "detail"}], "more": bool} for `source`, `q` and `offset`."""
    offset = request.GET.get("offset", "")
    try:
        offers, more = search(
            request.GET.get("source", ""), request.GET.get("q", ""), int(offset) if _is_small(offset) else 0
        )
    except UnknownPicker as error:
        return JsonResponse({"detail": error.message, "code": error.code}, status=error.status)
    return JsonResponse({"results": [asdict(offer) for offer in offers], "more": more})


def _is_small(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 8
