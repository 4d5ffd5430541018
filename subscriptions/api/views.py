"""GET /subscriptions/domain-model/{subscription_id}."""

from __future__ import annotations

from wfo_site.common.rest.paths import both  # noqa: F401

urlpatterns: list[object] = []
