"""Compare every node with its device in the inventory, side by side: what differs fails its own branch only."""

from __future__ import annotations

from typing import Any

from wfo_site.examples.network.inventory import get_inventory
from wfo_site.examples.network.wfo_products.node import Node
from workflows import State, StepList, begin, foreach, step, task

NODES_AT_ONCE = 4


@step("List nodes", effects="read")
def list_nodes() -> State:
    """List the nodes in service: their subscriptions and names."""
    from subscriptions.models import Subscription

    in_service = Subscription.objects.filter(product__tag="NODE", status="active").order_by("description")
    return {
        "nodes": [{"subscription_id": pk, "name": about} for pk, about in in_service.values_list("pk", "description")]
    }


@step("Compare with inventory", effects="read")
def compare_with_inventory(node: dict[str, Any]) -> State:
    """Fail with what differs: the inventory is edited by people too."""
    block = Node.from_subscription(node["subscription_id"]).node
    device = get_inventory().device(block.ims_id)
    if device is None:
        raise AssertionError(f"The inventory has no device {block.ims_id} any more")
    expected = {
        "name": block.node_name,
        "status": block.node_status,
        "primary_ip4": block.ipv4_ipam_id,
        "primary_ip6": block.ipv6_ipam_id,
    }
    differing = {key: (value, getattr(device, key)) for key, value in expected.items() if getattr(device, key) != value}
    if differing:
        told = "; ".join(f"{key} is {there!r}, not {wanted!r}" for key, (wanted, there) in differing.items())
        raise AssertionError(f"Device {device.id} differs from its subscription: {told}")
    return {"device": device.id}


@task("Check nodes against the inventory")
def task_check_nodes() -> StepList:
    return (
        begin
        >> list_nodes
        >> foreach(
            "Check nodes",
            "nodes",
            compare_with_inventory,
            item="node",
            label=lambda node: str(node["name"]),
            max_parallel=NODES_AT_ONCE,
        )
    )
