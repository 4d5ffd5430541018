"""Included under `api/`."""

from __future__ import annotations

from django.urls import path

from wfo_site.observability.health import health

app_name = "observability"

urlpatterns = [
    path("health", health, name="health"),
    path("health/", health),
]
