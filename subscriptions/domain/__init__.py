"""Product types and product blocks as typed models. Importable before `django.setup()`: no table, no setting."""

from subscriptions.domain.base import SI, DomainModel, serializable_property
from subscriptions.domain.blocks import ProductBlockModel
from subscriptions.domain.errors import (
    BlockInUse,
    OutOfSync,
    ProductNotInRegistryError,
    SaveConflict,
    SubscriptionNotFound,
)
from subscriptions.domain.graph import Instance
from subscriptions.domain.lifecycle import lookup_specialized_type, validate_lifecycle_status
from subscriptions.domain.product import ProductModel
from subscriptions.domain.registry import SUBSCRIPTION_MODEL_REGISTRY, isolated
from subscriptions.domain.subscription import (
    SubscriptionModel,
    cache_subscription_models,
    validate_lifecycle_change,
)
from subscriptions.enums import SubscriptionLifecycle

__all__ = [
    "SI",
    "SUBSCRIPTION_MODEL_REGISTRY",
    "BlockInUse",
    "DomainModel",
    "Instance",
    "OutOfSync",
    "ProductBlockModel",
    "ProductModel",
    "ProductNotInRegistryError",
    "SaveConflict",
    "SubscriptionLifecycle",
    "SubscriptionModel",
    "SubscriptionNotFound",
    "cache_subscription_models",
    "isolated",
    "lookup_specialized_type",
    "serializable_property",
    "validate_lifecycle_change",
    "validate_lifecycle_status",
]
