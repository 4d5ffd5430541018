"""Orders of the Network Service Interface: termination points reserve VLANs, circuits take them (EX-06, EX-11)."""

from __future__ import annotations

from typing import Any

import pytest

from subscriptions.domain import SubscriptionModel
from tests.examples.network.conftest import Network
from tests.examples.network.forms import page_after, refusals
from tests.examples.network.ordering import (
    again,
    delivered,
    fail,
    l2vpn_pages,
    nsip2p_pages,
    nsistp_page,
    order_nsip2p,
    order_nsistp,
    order_port,
    product,
    run,
    two_at_once,
)
from wfo_site.examples.network import models
from wfo_site.examples.network.allocations import find_allocated_vlans
from wfo_site.examples.network.vlans import VlanRanges
from workflows.services import resume_process

pytestmark = pytest.mark.django_db

URN = "urn:ogf:network:example.org:2026:ams-1"


@pytest.fixture
def ports(network: Network) -> list[Any]:
    return network.ports


@pytest.fixture
def points(ports: list[Any]) -> list[Any]:
    """A termination point on each port; together they reserve VLANs 105 to 110."""
    return [
        delivered(order_nsistp(port, vlan, name))
        for port, vlan, name in zip(ports, ("100-110", "105-120"), ("ams-1", "par-1"), strict=True)
    ]


def test_create_nsistp_pages(ports: list[Any]) -> None:
    first = page_after("create_nsistp", product("nsistp"))
    assert first["title"] == "nsistp"
    properties = first["properties"]
    assert list(properties) == [
        "customer_id",
        "nsistp_settings",
        "port",
        "vlan",
        "divider_1",
        "topology",
        "stp_id",
        "stp_description",
        "is_alias_in",
        "is_alias_out",
        "expose_in_topology",
        "bandwidth",
    ]
    assert properties["port"]["extraProperties"] == {"productTypes": ["Port"], "statuses": ["active"]}
    assert (properties["vlan"]["format"], properties["divider_1"]["format"]) == ("vlan", "divider")
    assert properties["expose_in_topology"]["default"] is True
    assert (properties["bandwidth"]["minimum"], properties["bandwidth"]["maximum"]) == (1, 400_000)
    assert set(first["required"]) == {"customer_id", "port", "vlan", "topology", "stp_id", "bandwidth"}

    page = nsistp_page(ports[0], "5,7-9", "ams-1", is_alias_in=URN, is_alias_out=URN)
    summary = page_after("create_nsistp", product("nsistp"), page)
    assert summary["title"] == "nsistp summary"
    assert summary["properties"]["product_summary"]["extraProperties"]["data"] == {
        "labels": [
            "port",
            "vlan",
            "topology",
            "stp_id",
            "stp_description",
            "is_alias_in",
            "is_alias_out",
            "expose_in_topology",
            "bandwidth",
        ],
        "columns": [[ports[0].description, "5,7-9", "production", "ams-1", "", URN, URN, "Yes", "10000"]],
    }


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"vlan": ""}, "vlan", "vlan must have a value"),
        ({"vlan": "0"}, "vlan", "NSISTP must have a vlan"),
        ({"topology": "two words"}, "topology", "match pattern"),
        ({"topology": "Has-CAPITALS", "stp_id": "a:b"}, None, ""),
        ({"topology": "a:b"}, "topology", "match pattern"),
        ({"stp_id": "a/b"}, "stp_id", "match pattern"),
        ({"stp_description": "<b>"}, "stp_description", "match pattern"),
        ({"bandwidth": 0}, "bandwidth", "greater than or equal to 1"),
        ({"bandwidth": 400_001}, "bandwidth", "less than or equal to 400000"),
        ({"is_alias_in": "urn:ogf:network:example.org:26:x", "is_alias_out": URN}, "is_alias_in", "urn:ogf:network:<"),
        ({"is_alias_in": "urn:ogf:network:nodots:2026:x", "is_alias_out": URN}, "is_alias_in", "urn:ogf:network:<"),
        ({"is_alias_in": URN, "is_alias_out": "urn:ogf:network:a.b:20261340:x"}, "is_alias_out", "20261340 is no date"),
        ({"is_alias_in": URN}, "__root__", "should either both have a value or be empty"),
        ({"is_alias_in": URN, "is_alias_out": "urn:ogf:network:a.b:202601:x:y"}, None, ""),
    ],
)
def test_what_the_termination_point_may_not_be(
    ports: list[Any], changes: dict[str, Any], field: str | None, sentence: str
) -> None:
    page = nsistp_page(ports[0], "5", "ams-1") | changes
    if field is None:
        assert page_after("create_nsistp", product("nsistp"), page)["title"] == "nsistp summary"
        return
    refused = refusals("create_nsistp", product("nsistp"), page, {})
    assert set(refused) == {field}
    assert sentence in refused[field]


def test_vlans_of_other_services_cannot_be_reserved(ports: list[Any]) -> None:
    """EX-11"""
    delivered(run("create_l2vpn", product("l2vpn"), *l2vpn_pages(ports, "10,20-30")))
    page = nsistp_page(ports[0], "9,25-31", "ams-1")
    assert refusals("create_nsistp", product("nsistp"), page, {}) == {"vlan": "Vlan(s) 25-30 already in use"}
    delivered(order_nsistp(ports[0], "9,31", "ams-1"))
    refused = refusals("create_l2vpn", product("l2vpn"), *l2vpn_pages(ports, "31"))
    assert refused == {"vlan": "Vlan(s) 31 already in use"}


def test_termination_point_is_named_once_in_its_topology(ports: list[Any]) -> None:
    point = delivered(order_nsistp(ports[0], "5", "ams-1"))
    page = nsistp_page(ports[1], "5", "ams-1")
    sentence = "STP 'ams-1' exists in topology 'production' already; choose another name"
    assert refusals("create_nsistp", product("nsistp"), page, {}) == {"stp_id": sentence}
    delivered(order_nsistp(ports[1], "6", "ams-1", topology="testbed"))
    SubscriptionModel.from_other_lifecycle(point, "terminated").save()  # type: ignore[arg-type]
    delivered(order_nsistp(ports[1], "5", "ams-1"))


def test_two_orders_for_one_vlan_give_one_termination_point(ports: list[Any]) -> None:
    """EX-11: nothing outside would notice the second."""
    _, failed = two_at_once("create_nsistp", product("nsistp"), nsistp_page(ports[0], "5", "ams-1"), {})
    assert failed.last_step == "Construct Subscription model"
    assert "already" in str(failed.failed_reason)
    assert find_allocated_vlans(ports[0].subscription_id) == VlanRanges(5)


def test_create_nsip2p_pages(points: list[Any], ports: list[Any]) -> None:
    first = page_after("create_nsip2p", product("nsip2p"))
    assert first["title"] == "nsip2p"
    assert list(first["properties"]) == ["customer_id", "speed", "speed_policer"]
    assert first["properties"]["speed_policer"]["default"] is False
    second = page_after("create_nsip2p", product("nsip2p"), nsip2p_pages(ports, "105")[0])
    assert list(second["properties"]) == ["ports", "vlan"]
    listed = second["properties"]["ports"]
    assert (listed["minItems"], listed["maxItems"], listed["uniqueItems"]) == (2, 2, True)
    assert second["properties"]["vlan"]["default"] == "0"


@pytest.mark.parametrize(
    ("vlan", "sentence"),
    [
        ("", "vlan must have a value"),
        ("0", "NSIP2P must have a vlan"),
        ("105-106", "NSIP2P must have a single vlan, not 105-106"),
        ("103", "VLAN(s) 103 not reserved by Nsistp on {b}. Available vlans: 105-110"),
        ("115", "VLAN(s) 115 not reserved by Nsistp on {a}. Available vlans: 105-110"),
    ],
)
def test_circuit_takes_one_vlan_that_is_reserved_on_both_ports(
    points: list[Any], ports: list[Any], vlan: str, sentence: str
) -> None:
    """EX-11"""
    refused = refusals("create_nsip2p", product("nsip2p"), *nsip2p_pages(ports, vlan))
    assert refused == {"vlan": sentence.format(a=ports[0].description, b=ports[1].description)}


def test_vlan_of_another_circuit_is_refused(points: list[Any], ports: list[Any]) -> None:
    """EX-11"""
    delivered(order_nsip2p(ports, "105"))
    refused = refusals("create_nsip2p", product("nsip2p"), *nsip2p_pages(ports, "105"))
    assert refused == {"vlan": "Vlan(s) 105 already in use. Available vlans: 106-110"}
    assert delivered(order_nsip2p(ports, "106")).insync


def test_port_without_a_termination_point_carries_no_circuit(
    points: list[Any], ports: list[Any], network: Network
) -> None:
    """EX-11"""
    third = delivered(order_port(network.nodes[0], "ethernet-1/2"))
    refused = refusals("create_nsip2p", product("nsip2p"), *nsip2p_pages([third, ports[1]], "105"))
    assert refused == {"vlan": f"VLAN(s) 105 not reserved by Nsistp on {third.description}. Available vlans: none"}


def test_two_orders_for_one_vlan_give_one_circuit(points: list[Any], ports: list[Any]) -> None:
    """EX-11"""
    _, failed = two_at_once("create_nsip2p", product("nsip2p"), *nsip2p_pages(ports, "105"))
    assert failed.last_step == "Construct Subscription model"
    assert "Vlan(s) 105 already in use" in str(failed.failed_reason)
    assert models.TaggedVLAN.objects.count() == 2


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", ["create_vlan", "create_l2vpn", "create_l2vpn_termination", "add_tagged_vlans"])
def test_retry_of_a_circuit_makes_nothing_twice(points: list[Any], ports: list[Any], operation: str, when: str) -> None:
    """EX-18"""
    fail(operation, when)
    process = order_nsip2p(ports, "105")
    assert process.last_status == "failed"
    resume_process(process.process_id, [{}], user="noc")
    assert delivered(again(process)).insync
    counts = [model.objects.count() for model in (models.VLANGroup, models.VLAN, models.L2VPN, models.L2VPNTermination)]
    assert counts == [2, 2, 1, 2]
    assert models.TaggedVLAN.objects.count() == 2
