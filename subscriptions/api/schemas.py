"""Shapes of subscriptions as API clients see them. They document the API; answers are built from rows."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict, RootModel

from products.api.schemas import ProductBaseSchema
from subscriptions.enums import SubscriptionLifecycle
from wfo_site.common.rest.openapi import Epoch


class SubscriptionDescriptionSchema(BaseModel):
    id: UUID
    subscription_id: UUID
    customer_id: str
    description: str
    created_at: Epoch | None = None
    version: int


class SubscriptionSchema(BaseModel):
    subscription_id: UUID
    start_date: Epoch | None = None
    description: str
    status: SubscriptionLifecycle
    product_id: UUID | None = None
    customer_id: str
    insync: bool
    note: str | None = None
    name: str | None = None
    end_date: Epoch | None = None
    product: ProductBaseSchema | None = None
    customer_descriptions: list[SubscriptionDescriptionSchema] | None = None
    tag: str | None = None
    version: int


class SubscriptionDomainModelSchema(BaseModel):
    """A subscription with its blocks; each block is a key of its own."""

    model_config = ConfigDict(extra="allow")

    subscription_id: UUID
    start_date: Epoch | None = None
    description: str
    status: SubscriptionLifecycle
    product_id: UUID | None = None
    customer_id: str
    insync: bool
    note: str | None = None
    name: str | None = None
    end_date: Epoch | None = None
    product: ProductBaseSchema
    customer_descriptions: list[SubscriptionDescriptionSchema | None] = []
    tag: str | None = None
    version: int


class DomainModelAnswer(RootModel[SubscriptionDomainModelSchema | None]):
    """The domain model of a subscription."""
