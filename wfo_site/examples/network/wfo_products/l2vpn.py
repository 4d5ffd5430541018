"""Layer 2 VPNs: circuits between two to eight service attachment points."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Len
from pydantic import Field, computed_field

from products import ProductSpec, register
from subscriptions.domain import SI, ProductBlockModel, SubscriptionLifecycle, SubscriptionModel
from wfo_site.examples.network.wfo_products.service_port import (
    SAPBlock,
    SAPBlockInactive,
    SAPBlockProvisioning,
)

MIN_SAPS, MAX_SAPS = 2, 8
ListOfSaps = Annotated[list[SI], Len(min_length=MIN_SAPS, max_length=MAX_SAPS)]


class VirtualCircuitBlockInactive(ProductBlockModel, product_block_name="VirtualCircuit", tag="VC"):
    """A layer 2 circuit between service attachment points, an L2VPN in the inventory."""

    saps: ListOfSaps[SAPBlockInactive]
    speed: int | None = Field(None, description="Mbit/s")
    speed_policer: bool | None = Field(None, description="Whether traffic above the speed is dropped")
    ims_id: int | None = None
    nrm_id: int | None = None


class VirtualCircuitBlockProvisioning(VirtualCircuitBlockInactive, lifecycle=[SubscriptionLifecycle.PROVISIONING]):
    saps: ListOfSaps[SAPBlockProvisioning]  # type: ignore[assignment]
    speed: int
    speed_policer: bool

    @computed_field  # type: ignore[prop-decorator]
    @property
    def title(self) -> str:
        a, b = (sap.port.node.node_name for sap in self.saps[:2])
        return f"{self.speed} Mbit/s circuit between {a} and {b}"


class VirtualCircuitBlock(VirtualCircuitBlockProvisioning, lifecycle=[SubscriptionLifecycle.ACTIVE]):
    saps: ListOfSaps[SAPBlock]  # type: ignore[assignment]
    ims_id: int
    nrm_id: int


class L2vpnInactive(SubscriptionModel, is_base=True):
    virtual_circuit: VirtualCircuitBlockInactive


class L2vpnProvisioning(L2vpnInactive, lifecycle=[SubscriptionLifecycle.PROVISIONING]):
    virtual_circuit: VirtualCircuitBlockProvisioning


class L2vpn(L2vpnProvisioning, lifecycle=[SubscriptionLifecycle.ACTIVE]):
    virtual_circuit: VirtualCircuitBlock


register(ProductSpec("l2vpn", L2vpn, tag="L2VPN", description="Layer 2 VPN"))
