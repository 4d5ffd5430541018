"""Nodes: routers and switches of the network. Four products, one for each make."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, computed_field

from products import ProductSpec, register
from subscriptions.domain import ProductBlockModel, SubscriptionLifecycle, SubscriptionModel


class NodeType(StrEnum):
    Cisco = "Cisco"
    Nokia = "Nokia"
    Cumulus = "Cumulus"
    FRR = "FRR"


class NodeBlockInactive(ProductBlockModel, product_block_name="Node", tag="NODE"):
    """A node of the network: a device in the inventory."""

    role_id: int | None = Field(None, description="Id of the device role in the inventory")
    type_id: int | None = Field(None, description="Id of the device type in the inventory")
    site_id: int | None = Field(None, description="Id of the site in the inventory")
    node_status: str | None = Field(None, description="Operational status, one of NodeStatus")
    node_name: str | None = Field(None, description="Name of the node, unique in the inventory")
    node_description: str | None = Field(None, description="What people say of the node")
    ims_id: int | None = Field(None, description="Id of the block's object in the inventory (IMS)")
    nrm_id: int | None = Field(None, description="Number from the network resource manager (NRM)")
    ipv4_ipam_id: int | None = Field(None, description="Id of the IPv4 address of the loopback")
    ipv6_ipam_id: int | None = Field(None, description="Id of the IPv6 address: of a node's loopback or a core port")


class NodeBlockProvisioning(NodeBlockInactive, lifecycle=[SubscriptionLifecycle.PROVISIONING]):
    role_id: int
    type_id: int
    site_id: int
    node_status: str
    node_name: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def title(self) -> str:
        return f"node {self.node_name} status {self.node_status}"


class NodeBlock(NodeBlockProvisioning, lifecycle=[SubscriptionLifecycle.ACTIVE]):
    ims_id: int
    nrm_id: int
    ipv4_ipam_id: int
    ipv6_ipam_id: int


class NodeInactive(SubscriptionModel, is_base=True):
    node_type: NodeType
    node: NodeBlockInactive


class NodeProvisioning(NodeInactive, lifecycle=[SubscriptionLifecycle.PROVISIONING]):
    node: NodeBlockProvisioning


class Node(NodeProvisioning, lifecycle=[SubscriptionLifecycle.ACTIVE]):
    node: NodeBlock


for node_type in NodeType:
    register(
        ProductSpec(
            f"node {node_type}",
            Node,
            tag="NODE",
            description=f"Network node {node_type}",
            fixed_inputs={"node_type": node_type.value},
        )
    )
