"""Addresses that forms themselves need; included by the addresses of workflows."""

from __future__ import annotations

from django.urls import path

from workflows.forms import views

app_name = "forms"

urlpatterns = [
    path("options/", views.picker_options, name="picker-options"),
]
