"""Order what the example offers, the way a program would, and run it to its end in the test's thread."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from products.models import Product
from subscriptions.domain import SubscriptionModel
from wfo_site.examples.network.inventory import get_inventory
from wfo_site.examples.network.models import Customer, FailureRule
from workflows.models import Process
from workflows.services import start_process
from workflows.testing import run_until_idle


def run(workflow: str, *pages: dict[str, Any]) -> Process:
    """Start a workflow, run it until it ends or waits, and return the process."""
    process_id = start_process(workflow, list(pages), user="noc")
    run_until_idle(process_id)
    return Process.objects.get(pk=process_id)


def again(process: Process) -> Process:
    """Run a process that was resumed until it ends or waits."""
    run_until_idle(process.process_id)
    process.refresh_from_db()
    return process


def delivered(process: Process) -> Any:
    """Return the subscription that a create workflow delivered; fails with its reason where it did not."""
    assert process.last_status == "completed", f"{process.last_step}: {process.failed_reason} {process.traceback}"
    return SubscriptionModel.from_subscription(subscription_id(process))


def subscription_id(process: Process) -> UUID:
    found: UUID = process.subscriptions.get().subscription_id
    return found


def product(name: str) -> dict[str, str]:
    return {"product": str(Product.objects.get(name=name).product_id)}


def customer(name: str = "SURF") -> str:
    return Customer.objects.get(fullname=name).customer_id


def node_page(name: str, **changes: Any) -> dict[str, Any]:
    inventory = get_inventory()
    return {
        "customer_id": customer(),
        "type_id": str(inventory.device_types(manufacturer="Nokia")[0].id),
        "role_id": str(inventory.device_roles()[0].id),
        "site_id": str(inventory.sites()[0].id),
        "node_status": "active",
        "node_name": name,
        **changes,
    }


def node_pages(name: str, **changes: Any) -> list[dict[str, Any]]:
    return [product("node Nokia"), node_page(name, **changes), {}]


def order_node(name: str, **changes: Any) -> Process:
    return run("create_node", *node_pages(name, **changes))


def interface_of(node: Any, name: str) -> str:
    """Return the inventory's id of an interface of a node subscription, as a form posts it."""
    return str(next(each.id for each in get_inventory().interfaces(device=node.node.ims_id) if each.name == name))


def port_pages(node: Any, interface: str, **changes: Any) -> list[dict[str, Any]]:
    settings = {
        "port_ims_id": interface_of(node, interface),
        "port_description": "campus",
        "port_mode": "tagged",
        **changes,
    }
    return [{"customer_id": customer(), "node_subscription_id": str(node.subscription_id)}, settings, {}]


def order_port(node: Any, interface: str, product_name: str = "port 10G", **changes: Any) -> Process:
    return run("create_port", product(product_name), *port_pages(node, interface, **changes))


def core_link_pages(a: Any, b: Any, interface_a: str, interface_b: str) -> list[dict[str, Any]]:
    return [
        {
            "customer_id": customer(),
            "node_subscription_id_a": str(a.subscription_id),
            "node_subscription_id_b": str(b.subscription_id),
        },
        {"port_ims_id_a": interface_of(a, interface_a), "port_ims_id_b": interface_of(b, interface_b)},
    ]


def order_core_link(a: Any, b: Any, interface_a: str, interface_b: str) -> Process:
    return run("create_core_link", product("core link 10G"), *core_link_pages(a, b, interface_a, interface_b))


def l2vpn_pages(ports: list[Any], vlan: str, **changes: Any) -> list[dict[str, Any]]:
    return [
        {"customer_id": customer(), "number_of_ports": len(ports), "speed": 1000, **changes},
        {"ports": [str(port.subscription_id) for port in ports], "vlan": vlan},
    ]


def order_l2vpn(ports: list[Any], vlan: str, **changes: Any) -> Process:
    return run("create_l2vpn", product("l2vpn"), *l2vpn_pages(ports, vlan, **changes))


def nsistp_page(port: Any, vlan: str, stp_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "customer_id": customer(),
        "port": str(port.subscription_id),
        "vlan": vlan,
        "topology": "production",
        "stp_id": stp_id,
        "bandwidth": 10_000,
        **changes,
    }


def order_nsistp(port: Any, vlan: str, stp_id: str, **changes: Any) -> Process:
    return run("create_nsistp", product("nsistp"), nsistp_page(port, vlan, stp_id, **changes), {})


def nsip2p_pages(ports: list[Any], vlan: str, **changes: Any) -> list[dict[str, Any]]:
    return [
        {"customer_id": customer(), "speed": 500, **changes},
        {"ports": [str(port.subscription_id) for port in ports], "vlan": vlan},
    ]


def order_nsip2p(ports: list[Any], vlan: str, **changes: Any) -> Process:
    return run("create_nsip2p", product("nsip2p"), *nsip2p_pages(ports, vlan, **changes))


def two_at_once(workflow: str, *pages: dict[str, Any]) -> tuple[Process, Process]:
    """Start the same order twice before either runs, and run both: the one that was delivered, the one that failed."""
    with transaction.atomic():
        ids = [start_process(workflow, list(pages)) for _ in range(2)]
    run_until_idle()
    processes = {process.last_status: process for process in Process.objects.filter(pk__in=ids)}
    return processes["completed"], processes["failed"]


def fail(operation: str, when: str, message: str = "connection lost") -> None:
    """Make the next call of an operation of the inventory fail."""
    FailureRule.objects.create(operation=operation, when=when, message=message)
