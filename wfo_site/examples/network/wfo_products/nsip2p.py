"""Point-to-point circuits of the Network Service Interface (NSI): the block of a layer 2 VPN, under stricter rules."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from products import ProductSpec, register
from subscriptions.domain import SubscriptionLifecycle, SubscriptionModel
from wfo_site.examples.network.wfo_products.l2vpn import (
    VirtualCircuitBlock,
    VirtualCircuitBlockInactive,
    VirtualCircuitBlockProvisioning,
)

ENDS = 2


class Nsip2pInactive(SubscriptionModel, is_base=True):
    virtual_circuit: VirtualCircuitBlockInactive

    @model_validator(mode="after")
    def joins_one_vlan_of_two_ports(self) -> Self:
        saps = self.virtual_circuit.saps
        if len(saps) != ENDS:
            raise ValueError(f"A point-to-point circuit joins {ENDS} service attachment points, not {len(saps)}")
        for sap in saps:
            if sap.vlan and not sap.vlan.is_single_vlan:
                raise ValueError(f"A point-to-point circuit carries one VLAN at each end, not {sap.vlan}")
        return self


class Nsip2pProvisioning(Nsip2pInactive, lifecycle=[SubscriptionLifecycle.PROVISIONING]):
    virtual_circuit: VirtualCircuitBlockProvisioning


class Nsip2p(Nsip2pProvisioning, lifecycle=[SubscriptionLifecycle.ACTIVE]):
    virtual_circuit: VirtualCircuitBlock


register(ProductSpec("nsip2p", Nsip2p, tag="NSIP2P", description="NSI point-to-point circuit"))
