"""Start a workflow."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse


def start(request: HttpRequest, workflow_name: str) -> HttpResponse:
    raise NotImplementedError
