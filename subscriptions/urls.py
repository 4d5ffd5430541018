"""Addresses of pages about subscriptions."""

from __future__ import annotations

from django.urls import path

from subscriptions import views

app_name = "subscriptions"

urlpatterns = [
    path("", views.subscription_list, name="subscription-list"),
    path("<uuid:subscription_id>/", views.subscription_detail, name="subscription-detail"),
]
