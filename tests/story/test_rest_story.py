"""The story through REST only, unattended, by a program that logs in to a real installation."""

from __future__ import annotations

import re
from contextlib import closing

import httpx
import pytest

from .installation import PATIENCE, Installation, Served
from .rest import RestStory

pytestmark = pytest.mark.e2e

CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')

INVENTORY = """
from wfo_site.examples.network.inventory import models as m
from subscriptions.models import Subscription
print(json.dumps({
    "devices": sorted(m.Device.objects.values_list("name", flat=True)),
    "enabled": m.Interface.objects.filter(enabled=True).exclude(type="virtual").count(),
    "loopbacks": m.Interface.objects.filter(type="virtual").count(),
    "cables": m.Cable.objects.count(),
    "core_link_prefixes": list(m.Prefix.objects.filter(prefix__endswith="/127").values_list("prefix", flat=True)),
    "groups": m.VLANGroup.objects.count(),
    "vlans": sorted(m.VLAN.objects.values_list("vid", flat=True)),
    "l2vpns": m.L2VPN.objects.count(),
    "terminations": m.L2VPNTermination.objects.count(),
    "subscriptions": sorted(Subscription.objects.values_list("product__product_type", "status", "insync")),
}))
"""


def log_in(served: Served) -> httpx.Client:
    """Log in with the password that the first start printed, as a browser would."""
    client = httpx.Client(base_url=served.client.base_url, timeout=20, follow_redirects=True)
    token = CSRF.search(client.get("/accounts/login/").text)
    assert token is not None
    form = {"username": "admin", "password": served.installation.printed_password, "csrfmiddlewaretoken": token[1]}
    answer = client.post("/accounts/login/", data=form, headers={"Referer": str(client.base_url)})
    assert answer.status_code == 200
    client.headers.update({"X-CSRFToken": client.cookies["csrftoken"], "Referer": str(client.base_url)})
    return client


def test_a_network_is_built_from_nothing_through_rest(fresh: Installation) -> None:
    """EX-08 for what the example has so far, and an error on the way for each kind of bad input."""
    with fresh.serving() as served:
        assert served.client.get("/api/processes/").status_code in (401, 403)
        with closing(log_in(served)) as client:
            story = RestStory(client, patience=PATIENCE)
            story.bootstrap()
            nodes = [story.create_node("ams-core-1"), story.create_node("par-core-1", "node Cisco")]
            ports = [story.create_port(node) for node in nodes]
            story.create_core_link(*nodes)
            l2vpn = story.create_l2vpn(ports, "200-202,300")

            taken = client.post("/api/processes/create_l2vpn", json=story.l2vpn_pages(ports, "201"))
            assert taken.status_code == 400
            (error,) = taken.json()["validation_errors"]
            assert error["loc"] == ["vlan"]
            assert "already in use" in error["msg"]

            model = client.get(f"/api/subscriptions/domain-model/{l2vpn}").json()
            assert model["status"] == "active"
            assert [sap["vlan"] for sap in model["virtual_circuit"]["saps"]] == ["200-202,300"] * 2
    found = fresh.ask(INVENTORY)
    assert found == {
        "devices": ["ams-core-1", "par-core-1"],
        "enabled": 4,
        "loopbacks": 2,
        "cables": 1,
        "core_link_prefixes": ["fc00:0:0:10::/127"],
        "groups": 2,
        "vlans": [200, 200, 201, 201, 202, 202, 300, 300],
        "l2vpns": 1,
        "terminations": 8,
        "subscriptions": [
            ["CoreLink", "active", True],
            ["L2vpn", "active", True],
            ["Node", "active", True],
            ["Node", "active", True],
            ["Port", "active", True],
            ["Port", "active", True],
        ],
    }
