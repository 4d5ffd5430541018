"""Addresses of the application and, beside them, a page that shows every kind of field."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from tests.workflows.forms.showcase import everything
from wfo_site.urls import urlpatterns as application
from workflows.forms.wizard import Wizard

# What the form made of its input, one entry for each time it was completed.
completed: list[dict[str, Any]] = []

PAGE = """{% extends "base.html" %}{% load forms %}
{% block title %}Showcase{% endblock %}
{% block head %}{% form_assets %}{% endblock %}
{% block heading_text %}Showcase{% endblock %}
{% block content %}
  {% if step.kind == "page" %}{% form_wizard step submit="Start workflow" cancel="/" %}
  {% else %}<p>{{ step.kind }} {{ step.message }}</p>{% endif %}
{% endblock %}"""


def showcase(request: HttpRequest) -> HttpResponse:
    """Lead through the showcase; `?subscription=` is shown on its third page."""
    state = {"subscription_id": request.GET["subscription"]} if "subscription" in request.GET else {}
    wizard = Wizard(
        everything,
        state,
        purpose=f"showcase:{request.user.pk}",
        posted=request.POST if request.method == "POST" else None,
    )
    step = wizard.step()
    if step.kind == "complete":
        completed.append(step.result)
    template = engines["django"].from_string(PAGE)
    return HttpResponse(template.render({"step": step}, request), status=step.status)


urlpatterns = [path("showcase/", showcase, name="showcase"), *application]
