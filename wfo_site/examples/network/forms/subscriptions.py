"""Pickers of subscriptions: people search as they type, programs post the id."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias
from uuid import UUID

from pydantic import AfterValidator

from subscriptions.domain import SubscriptionLifecycle
from subscriptions.models import SubscriptionInstance
from wfo_site.examples.network.enums import PortMode
from workflows.forms import subscription_id, unique_conlist

ActiveNodeId: TypeAlias = subscription_id(  # type: ignore[valid-type]
    product_types=["Node"], statuses=[SubscriptionLifecycle.ACTIVE]
)
"""The id of a node in service."""


def _is_tagged(port_subscription_id: UUID) -> UUID:
    block = SubscriptionInstance.objects.filter(subscription=port_subscription_id, product_block__name="Port").first()
    if block is None or block.values.get("port_mode") != PortMode.TAGGED:
        raise ValueError("This port is not tagged, so it cannot carry VLANs; choose a tagged one")
    return port_subscription_id


_ActivePortId: TypeAlias = subscription_id(  # type: ignore[valid-type]
    product_types=["Port"], statuses=[SubscriptionLifecycle.ACTIVE]
)
TaggedPortId: TypeAlias = Annotated[_ActivePortId, AfterValidator(_is_tagged)]
"""The id of a port in service that carries VLANs."""


def tagged_ports(count: int) -> Any:
    """Return a list type of `count` different tagged ports."""
    return unique_conlist(TaggedPortId, min_items=count, max_items=count)
