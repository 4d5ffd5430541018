"""REST of what customers call their subscriptions."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, StringConstraints, TypeAdapter
from rest_framework.request import Request
from rest_framework.response import Response

from subscriptions.api.rows import description_row
from subscriptions.api.schemas import SubscriptionDescriptionSchema
from subscriptions.models import SubscriptionCustomerDescription
from subscriptions.services import change_customer_description, delete_customer_description, put_customer_description
from wfo_site.common.errors import NotFound
from wfo_site.common.rest.body import read_json, validated
from wfo_site.common.rest.openapi import answers
from wfo_site.common.rest.paths import both
from wfo_site.common.rest.views import ApiView

_PATH = "subscription_customer_descriptions"


class SubscriptionDescriptionBaseSchema(BaseModel):
    subscription_id: UUID
    customer_id: Annotated[str, StringConstraints(max_length=255)]
    description: Annotated[str, StringConstraints(max_length=2000)]


class UpdateSubscriptionDescriptionSchema(SubscriptionDescriptionBaseSchema):
    """`version` is the one that the client has seen; without it the last writer wins."""

    id: UUID
    created_at: float | None = None
    version: int | None = None


_new = TypeAdapter(SubscriptionDescriptionBaseSchema)
_changed = TypeAdapter(UpdateSubscriptionDescriptionSchema)


class CustomerDescriptions(ApiView):
    @extend_schema(
        operation_id="save_subscription_customer_description",
        request=SubscriptionDescriptionBaseSchema,
        responses=answers({204: None}, 404, 422),
    )
    def post(self, request: Request) -> Response:
        """Set what a customer calls a subscription."""
        given = validated(_new, read_json(request), loc=("body",))
        put_customer_description(**given.model_dump())
        return Response(status=HTTPStatus.NO_CONTENT)

    @extend_schema(
        operation_id="update_subscription_customer_description",
        request=UpdateSubscriptionDescriptionSchema,
        responses=answers({204: None}, 400, 422),
    )
    def put(self, request: Request) -> Response:
        """Change what a customer calls a subscription; where there is nothing to change, nothing happens."""
        given = validated(_changed, read_json(request), loc=("body",))
        change_customer_description(**given.model_dump(exclude={"id", "created_at"}))
        return Response(status=HTTPStatus.NO_CONTENT)


class CustomerDescription(ApiView):
    @extend_schema(
        operation_id="get_subscription_customer_description",
        responses=answers({200: SubscriptionDescriptionSchema}, 404, 422),
    )
    def get(self, _request: Request, _id: UUID) -> Response:
        """Show one by its id."""
        return _shown(SubscriptionCustomerDescription.objects.filter(pk=_id).first())

    @extend_schema(operation_id="delete_subscription_customer_description", responses=answers({204: None}, 422))
    def delete(self, _request: Request, _id: UUID) -> Response:
        """Take one away; it is none the worse if it is gone already."""
        delete_customer_description(_id)
        return Response(status=HTTPStatus.NO_CONTENT)


class CustomerDescriptionOf(ApiView):
    @extend_schema(
        operation_id="get_subscription_customer_description_by_customer_subscription",
        responses=answers({200: SubscriptionDescriptionSchema}, 404, 422),
    )
    def get(self, _request: Request, customer_id: str, subscription_id: UUID) -> Response:
        """Show what one customer calls one subscription."""
        rows = SubscriptionCustomerDescription.objects.filter(customer_id=customer_id, subscription_id=subscription_id)
        return _shown(rows.first())


def _shown(row: SubscriptionCustomerDescription | None) -> Response:
    if row is None:
        raise NotFound("Customer description not found")
    return Response(description_row(row))


urlpatterns = [
    *both(f"{_PATH}/", CustomerDescriptions.as_view()),
    *both(f"{_PATH}/<loose_uuid:_id>", CustomerDescription.as_view()),
    *both(
        f"{_PATH}/customer/<str:customer_id>/subscription/<loose_uuid:subscription_id>", CustomerDescriptionOf.as_view()
    ),
]
