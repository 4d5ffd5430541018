"""GET /subscriptions/domain-model/{subscription_id}."""

from __future__ import annotations

import hashlib
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import TypeAdapter
from rest_framework.request import Request
from rest_framework.response import Response

from subscriptions.api.schemas import DomainModelAnswer
from subscriptions.selectors import domain_model_payload
from wfo_site.common.rest.body import read_query
from wfo_site.common.rest.conditional import is_unchanged, not_modified, weak
from wfo_site.common.rest.openapi import answers
from wfo_site.common.rest.paths import both
from wfo_site.common.rest.rendering import dumps
from wfo_site.common.rest.views import ApiView

_flag = TypeAdapter(bool)


class DomainModel(ApiView):
    @extend_schema(
        operation_id="get_subscription_domain_model",
        parameters=[
            OpenApiParameter("filter_owner_relations", bool, default=True),
            OpenApiParameter("if-none-match", str, OpenApiParameter.HEADER),
        ],
        responses=answers({200: DomainModelAnswer}, 304, 404, 422),
    )
    def get(self, request: Request, subscription_id: UUID) -> Response:
        """Show a subscription with its blocks, nested as its product type says."""
        hide_own = read_query(_flag, request, "filter_owner_relations", default="true")
        payload = domain_model_payload(subscription_id, filter_owner_relations=hide_own)
        product = payload["product"]
        # Keys of every subscription in the API that the model itself has no attributes for.
        body = dumps({"product_id": product["product_id"], "name": None, "tag": product["tag"], **payload})
        etag = weak(hashlib.md5(body, usedforsecurity=False).hexdigest())
        if is_unchanged(request, etag):
            return not_modified(etag)
        return Response(body, headers={"ETag": etag})


urlpatterns = both("subscriptions/domain-model/<loose_uuid:subscription_id>", DomainModel.as_view())
