"""Orders that run at the same moment, in threads: whoever comes second sees what the first one took."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest
from django.db import connections

from tests.examples.network.ordering import (
    delivered,
    l2vpn_pages,
    nsistp_page,
    order_node,
    order_port,
    product,
    run,
)
from wfo_site.examples.network.wfo_seed import seed
from workflows.models import Process
from workflows.services import start_process
from workflows.testing import run_until_idle

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ports(settings: Any) -> list[Any]:
    """Two ports in service. From here on nothing runs before its thread does."""
    seed()
    run("task_bootstrap_netbox", {})
    node = delivered(order_node("ams-pe"))
    delivered_ports = [delivered(order_port(node, f"ethernet-1/{number}")) for number in (1, 2)]
    # Bells reach nobody: this executor is not started.
    settings.EXECUTOR = "threadpool"
    return delivered_ports


def all_at_once(*orders: tuple[Any, ...]) -> list[Process]:
    """Pass the forms of all orders, then run them in threads that begin together."""
    ids = [start_process(workflow, list(pages), user="noc") for workflow, *pages in orders]
    together = threading.Barrier(len(ids))

    def go(process_id: UUID) -> None:
        try:
            together.wait(20)
            run_until_idle(process_id)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=go, args=(process_id,)) for process_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return list(Process.objects.filter(pk__in=ids))


def test_one_of_many_orders_takes_a_vlan(ports: list[Any]) -> None:
    """EX-11: termination points of different names and a layer 2 VPN want VLAN 5 of one port."""
    stp, l2vpn = product("nsistp"), product("l2vpn")
    processes = all_at_once(
        *(("create_nsistp", stp, nsistp_page(ports[0], "5", f"ams-{number}"), {}) for number in range(3)),
        ("create_l2vpn", l2vpn, *l2vpn_pages(ports, "5")),
    )
    assert sorted(process.last_status for process in processes) == ["completed", "failed", "failed", "failed"]
    for process in processes:
        if process.last_status == "failed":
            assert process.last_step == "Construct Subscription model"
            assert "Vlan(s) 5 already in use" in str(process.failed_reason)


def test_one_of_many_orders_takes_a_name(ports: list[Any]) -> None:
    """Termination points of one name on different ports and VLANs."""
    orders = [
        ("create_nsistp", product("nsistp"), nsistp_page(ports[number % 2], str(number + 5), "ams-1"), {})
        for number in range(4)
    ]
    processes = all_at_once(*orders)
    assert sorted(process.last_status for process in processes) == ["completed", "failed", "failed", "failed"]
