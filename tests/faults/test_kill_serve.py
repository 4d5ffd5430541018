"""`kill -9` of the serving process at named places. Started again, it finishes by itself, and nothing twice."""

from __future__ import annotations

import pytest

from tests.story.installation import Database, Installation

from .conftest import World, places, short_on
from .fleet import installed

# On PostgreSQL, `test_kill_celery` does the same with what runs there.
pytestmark = [pytest.mark.faults, short_on("SQLite")]

PLACES = places(
    short=["inventory.create_vlan||3"],
    long=[
        "before write|Done|0",
        "before claim||0",
        "after write|Construct Subscription model|0",
        "before write|Create L2VPN terminations in IMS|0",
        "after claim||0",
        "before write|Start|0",
        "before write|Construct Subscription model|0",
        "inventory.create_vlan_group||0",
        "before write|Create VLANs in IMS|0",
        "after write|Create VLANs in IMS|0",
        "inventory.create_l2vpn||0",
        "before write|Create L2VPN in IMS|0",
        "inventory.create_l2vpn_termination||2",
        "inventory.add_tagged_vlans||0",
        "before write|Update VLANs on connected ports in IMS|0",
        "after write|Update VLANs on connected ports in IMS|0",
        "after write|Done|0",
    ],
)

INVENTORY = """
from wfo_site.examples.network.inventory import models as m
from workflows.models import ProcessStep
print(json.dumps({
    "groups": m.VLANGroup.objects.count(), "vlans": m.VLAN.objects.count(), "l2vpns": m.L2VPN.objects.count(),
    "terminations": m.L2VPNTermination.objects.count(), "tagged": m.TaggedVLAN.objects.count(),
    "steps": list(ProcessStep.objects.filter(process_id="%s").order_by("seq").values_list("name", "status")),
}))
"""
STEPS = [
    "Start",
    "Construct Subscription model",
    "Create Process Subscription relation",
    "Create VLANs in IMS",
    "Create L2VPN in IMS",
    "Create L2VPN terminations in IMS",
    "Provision L2VPN in NRM",
    "Update VLANs on connected ports in IMS",
    "Set subscription to 'active'",
    "Unlock subscription",
    "Done",
]


def assert_delivered_once(installation: Installation, process_id: str) -> None:
    """Two ports with three VLANs each: two groups, six VLANs, one L2VPN, six terminations, and each step once."""
    found = installation.ask(INVENTORY % process_id)
    steps = found.pop("steps")
    assert found == {"groups": 2, "vlans": 6, "l2vpns": 1, "terminations": 6, "tagged": 6}
    assert steps == [[name, "complete" if name == "Done" else "success"] for name in STEPS]


@pytest.mark.parametrize("place", PLACES)
def test_the_work_goes_on_after_a_kill_and_nothing_is_done_twice(copy: Database, world: World, place: str) -> None:
    installation = installed(copy)
    with installation.serving(stop_at=place) as served:
        process_id = served.story.start("create_l2vpn", served.story.l2vpn_pages(world.ports, "100-102"))
        installation.wait_until_stopped()
        served.kill()
    with installation.serving() as served:
        process = served.story.wait_for(process_id)
        subscription = served.client.get(f"/api/subscriptions/domain-model/{served.story.subscription_of(process)}")
    assert subscription.json()["status"] == "active"
    assert subscription.json()["insync"] is True
    assert_delivered_once(installation, process_id)
