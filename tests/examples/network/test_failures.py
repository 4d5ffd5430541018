"""What happens when the inventory fails in the middle of a workflow (EX-18)."""

from __future__ import annotations

from typing import Any

import pytest

from subscriptions.domain import SubscriptionModel
from tests.examples.network.ordering import (
    again,
    delivered,
    fail,
    node_page,
    order_node,
    product,
    run,
    subscription_id,
    two_at_once,
)
from wfo_site.examples.network import models
from wfo_site.examples.network.wfo_seed import seed
from workflows.models import ProcessStep
from workflows.services import abort_process, resume_process

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def bootstrapped() -> None:
    seed()
    run("task_bootstrap_netbox", {})


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("operation", "step"),
    [
        ("create_device", "Create node in IMS"),
        ("create_interface", "Reserve loopback addresses"),
        ("allocate_address", "Reserve loopback addresses"),
        ("update_device", "Update node in IMS"),
    ],
)
def test_retry_of_a_node_makes_nothing_twice(operation: str, step: str, when: str) -> None:
    fail(operation, when)
    process = order_node("ams-pe")
    assert (process.last_status, process.last_step) == ("failed", step)
    assert process.failed_reason == "connection lost"
    resume_process(process.process_id, [{}], user="noc")
    node = delivered(again(process)).node
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


def test_name_taken_between_form_and_step_fails_with_a_clear_sentence() -> None:
    _, failed = two_at_once("create_node", product("node Nokia"), node_page("ams-pe"), {})
    assert failed.last_step == "Create node in IMS"
    assert "A node named 'ams-pe' exists in the inventory already" in str(failed.failed_reason)
    assert models.Device.objects.count() == 1


def test_aborted_order_keeps_what_was_made_and_says_where_it_stopped() -> None:
    fail("allocate_address", "before")
    process = order_node("ams-pe")
    abort_process(process.process_id, user="noc")
    process.refresh_from_db()
    assert process.last_status == "aborted"
    assert ProcessStep.objects.filter(process=process).order_by("seq").last().name == "User Aborted"  # type: ignore[union-attr]
    model: Any = SubscriptionModel.from_subscription(subscription_id(process))
    assert (model.status, model.insync) == ("provisioning", False)
    assert model.node.ims_id == models.Device.objects.get().pk
