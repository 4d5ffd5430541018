"""The story through REST only, unattended, by a logged-in program against a real installation; then the inventory is read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from .installation import PATIENCE, Database, Installation, Served
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
    "core_link_prefixes": [str(p) for p in m.Prefix.objects.values_list("prefix", flat=True) if str(p).endswith("/127")],
    "groups": m.VLANGroup.objects.count(),
    "vlans": sorted(m.VLAN.objects.values_list("vid", flat=True)),
    "l2vpns": m.L2VPN.objects.count(),
    "terminations": m.L2VPNTermination.objects.count(),
    "subscriptions": sorted(Subscription.objects.values_list("product__product_type", "status", "insync")),
}))
"""


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Installation]:
    """An installation on an empty database that asks for a login."""
    url = os.environ.get("DATABASE_URL", "")
    database = Database(url.rpartition("/")[0] if url.startswith("postgres") else "", tmp_path / "data")
    installation = Installation(database)
    installation.environment |= {"OAUTH2_ACTIVE": "true", "PROCESS_LEASE_SECONDS": "20"}
    yield installation
    database.drop()


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
