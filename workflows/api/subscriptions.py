"""REST of subscriptions that needs processes: which workflows may start, and whether it may be called in sync."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from wfo_site.common.rest.openapi import answers
from wfo_site.common.rest.views import ApiView
from workflows import selectors
from workflows.api.request import user_model
from workflows.api.schemas import SubscriptionWorkflowListsSchema
from workflows.services.insync import set_subscription_in_sync


class SubscriptionWorkflows(ApiView):
    @extend_schema(
        operation_id="subscription_workflows",
        responses=answers({200: SubscriptionWorkflowListsSchema}, 404, 422),
    )
    def get(self, request: Request, subscription_id: UUID) -> Response:
        """List the workflows of a subscription by target; what may not start now says why."""
        return Response(_without_nulls(selectors.subscription_workflows(subscription_id, user_model(request))))


class SetInSync(ApiView):
    @extend_schema(
        operation_id="subscription_set_in_sync",
        request=None,
        responses=answers({200: {"type": "null"}}, 404, 422),
    )
    def put(self, _request: Request, subscription_id: UUID) -> Response:
        """Call a subscription in sync by hand. Refused while processes of it have not ended."""
        set_subscription_in_sync(subscription_id)
        return Response(None)


def _without_nulls(value: Any) -> Any:
    """Leave out keys without a value: clients take the mere presence of `reason` for a refusal."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
