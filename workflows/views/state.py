"""Change the state of a process: write it, look at what that changes, and confirm. Nothing is stored before."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from wfo_site.common.errors import Conflict, DomainError, NotFound
from workflows import selectors, services
from workflows.engine.callback_tokens import mask
from workflows.engine.state import Delta
from workflows.engine.state_edits import OWN_KEYS, EditInvalid, StateEdit
from workflows.page_selectors.state_changes import shown_changes
from workflows.selectors import EditableState
from workflows.services.edit_state import REASON_LENGTH, checked_reason
from workflows.views.feedback import go_to, sentence

_TEMPLATE: Final = "workflows/process_state.html"
# A form with more would be refused; the API takes the keys that change alone.
MOST_CHARACTERS: Final = 500_000


@require_http_methods(["GET", "HEAD", "POST"])
def state(request: HttpRequest, process_id: UUID) -> HttpResponse:
    """Show the state of a process to be changed; `step` of the form says whether to look at the change, or store it."""
    try:
        found = selectors.editable_state(process_id, request.user)
    except NotFound as error:
        raise Http404(error.message) from error
    text, reason = _pretty(found), ""
    if request.method == "POST":
        text, reason = request.POST.get("state", ""), request.POST.get("reason", "")
        step = request.POST.get("step", "")
        if found.reason:
            return _page(request, found, text=text, reason=reason, status=HTTPStatus.CONFLICT)
        if step in {"review", "save"}:
            return _review_or_save(request, found, text, reason, is_save=step == "save")
    return _page(request, found, text=text, reason=reason)


def _review_or_save(
    request: HttpRequest, found: EditableState, text: str, reason: str, *, is_save: bool
) -> HttpResponse:
    """Store the change if it was looked at; what stands in its way is said beside what was written."""
    try:
        wanted = _parsed(text)
        if is_save:
            services.edit_state(
                found.process.pk,
                StateEdit(state=wanted),
                reason=reason,
                version=_version(request),
                user=request.user.get_username(),
                user_model=request.user,
            )
            detail = reverse("workflows:process-detail", args=[found.process.pk])
            return go_to(request, detail, text="The state is changed. A retry or an answer goes on with it.")
        checked_reason(reason)
        delta = found.delta_of(StateEdit(state=wanted))
    except Conflict as error:
        # The text is kept: with the state as it is now, the difference can be looked at again.
        fresh = selectors.editable_state(found.process.pk, request.user)
        return _page(request, fresh, text=text, reason=reason, error=sentence(error), status=HTTPStatus.CONFLICT)
    except DomainError as error:
        is_reason = error.field == "reason"
        errors = {"reason_error" if is_reason else "error": sentence(error)}
        return _page(request, found, text=text, reason=reason, status=int(error.status), **errors)
    masked = Delta(mask(delta.set), delta.removed)
    changes = shown_changes(found.shown, masked, with_internal=True)
    return _page(request, found, text=text, reason=reason, changes=changes)


def _page(
    request: HttpRequest, found: EditableState, *, text: str, reason: str, status: int = HTTPStatus.OK, **more: Any
) -> HttpResponse:
    context = {
        "found": found,
        "process": found.process,
        "text": text,
        "reason": reason,
        "is_too_long": len(text) > MOST_CHARACTERS,
        "own_keys": [key for key in OWN_KEYS if key in found.state],
        "reason_length": REASON_LENGTH,
        **more,
    }
    return render(request, _TEMPLATE, context, status=status)


def _pretty(found: EditableState) -> str:
    return json.dumps(found.shown, indent=2, sort_keys=True, ensure_ascii=False)


def _parsed(text: str) -> dict[str, Any]:
    """Return the state that somebody wrote. Raises EditInvalid where it is no JSON object."""
    try:
        wanted = json.loads(text)
    except json.JSONDecodeError as error:
        raise EditInvalid(
            f"This is no JSON: {error.msg.lower()} in line {error.lineno}, column {error.colno}", field="state"
        ) from error
    except RecursionError as error:
        raise EditInvalid("This is nested too deep", field="state") from error
    if not isinstance(wanted, dict):
        raise EditInvalid("The state is an object: it begins with { and ends with }", field="state")
    return wanted


def _version(request: HttpRequest) -> int:
    try:
        return int(request.POST.get("version", ""))
    except ValueError as error:
        raise Conflict("The form did not say which state was looked at; look at it again", field="version") from error
