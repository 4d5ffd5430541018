"""Ports: interfaces of nodes that customers connect to."""

from __future__ import annotations

from enum import IntEnum

from pydantic import Field, computed_field

from products import ProductSpec, register
from subscriptions.domain import ProductBlockModel, SubscriptionLifecycle, SubscriptionModel
from wfo_site.examples.network.vlans import VlanRanges
from wfo_site.examples.network.wfo_products.node import NodeBlock, NodeBlockInactive, NodeBlockProvisioning


class PortSpeed(IntEnum):
    """Mbit/s."""

    _1000 = 1_000
    _10000 = 10_000
    _40000 = 40_000
    _100000 = 100_000
    _400000 = 400_000


class PortBlockInactive(ProductBlockModel, product_block_name="Port", tag="PORT"):
    """A port of a node that services can use."""

    port_name: str | None = Field(None, description="Name of the interface")
    port_type: str | None = Field(None, description="The inventory's type of interface, e.g. 10gbase-x-xfp")
    port_description: str | None = Field(None, description="What the port is used for")
    port_mode: str | None = Field(None, description="One of PortMode: tagged, untagged, link member")
    auto_negotiation: bool | None = Field(None, description="Whether both ends agree on speed and duplex")
    lldp: bool | None = Field(None, description="Whether the node announces itself to its neighbour")
    enabled: bool | None = Field(None, description="Whether the interface is in use")
    node: NodeBlockInactive | None = None
    ims_id: int | None = None
    nrm_id: int | None = None


class PortBlockProvisioning(PortBlockInactive, lifecycle=[SubscriptionLifecycle.PROVISIONING]):
    port_name: str
    port_type: str
    port_mode: str
    auto_negotiation: bool
    lldp: bool
    enabled: bool
    node: NodeBlockProvisioning
    ims_id: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def title(self) -> str:
        return f"port {self.port_name} on {self.node.node_name}"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def vlans(self) -> list[VlanRanges]:
        """VLANs of the active services on this port, as they were when the port was loaded."""
        return [VlanRanges(str(values["vlan"])) for values in self._services() if values.get("vlan")]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def vlan_group_ims_ids(self) -> list[int]:
        """VLAN groups in the inventory of the active services on this port."""
        return [ims_id for values in self._services() if isinstance(ims_id := values.get("ims_id"), int)]

    def _services(self) -> list[dict[str, object]]:
        return [
            dict(user.values)
            for user in self.in_use_by
            if user.product_block.tag == "SAP" and user.subscription.status == SubscriptionLifecycle.ACTIVE
        ]


class PortBlock(PortBlockProvisioning, lifecycle=[SubscriptionLifecycle.ACTIVE]):
    node: NodeBlock
    nrm_id: int


class PortInactive(SubscriptionModel, is_base=True):
    speed: PortSpeed
    port: PortBlockInactive


class PortProvisioning(PortInactive, lifecycle=[SubscriptionLifecycle.PROVISIONING]):
    port: PortBlockProvisioning


class Port(PortProvisioning, lifecycle=[SubscriptionLifecycle.ACTIVE]):
    port: PortBlock


register(
    ProductSpec(
        "port 10G",
        Port,
        tag="PORT",
        description="Network port 10 Gbit/s",
        fixed_inputs={"speed": PortSpeed._10000.value},
    )
)
register(
    ProductSpec(
        "port 100G",
        Port,
        tag="PORT",
        description="Network port 100 Gbit/s",
        fixed_inputs={"speed": PortSpeed._100000.value},
    )
)
