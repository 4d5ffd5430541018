"""Core links: the connections between nodes, each between two core ports."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from annotated_types import Len
from pydantic import Field, computed_field

from products import ProductSpec, register
from subscriptions.domain import SI, ProductBlockModel, SubscriptionLifecycle, SubscriptionModel
from wfo_site.examples.network.wfo_products.node import NodeBlock, NodeBlockInactive, NodeBlockProvisioning

ListOfTwoPorts = Annotated[list[SI], Len(min_length=2, max_length=2)]


class CoreLinkSpeed(IntEnum):
    """Mbit/s."""

    _10000 = 10_000
    _100000 = 100_000


class CorePortBlockInactive(ProductBlockModel, product_block_name="CorePort", tag="CORE_PORT"):
    """One end of a core link: an interface of a node."""

    port_name: str | None = None
    enabled: bool | None = True
    ims_id: int | None = None
    nrm_id: int | None = None
    node: NodeBlockInactive | None = None
    ipv6_ipam_id: int | None = None


class CorePortBlockProvisioning(CorePortBlockInactive, lifecycle=[SubscriptionLifecycle.PROVISIONING]):
    enabled: bool
    node: NodeBlockProvisioning

    @computed_field  # type: ignore[prop-decorator]
    @property
    def title(self) -> str:
        return f"core port {self.port_name} on {self.node.node_name}"


class CorePortBlock(CorePortBlockProvisioning, lifecycle=[SubscriptionLifecycle.ACTIVE]):
    ims_id: int
    nrm_id: int
    node: NodeBlock
    ipv6_ipam_id: int


class CoreLinkBlockInactive(ProductBlockModel, product_block_name="CoreLink", tag="CORE_LINK"):
    """A link between two core ports, a cable in the inventory."""

    ports: ListOfTwoPorts[CorePortBlockInactive]
    ims_id: int | None = None
    ipv6_prefix_ipam_id: int | None = Field(None, description="Id of the link's IPv6 prefix in the inventory")
    nrm_id: int | None = None
    under_maintenance: bool | None = Field(None, description="Whether the link must not carry traffic for now")


class CoreLinkBlockProvisioning(CoreLinkBlockInactive, lifecycle=[SubscriptionLifecycle.PROVISIONING]):
    ports: ListOfTwoPorts[CorePortBlockProvisioning]  # type: ignore[assignment]
    under_maintenance: bool

    @computed_field  # type: ignore[prop-decorator]
    @property
    def title(self) -> str:
        a, b = (port.node.node_name for port in self.ports)
        return f"core link between {a} and {b}"


class CoreLinkBlock(CoreLinkBlockProvisioning, lifecycle=[SubscriptionLifecycle.ACTIVE]):
    ports: ListOfTwoPorts[CorePortBlock]  # type: ignore[assignment]
    ims_id: int
    ipv6_prefix_ipam_id: int
    nrm_id: int


class CoreLinkInactive(SubscriptionModel, is_base=True):
    speed: CoreLinkSpeed
    core_link: CoreLinkBlockInactive


class CoreLinkProvisioning(CoreLinkInactive, lifecycle=[SubscriptionLifecycle.PROVISIONING]):
    core_link: CoreLinkBlockProvisioning


class CoreLink(CoreLinkProvisioning, lifecycle=[SubscriptionLifecycle.ACTIVE]):
    core_link: CoreLinkBlock


register(
    ProductSpec(
        "core link 10G",
        CoreLink,
        tag="CORE_LINK",
        description="Core link 10 Gbit/s",
        fixed_inputs={"speed": CoreLinkSpeed._10000.value},
    )
)
register(
    ProductSpec(
        "core link 100G",
        CoreLink,
        tag="CORE_LINK",
        description="Core link 100 Gbit/s",
        fixed_inputs={"speed": CoreLinkSpeed._100000.value},
    )
)
