"""A small network to look at, made by running the real workflows: some of them fail, wait or were aborted."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from products.models import Product
from subscriptions.models import Subscription
from wfo_site.examples.network.inventory import get_inventory
from wfo_site.examples.network.models import Customer, FailureRule
from wfo_site.examples.network.wfo_products.node import Node
from wfo_site.examples.network.wfo_seed import seed
from workflows.enums import ProcessStatus
from workflows.models import Process
from workflows.services import abort_process, set_process_note, start_process
from workflows.states import RUNNABLE
from workflows.testing import run_until_idle

OPERATOR = "demo"
_PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class DemoNode:
    name: str
    product: str
    site: str
    model: str
    role: str
    about: str | None


@dataclass(frozen=True)
class DemoPort:
    customer: str
    product: str
    node: str
    interface: str
    about: str
    mode: str = "tagged"


@dataclass(frozen=True)
class DemoLink:
    """Ends are (node, interface)."""

    product: str
    a: tuple[str, str]
    b: tuple[str, str]
    under_maintenance: bool = False


@dataclass(frozen=True)
class DemoL2vpn:
    """Ports are (node, interface), the speed is in Mbit/s."""

    customer: str
    ports: tuple[tuple[str, str], ...]
    vlan: str
    speed: int
    policer: bool = False


NODES = (
    DemoNode("ams-pe-1", "node Nokia", "Amsterdam", "7220 IXR-D3", "Provider Edge", "Science Park, rack 12"),
    DemoNode("par-pe-1", "node Cisco", "Paris", "ASR 903", "Provider Edge", "Telehouse 2, rack 4"),
    DemoNode("lon-pe-1", "node Nokia", "London", "7220 IXR-D2", "Provider Edge", "Docklands North, rack 31"),
    DemoNode("mad-p-1", "node Cisco", "Madrid", "8812", "Provider", "Campus Sur, rack 2"),
    DemoNode("rom-pe-1", "node FRR", "Rome", "FRR VM", "Provider Edge", None),
)
PORTS = (
    DemoPort("SURF", "port 10G", "ams-pe-1", "ethernet-1/1", "University library"),
    DemoPort("SURF", "port 100G", "ams-pe-1", "ethernet-1/11", "Supercomputer"),
    DemoPort("GÉANT", "port 10G", "par-pe-1", "ethernet-1/1", "Exchange Paris"),
    DemoPort("GÉANT", "port 100G", "par-pe-1", "ethernet-1/11", "Backbone hand-over"),
    DemoPort("ESnet", "port 10G", "lon-pe-1", "ethernet-1/1", "Transatlantic landing"),
    DemoPort("SURF", "port 10G", "lon-pe-1", "ethernet-1/2", "Office Docklands", "untagged"),
    DemoPort("GÉANT", "port 10G", "mad-p-1", "ethernet-1/3", "Observatory"),
    DemoPort("ESnet", "port 10G", "rom-pe-1", "ethernet-1/1", "Laboratory"),
)
CORE_LINKS = (
    DemoLink("core link 100G", ("ams-pe-1", "ethernet-1/14"), ("par-pe-1", "ethernet-1/14")),
    DemoLink("core link 100G", ("ams-pe-1", "ethernet-1/13"), ("lon-pe-1", "ethernet-1/14")),
    DemoLink("core link 10G", ("par-pe-1", "ethernet-1/10"), ("mad-p-1", "ethernet-1/10"), under_maintenance=True),
)
L2VPNS = (
    DemoL2vpn("SURF", (("ams-pe-1", "ethernet-1/1"), ("par-pe-1", "ethernet-1/1")), "100", 1_000),
    DemoL2vpn("GÉANT", (("par-pe-1", "ethernet-1/11"), ("ams-pe-1", "ethernet-1/11")), "200-203", 40_000),
    DemoL2vpn(
        "ESnet",
        (("lon-pe-1", "ethernet-1/1"), ("par-pe-1", "ethernet-1/1"), ("mad-p-1", "ethernet-1/3")),
        "310,312",
        2_500,
        policer=True,
    ),
    DemoL2vpn("SURF", (("ams-pe-1", "ethernet-1/1"), ("rom-pe-1", "ethernet-1/1")), "1500", 500, policer=True),
)


def seed_demo() -> str:
    """Make the demo network and say in a sentence what is there now. A second run changes nothing."""
    if Subscription.objects.filter(description__contains=NODES[0].name).exists():
        return "The demo is there already; nothing was changed."
    seed()
    _run("task_bootstrap_netbox", {})
    nodes = {node.name: _delivered(_order_node(node)) for node in NODES}
    ports = {(port.node, port.interface): _delivered(_order_port(nodes, port)) for port in PORTS}
    for link in CORE_LINKS:
        _delivered(_order_core_link(nodes, link))
    for l2vpn in L2VPNS:
        _delivered(_order_l2vpn(ports, l2vpn))
    _check_nodes(nodes["mad-p-1"])
    _make_unfinished(nodes)
    return _summary()


def _check_nodes(changed_by_hand: UUID) -> None:
    """Compare the nodes with the inventory, in which somebody has taken one out of service."""
    device = Node.from_subscription(changed_by_hand).node.ims_id
    get_inventory().update_device(device, {"status": "offline"})
    _run("task_check_nodes", {})


def _make_unfinished(nodes: dict[str, UUID]) -> None:
    """Leave processes that fail, that wait for a person or another system, and one that was given up."""
    FailureRule.objects.create(operation="create_device", message="NetBox answers 503: the service is unavailable")
    failed = _order_node(
        DemoNode("ams-pe-2", "node Nokia", "Amsterdam", "7220 IXR-D2", "Provider Edge", "Not in service yet")
    )
    set_process_note(failed, "The inventory was being upgraded; retry when it is back.")
    FailureRule.objects.create(
        operation="update_interface", when=FailureRule.AFTER, message="Connection lost while waiting for the answer"
    )
    _order_port(nodes, DemoPort("SURF", "port 10G", "lon-pe-1", "ethernet-1/3", "Office Docklands, second line"))
    _run("task_showcase", *_showcase("Please confirm", show_suspended_step=True))
    _run("task_showcase", *_showcase("Waiting for another system", wait_for_callback=True))
    _run("task_showcase", *_showcase("Everything works", run_conditional_step=False))
    _run("task_showcase", *_showcase("Nothing works", fail_on_purpose=True))
    given_up = _run("task_showcase", *_showcase("Never mind", show_suspended_step=True))
    abort_process(given_up, user=OPERATOR)


def _summary() -> str:
    counted = Counter(Process.objects.values_list("last_status", flat=True))
    processes = ", ".join(f"{number} {ProcessStatus(status).label.lower()}" for status, number in counted.most_common())
    return f"{Subscription.objects.count()} subscriptions; processes: {processes}."


def _run(workflow: str, *pages: dict[str, Any]) -> UUID:
    """Start a workflow and run it in this thread until it ends or waits."""
    process_id = start_process(workflow, list(pages), user=OPERATOR)
    run_until_idle(process_id)
    # A server that shares the database may have been faster; then it is the one that runs it.
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while _status(process_id) in RUNNABLE and time.monotonic() < deadline:
        time.sleep(0.05)
    return process_id


def _status(process_id: UUID) -> str:
    return str(Process.objects.values_list("last_status", flat=True).get(pk=process_id))


def _delivered(process_id: UUID) -> UUID:
    """Return the subscription that a create workflow delivered. Raises RuntimeError with the reason if it failed."""
    process = Process.objects.get(pk=process_id)
    if process.last_status != ProcessStatus.COMPLETED:
        raise RuntimeError(
            f"{process.workflow} ended {process.last_status} at {process.last_step}: {process.failed_reason}"
        )
    subscription_id: UUID = process.subscriptions.values_list("subscription_id", flat=True).get()
    return subscription_id


def _product(name: str) -> dict[str, str]:
    return {"product": str(Product.objects.get(name=name).product_id)}


def _customer(name: str) -> str:
    return Customer.objects.get(fullname=name).customer_id


def _order_node(node: DemoNode) -> UUID:
    inventory = get_inventory()
    page = {
        "customer_id": _customer("SURF"),
        "type_id": str(next(each.id for each in inventory.device_types() if each.model == node.model)),
        "role_id": str(next(each.id for each in inventory.device_roles() if each.name == node.role)),
        "site_id": str(next(each.id for each in inventory.sites() if each.name == node.site)),
        "node_status": "active",
        "node_name": node.name,
        "node_description": node.about,
    }
    return _run("create_node", _product(node.product), page, {})


def _interface(node: UUID, name: str) -> str:
    device = Node.from_subscription(node).node.ims_id
    return str(next(each.id for each in get_inventory().interfaces(device=device) if each.name == name))


def _order_port(nodes: dict[str, UUID], port: DemoPort) -> UUID:
    node = nodes[port.node]
    return _run(
        "create_port",
        _product(port.product),
        {"customer_id": _customer(port.customer), "node_subscription_id": str(node)},
        {
            "port_ims_id": _interface(node, port.interface),
            "port_description": port.about,
            "port_mode": port.mode,
        },
        {},
    )


def _order_core_link(nodes: dict[str, UUID], link: DemoLink) -> UUID:
    node_a, node_b = nodes[link.a[0]], nodes[link.b[0]]
    return _run(
        "create_core_link",
        _product(link.product),
        {
            "customer_id": _customer("SURF"),
            "node_subscription_id_a": str(node_a),
            "node_subscription_id_b": str(node_b),
        },
        {
            "port_ims_id_a": _interface(node_a, link.a[1]),
            "port_ims_id_b": _interface(node_b, link.b[1]),
            "under_maintenance": link.under_maintenance,
        },
    )


def _order_l2vpn(ports: dict[tuple[str, str], UUID], l2vpn: DemoL2vpn) -> UUID:
    return _run(
        "create_l2vpn",
        _product("l2vpn"),
        {
            "customer_id": _customer(l2vpn.customer),
            "number_of_ports": len(l2vpn.ports),
            "speed": l2vpn.speed,
            "speed_policer": l2vpn.policer,
        },
        {"ports": [str(ports[end]) for end in l2vpn.ports], "vlan": l2vpn.vlan},
    )


def _showcase(text: str, **flags: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    page = {
        "text_value": text,
        "read_only_value": "This value is read-only",
        "integer_value": 42,
        "constrained_integer": 7,
        "single_choice": "beta",
        "multi_choice": ["one", "three"],
        **flags,
    }
    return page, {}
