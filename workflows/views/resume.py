"""Answer a process that asks."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse

from workflows.models import Process


def resume(request: HttpRequest, process_id: UUID) -> HttpResponse:
    raise NotImplementedError


def resume_form(request: HttpRequest, process: Process) -> str:
    return "FORM"
