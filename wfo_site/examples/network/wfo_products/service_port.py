"""Service attachment points (SAP): the VLANs of a port that a service uses. All products with SAPs share this block."""

from __future__ import annotations

from pydantic import Field, computed_field

from subscriptions.domain import ProductBlockModel, SubscriptionLifecycle
from wfo_site.examples.network.vlans import VlanRanges
from wfo_site.examples.network.wfo_products.port import PortBlock, PortBlockInactive, PortBlockProvisioning


class SAPBlockInactive(ProductBlockModel, product_block_name="SAP", tag="SAP"):
    """A service attachment point: the VLANs of a port that one service uses, a VLAN group in the inventory."""

    port: PortBlockInactive | None = None
    vlan: VlanRanges | None = Field(None, description="VLAN ids and ranges, e.g. 5,10,15-20")
    ims_id: int | None = None


class SAPBlockProvisioning(SAPBlockInactive, lifecycle=[SubscriptionLifecycle.PROVISIONING]):
    port: PortBlockProvisioning
    vlan: VlanRanges

    @computed_field  # type: ignore[prop-decorator]
    @property
    def title(self) -> str:
        return f"VLAN {self.vlan} on port {self.port.port_name} of {self.port.node.node_name}"


class SAPBlock(SAPBlockProvisioning, lifecycle=[SubscriptionLifecycle.ACTIVE]):
    port: PortBlock
    ims_id: int
