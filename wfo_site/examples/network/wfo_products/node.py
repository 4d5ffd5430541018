"""Nodes: routers and switches of the network. Four products, one for each make."""

from __future__ import annotations

from enum import StrEnum

from pydantic import computed_field

from products import ProductSpec, register
from subscriptions.domain import ProductBlockModel, SubscriptionLifecycle, SubscriptionModel


class NodeType(StrEnum):
    Cisco = "Cisco"
    Nokia = "Nokia"
    Cumulus = "Cumulus"
    FRR = "FRR"


class NodeBlockInactive(ProductBlockModel, product_block_name="Node", tag="NODE"):
    """A node of the network. Ids with ims and ipam are those of the inventory, role, type and site too."""

    role_id: int | None = None
    type_id: int | None = None
    site_id: int | None = None
    # One of NodeStatus.
    node_status: str | None = None
    node_name: str | None = None
    node_description: str | None = None
    ims_id: int | None = None
    nrm_id: int | None = None
    # IP addresses of the loopback.
    ipv4_ipam_id: int | None = None
    ipv6_ipam_id: int | None = None


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
