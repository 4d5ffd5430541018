"""What happens when the inventory fails, or the worker dies, in the middle of a workflow (EX-18)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.examples.network.ordering import node_pages
from wfo_site.examples.network import models
from wfo_site.examples.network.inventory import get_inventory
from wfo_site.examples.network.inventory.interface import InventoryError
from wfo_site.examples.network.wfo_seed import seed
from workflows.testing import Engine, Intercepted

pytestmark = pytest.mark.django_db

CALLS = pytest.mark.parametrize(
    ("operation", "step"),
    [
        ("create_device", "Create node in IMS"),
        ("create_interface", "Reserve loopback addresses"),
        ("allocate_address", "Reserve loopback addresses"),
        ("update_device", "Update node in IMS"),
    ],
)
WHEN = pytest.mark.parametrize("when", ["before", "after"])


@pytest.fixture
def inventory_calls(engine: Engine) -> Intercepted:
    """An inventory that was bootstrapped, and that can be made to fail."""
    seed()
    engine.start("task_bootstrap_netbox", {}).expect("completed")
    return engine.intercept(get_inventory)


def connection_lost(operation: str) -> InventoryError:
    return InventoryError("connection lost", operation=operation)


def assert_one_node_was_made(node: Any) -> None:
    device = models.Device.objects.get()
    assert device.pk == node.ims_id
    assert (device.primary_ip4_id, device.primary_ip6_id) == (node.ipv4_ipam_id, node.ipv6_ipam_id)
    assert models.Interface.objects.filter(name="Loopback0").count() == 1
    assert sorted(models.IPAddress.objects.values_list("address", flat=True)) == [
        "10.0.127.0/24",
        "10.0.127.1/24",
        "fc00:0:0:127::/64",
        "fc00:0:0:127::1/64",
    ]


@WHEN
@CALLS
def test_retry_of_a_node_makes_nothing_twice(
    engine: Engine, inventory_calls: Intercepted, operation: str, step: str, when: Any
) -> None:
    inventory_calls.fail(operation, connection_lost(operation), when=when)
    run = engine.start("create_node", *node_pages("ams-pe"))
    run.expect("failed", step=step, failure="connection lost")
    assert_one_node_was_made(run.retry().expect("completed").subscription.node)


@WHEN
@CALLS
def test_worker_that_dies_in_a_call_leaves_a_node_that_is_made_once(
    engine: Engine, inventory_calls: Intercepted, operation: str, step: str, when: Any
) -> None:
    inventory_calls.crash(operation, when=when)
    run = engine.start("create_node", *node_pages("ams-pe")).expect("running")
    assert step not in dict(run.steps)
    engine.recover()
    assert_one_node_was_made(run.expect("completed").subscription.node)


def test_name_taken_between_form_and_step_fails_with_a_clear_sentence(
    engine: Engine, inventory_calls: Intercepted
) -> None:
    first, second = (engine.queue("create_node", *node_pages("ams-pe")) for _ in range(2))
    engine.run_until_idle()
    first.expect("completed")
    second.expect("failed", step="Create node in IMS", failure="A node named 'ams-pe' exists in the inventory already")
    assert models.Device.objects.count() == 1


def test_aborted_order_keeps_what_was_made_and_says_where_it_stopped(
    engine: Engine, inventory_calls: Intercepted
) -> None:
    inventory_calls.fail("allocate_address", connection_lost("allocate_address"))
    run = engine.start("create_node", *node_pages("ams-pe")).abort(user="noc")
    run.expect("aborted", step="User Aborted")
    assert (run.subscription.status, run.subscription.insync) == ("provisioning", False)
    assert run.subscription.node.ims_id == models.Device.objects.get().pk
