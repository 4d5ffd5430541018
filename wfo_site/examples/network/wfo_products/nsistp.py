"""NSI service termination points (STP): VLANs of a port that circuits of other networks may use."""

from __future__ import annotations

from pydantic import Field, computed_field

from products import ProductSpec, register
from subscriptions.domain import ProductBlockModel, SubscriptionLifecycle, SubscriptionModel
from wfo_site.examples.network.vlans import VlanRanges
from wfo_site.examples.network.wfo_products.service_port import SAPBlock, SAPBlockInactive, SAPBlockProvisioning


class NsistpBlockInactive(ProductBlockModel, product_block_name="Nsistp", tag="NSISTP"):
    """A service termination point: it reserves VLANs of a port for circuits that NSI asks for."""

    sap: SAPBlockInactive
    topology: str | None = Field(None, description="Name of the NSI topology")
    stp_id: str | None = Field(None, description="Name of the termination point, unique in its topology")
    stp_description: str | None = Field(None, description="What people say of the termination point")
    is_alias_in: str | None = Field(None, description="URN of the same point in the other network, inbound")
    is_alias_out: str | None = Field(None, description="URN of the same point in the other network, outbound")
    expose_in_topology: bool | None = Field(None, description="Whether other networks see the point")
    bandwidth: int | None = Field(None, description="Mbit/s that circuits may use together")


class NsistpBlockProvisioning(NsistpBlockInactive, lifecycle=[SubscriptionLifecycle.PROVISIONING]):
    sap: SAPBlockProvisioning
    topology: str
    stp_id: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def title(self) -> str:
        return f"NSISTP {self.stp_id} on {self.sap.title}"


class NsistpBlock(NsistpBlockProvisioning, lifecycle=[SubscriptionLifecycle.ACTIVE]):
    sap: SAPBlock


class NsistpInactive(SubscriptionModel, is_base=True):
    nsistp: NsistpBlockInactive

    @property
    def vlan_range(self) -> VlanRanges | None:
        """The VLANs that the termination point reserves."""
        return self.nsistp.sap.vlan


class NsistpProvisioning(NsistpInactive, lifecycle=[SubscriptionLifecycle.PROVISIONING]):
    nsistp: NsistpBlockProvisioning


class Nsistp(NsistpProvisioning, lifecycle=[SubscriptionLifecycle.ACTIVE]):
    nsistp: NsistpBlock


register(ProductSpec("nsistp", Nsistp, tag="NSISTP", description="NSI service termination point"))
