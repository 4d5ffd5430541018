"""Every form of the example: pages, titles, fields, choices, defaults and what they refuse (EX-06)."""

from __future__ import annotations

from typing import Any

import pytest

from products.models import Product
from tests.examples.network.conftest import Network
from tests.examples.network.forms import options, page_after, refusals
from tests.examples.network.ordering import (
    core_link_pages,
    customer,
    delivered,
    interface_of,
    l2vpn_pages,
    node_page,
    order_port,
    port_pages,
    product,
    run,
)
from wfo_site.examples.network.inventory.models import DeviceType

pytestmark = pytest.mark.django_db


@pytest.fixture
def nodes(network: Network) -> list[Any]:
    return network.nodes


@pytest.fixture
def ports(network: Network) -> list[Any]:
    return network.ports


def test_first_page_of_create_offers_the_products(network: Network) -> None:
    schema = page_after("create_node")
    assert options(schema, "product") == ["node Cisco", "node Cumulus", "node FRR", "node Nokia"]


def test_create_node_page(network: Network) -> None:
    schema = page_after("create_node", product("node Cisco"))
    assert schema["title"] == "node Cisco"
    assert list(schema["properties"]) == [
        "callout_1",
        "customer_id",
        "auto_add_interfaces",
        "node_settings",
        "type_id",
        "role_id",
        "site_id",
        "node_status",
        "node_name",
        "node_description",
    ]
    callout = schema["properties"]["callout_1"]
    assert (callout["format"], callout["default"]["header"]) == ("callout", "Note")
    assert callout["default"]["message_type"] == "primary"
    assert callout["default"]["message"].startswith("Selecting a customer is configurable")
    assert options(schema, "customer_id") == ["ESnet", "GÉANT", "SURF"]
    assert options(schema, "type_id") == ["Cisco 8812", "Cisco ASR 903"]
    assert options(schema, "role_id") == ["Provider", "Provider Edge"]
    assert options(schema, "site_id") == ["Amsterdam", "London", "Madrid", "Paris", "Rome"]
    assert options(schema, "node_status") == [
        "offline",
        "active",
        "planned",
        "staged",
        "failed",
        "inventory",
        "decommissioning",
    ]
    assert schema["properties"]["auto_add_interfaces"]["default"] is True
    assert schema["properties"]["node_settings"]["format"] == "label"
    assert set(schema["required"]) == {"customer_id", "type_id", "role_id", "site_id", "node_status", "node_name"}


def test_create_node_without_a_device_type_says_what_to_do_first(network: Network) -> None:
    DeviceType.objects.filter(manufacturer__name="Cumulus").delete()
    note = page_after("create_node", product("node Cumulus"))["properties"]["callout_1"]["default"]
    assert note["message_type"] == "warning"
    assert "Netbox Bootstrap" in note["message"]


def test_create_node_summary(network: Network) -> None:
    page = node_page("lon-pe", node_description="rack 12")
    schema = page_after("create_node", product("node Nokia"), page)
    assert schema["title"] == "node Nokia summary"
    summary = schema["properties"]["product_summary"]
    assert summary["format"] == "summary"
    assert summary["extraProperties"]["data"] == {
        "labels": ["role_id", "type_id", "site_id", "node_status", "node_name", "node_description"],
        "columns": [["Provider", "Nokia 7210 SAS-R6", "Amsterdam", "active", "lon-pe", "rack 12"]],
    }


def test_name_of_a_node_that_exists_is_refused_at_the_field(nodes: list[Any]) -> None:
    refused = refusals("create_node", product("node Nokia"), node_page("ams-pe"), {})
    assert refused == {"node_name": "A node named 'ams-pe' exists in the inventory already; choose another name"}
    assert "node_name" in refusals("create_node", product("node Nokia"), node_page("  "), {})


def test_choices_are_those_of_the_form_only(network: Network) -> None:
    refused = refusals("create_node", product("node Nokia"), node_page("x", type_id="1", customer_id="nobody"), {})
    assert set(refused) == {"customer_id", "type_id"}


def test_create_port_pages(nodes: list[Any]) -> None:
    first = page_after("create_port", product("port 10G"))
    assert first["title"] == "port 10G"
    assert list(first["properties"]) == ["customer_id", "node_subscription_id"]
    picker = first["properties"]["node_subscription_id"]
    assert picker["format"] == "subscriptionId"
    assert picker["extraProperties"] == {"productTypes": ["Node"], "statuses": ["active"]}

    pages = port_pages(nodes[0], "ethernet-1/2", lldp=True)
    second = page_after("create_port", product("port 10G"), pages[0])
    assert second["title"] == "port 10G"
    assert list(second["properties"]) == [
        "port_settings",
        "port_ims_id",
        "port_description",
        "port_mode",
        "auto_negotiation",
        "lldp",
    ]
    assert options(second, "port_ims_id") == [f"ethernet-1/{number}" for number in range(2, 11)]
    assert options(second, "port_mode") == ["tagged", "untagged", "link member"]
    assert second["properties"]["lldp"]["default"] is False

    summary = page_after("create_port", product("port 10G"), *pages[:2])
    assert summary["title"] == "port 10G summary"
    assert summary["properties"]["product_summary"]["extraProperties"]["data"] == {
        "labels": ["port_ims_id", "port_description", "port_mode", "auto_negotiation", "lldp"],
        "columns": [["ethernet-1/2", "campus", "tagged", "No", "Yes"]],
    }


def test_free_ports_have_the_speed_of_the_product_and_are_not_in_use(ports: list[Any], nodes: list[Any]) -> None:
    page = port_pages(nodes[0], "ethernet-1/2")[0]
    ten = page_after("create_port", product("port 10G"), page)
    assert options(ten, "port_ims_id") == [f"ethernet-1/{number}" for number in range(2, 11)]
    hundred = page_after("create_port", product("port 100G"), page)
    assert options(hundred, "port_ims_id") == [f"ethernet-1/{number}" for number in range(11, 15)]


def test_subscription_of_another_product_is_no_node(ports: list[Any]) -> None:
    page = {"customer_id": customer(), "node_subscription_id": str(ports[0].subscription_id)}
    assert "node_subscription_id" in refusals("create_port", product("port 10G"), page)


def test_create_core_link_pages(nodes: list[Any]) -> None:
    first = page_after("create_core_link", product("core link 10G"))
    assert first["title"] == "core link 10G - node A and B"
    assert list(first["properties"]) == ["customer_id", "node_subscription_id_a", "node_subscription_id_b"]
    pages = core_link_pages(*nodes, "ethernet-1/2", "ethernet-1/3")
    second = page_after("create_core_link", product("core link 10G"), pages[0])
    assert second["title"] == "core link 10G - port A and B"
    assert list(second["properties"]) == ["port_ims_id_a", "port_ims_id_b", "under_maintenance"]
    assert len(options(second, "port_ims_id_a")) == len(options(second, "port_ims_id_b")) == 9
    assert second["properties"]["under_maintenance"]["default"] is False


def test_nodes_of_a_core_link_differ(nodes: list[Any]) -> None:
    page = core_link_pages(nodes[0], nodes[0], "ethernet-1/2", "ethernet-1/3")[0]
    refused = refusals("create_core_link", product("core link 10G"), page)
    assert refused == {"__root__": "node B cannot be the same as node A"}


def test_interface_of_another_node_is_refused(nodes: list[Any]) -> None:
    pages = core_link_pages(*nodes, "ethernet-1/2", "ethernet-1/2")
    pages[1]["port_ims_id_a"] = interface_of(nodes[1], "ethernet-1/2")
    assert set(refusals("create_core_link", product("core link 10G"), *pages)) == {"port_ims_id_a"}


def test_create_l2vpn_pages(ports: list[Any]) -> None:
    first = page_after("create_l2vpn", product("l2vpn"))
    assert first["title"] == "l2vpn"
    assert list(first["properties"]) == ["customer_id", "number_of_ports", "speed", "speed_policer"]
    count = first["properties"]["number_of_ports"]
    assert (count["minimum"], count["maximum"]) == (2, 8)
    assert first["properties"]["speed_policer"]["default"] is False

    second = page_after("create_l2vpn", product("l2vpn"), l2vpn_pages(ports, "10")[0])
    assert list(second["properties"]) == ["ports", "vlan"]
    listed = second["properties"]["ports"]
    assert (listed["minItems"], listed["maxItems"], listed["uniqueItems"]) == (2, 2, True)
    assert listed["items"]["format"] == "subscriptionId"
    assert listed["items"]["extraProperties"] == {"productTypes": ["Port"], "statuses": ["active"]}
    assert (second["properties"]["vlan"]["format"], second["properties"]["vlan"]["default"]) == ("vlan", "0")


@pytest.mark.parametrize(
    ("vlan", "sentence"),
    [
        ("0", "L2VPN must have a vlan"),
        ("", "vlan must have a value"),
        ("4095", "Vlan(s) 4095 cannot be used, choose from 1-4094"),
        ("x", "'x' could not be converted to a VlanRanges object."),
    ],
)
def test_vlan_that_cannot_be_is_refused(ports: list[Any], vlan: str, sentence: str) -> None:
    """EX-11"""
    assert refusals("create_l2vpn", product("l2vpn"), *l2vpn_pages(ports, vlan)) == {"vlan": sentence}


def test_vlan_left_out_is_refused_too(ports: list[Any]) -> None:
    """EX-11"""
    page, selection = l2vpn_pages(ports, "10")
    del selection["vlan"]
    assert refusals("create_l2vpn", product("l2vpn"), page, selection) == {"vlan": "L2VPN must have a vlan"}


def test_vlan_in_use_on_one_of_the_ports_is_refused(ports: list[Any], nodes: list[Any]) -> None:
    """EX-11"""
    delivered(run("create_l2vpn", product("l2vpn"), *l2vpn_pages(ports, "10,20-30")))
    third = delivered(order_port(nodes[0], "ethernet-1/2"))
    refused = refusals("create_l2vpn", product("l2vpn"), *l2vpn_pages([third, ports[1]], "9,25-31"))
    assert refused == {"vlan": "Vlan(s) 25-30 already in use"}
    assert delivered(run("create_l2vpn", product("l2vpn"), *l2vpn_pages([third, ports[1]], "9,31"))).insync


def test_port_that_is_not_tagged_carries_no_l2vpn(ports: list[Any], nodes: list[Any]) -> None:
    untagged = delivered(order_port(nodes[0], "ethernet-1/2", port_mode="untagged"))
    refused = refusals("create_l2vpn", product("l2vpn"), *l2vpn_pages([untagged, ports[1]], "10"))
    assert refused == {"ports.0": "This port is not tagged, so it cannot carry VLANs; choose a tagged one"}


def test_number_of_ports_and_their_difference_are_checked(ports: list[Any]) -> None:
    assert set(refusals("create_l2vpn", product("l2vpn"), l2vpn_pages([ports[0]], "1")[0])) == {"number_of_ports"}
    page, selection = l2vpn_pages(ports, "10")
    assert set(refusals("create_l2vpn", product("l2vpn"), page | {"number_of_ports": 3}, selection)) == {"ports"}
    twice = selection | {"ports": selection["ports"][:1] * 2}
    assert refusals("create_l2vpn", product("l2vpn"), page, twice) == {"ports": "List must be unique"}


def test_nothing_is_made_by_looking_at_forms(nodes: list[Any]) -> None:
    before = Product.objects.count()
    page_after("create_port", product("port 10G"))
    assert Product.objects.count() == before
