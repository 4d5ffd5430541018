"""The products, their shapes in each lifecycle status, and the text by which people know them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from products import ProductLifecycle, registry
from subscriptions.domain import ProductModel, SubscriptionLifecycle
from wfo_site.examples.network.vlans import VlanRanges
from wfo_site.examples.network.wfo_products.core_link import (
    CoreLinkBlockInactive,
    CoreLinkBlockProvisioning,
    CoreLinkProvisioning,
    CorePortBlock,
    CorePortBlockProvisioning,
)
from wfo_site.examples.network.wfo_products.descriptions import description
from wfo_site.examples.network.wfo_products.l2vpn import (
    L2vpnProvisioning,
    VirtualCircuitBlock,
    VirtualCircuitBlockInactive,
    VirtualCircuitBlockProvisioning,
)
from wfo_site.examples.network.wfo_products.node import (
    NodeBlock,
    NodeBlockInactive,
    NodeBlockProvisioning,
    NodeInactive,
    NodeProvisioning,
    NodeType,
)
from wfo_site.examples.network.wfo_products.nsip2p import Nsip2pInactive, Nsip2pProvisioning
from wfo_site.examples.network.wfo_products.nsistp import (
    Nsistp,
    NsistpBlock,
    NsistpBlockInactive,
    NsistpBlockProvisioning,
    NsistpInactive,
    NsistpProvisioning,
)
from wfo_site.examples.network.wfo_products.port import (
    PortBlock,
    PortBlockInactive,
    PortBlockProvisioning,
    PortProvisioning,
    PortSpeed,
)
from wfo_site.examples.network.wfo_products.service_port import SAPBlock, SAPBlockInactive, SAPBlockProvisioning

OWNER = uuid4()
NSISTP_OPTIONAL = {
    "stp_description",
    "is_alias_in",
    "is_alias_out",
    "expose_in_topology",
    "bandwidth",
}


def product(name: str, tag: str) -> ProductModel:
    return ProductModel(
        product_id=uuid4(), name=name, description=name, product_type=tag, tag=tag, status=ProductLifecycle.ACTIVE
    )


def common(name: str) -> dict[str, Any]:
    return {"name": name, "subscription_instance_id": uuid4(), "owner_subscription_id": OWNER}


def node(name: str = "ams-pe") -> NodeBlockProvisioning:
    return NodeBlockProvisioning(
        **common("Node"), role_id=1, type_id=2, site_id=3, node_status="active", node_name=name
    )


def port(name: str = "ethernet-1/1", on: str = "ams-pe") -> PortBlockProvisioning:
    return PortBlockProvisioning(
        **common("Port"),
        port_name=name,
        port_type="10gbase-x-xfp",
        port_description="to the campus",
        port_mode="tagged",
        auto_negotiation=False,
        lldp=False,
        enabled=True,
        node=node(on),
        ims_id=7,
    )


def core_port(name: str, on: str) -> CorePortBlockProvisioning:
    return CorePortBlockProvisioning(**common("CorePort"), port_name=name, enabled=True, node=node(on))


def sap(vlan: str = "10,20-21", on: str = "ams-pe") -> SAPBlockProvisioning:
    return SAPBlockProvisioning(**common("SAP"), port=port(on=on), vlan=VlanRanges(vlan))


def circuit(*nodes: str, policer: bool = False) -> VirtualCircuitBlockProvisioning:
    return VirtualCircuitBlockProvisioning(
        **common("VirtualCircuit"), saps=[sap(on=name) for name in nodes], speed=1000, speed_policer=policer
    )


def stp(vlan: str = "10-20", **values: Any) -> NsistpBlockProvisioning:
    return NsistpBlockProvisioning(
        **common("Nsistp"), sap=sap(vlan), topology="production", stp_id="ams-1", bandwidth=10000, **values
    )


def subscription(cls: Callable[..., Any], name: str, tag: str, **attributes: Any) -> Any:
    return cls(product=product(name, tag), customer_id="surf", status=SubscriptionLifecycle.PROVISIONING, **attributes)


def test_eleven_products_are_registered_with_their_fixed_inputs() -> None:
    """EX-01"""
    found = {
        spec.name: (spec.product_type, spec.tag, dict(spec.fixed_inputs), spec.status.value)
        for spec in registry.products().values()
        if spec.model.__module__.startswith("wfo_site.examples.network")
    }
    assert found == {
        "node Cisco": ("Node", "NODE", {"node_type": "Cisco"}, "active"),
        "node Nokia": ("Node", "NODE", {"node_type": "Nokia"}, "active"),
        "node Cumulus": ("Node", "NODE", {"node_type": "Cumulus"}, "active"),
        "node FRR": ("Node", "NODE", {"node_type": "FRR"}, "active"),
        "port 10G": ("Port", "PORT", {"speed": 10000}, "active"),
        "port 100G": ("Port", "PORT", {"speed": 100000}, "active"),
        "core link 10G": ("CoreLink", "CORE_LINK", {"speed": 10000}, "active"),
        "core link 100G": ("CoreLink", "CORE_LINK", {"speed": 100000}, "active"),
        "l2vpn": ("L2vpn", "L2VPN", {}, "active"),
        "nsistp": ("Nsistp", "NSISTP", {}, "active"),
        "nsip2p": ("Nsip2p", "NSIP2P", {}, "active"),
    }


@pytest.mark.parametrize(
    ("provisioning", "active", "missing"),
    [
        (node, NodeBlock, {"ims_id", "nrm_id", "ipv4_ipam_id", "ipv6_ipam_id"}),
        (port, PortBlock, {"nrm_id"}),
        (lambda: core_port("e1", "ams-pe"), CorePortBlock, {"ims_id", "nrm_id", "ipv6_ipam_id"}),
        (sap, SAPBlock, {"ims_id"}),
        (lambda: circuit("a", "b"), VirtualCircuitBlock, {"ims_id", "nrm_id"}),
        (stp, NsistpBlock, set()),
    ],
)
def test_block_lacks_what_active_requires(
    provisioning: Callable[[], Any], active: type[Any], missing: set[str]
) -> None:
    """EX-02"""
    with pytest.raises(ValidationError) as error:
        active(**common("x") | provisioning().model_dump(exclude={"name"}))
    # Blocks within lack things of their own; those have longer places.
    assert {str(each["loc"][0]) for each in error.value.errors() if len(each["loc"]) == 1} >= missing


@pytest.mark.parametrize(
    ("cls", "required"),
    [
        (NodeBlockProvisioning, {"role_id", "type_id", "site_id", "node_status", "node_name"}),
        (
            PortBlockProvisioning,
            {"port_name", "port_type", "port_mode", "auto_negotiation", "lldp", "enabled", "node", "ims_id"},
        ),
        (CorePortBlockProvisioning, {"enabled", "node"}),
        (CoreLinkBlockProvisioning, {"ports", "under_maintenance"}),
        (SAPBlockProvisioning, {"port", "vlan"}),
        (VirtualCircuitBlockProvisioning, {"saps", "speed", "speed_policer"}),
        (NsistpBlockProvisioning, {"sap", "topology", "stp_id"}),
        (NsistpBlock, {"sap", "topology", "stp_id"}),
    ],
)
def test_block_names_what_provisioning_requires(cls: type[Any], required: set[str]) -> None:
    """EX-02"""
    declared = {name for name, field in cls.model_fields.items() if field.is_required()}
    assert required <= declared
    optional_in_initial = {"port_name"} if cls is CorePortBlockProvisioning else set()
    assert declared - required - optional_in_initial <= {
        "name",
        "subscription_instance_id",
        "owner_subscription_id",
    }


def test_new_blocks_are_empty_but_for_their_parts() -> None:
    """EX-03"""
    link = CoreLinkBlockInactive.new(OWNER)
    assert len(link.ports) == 2
    assert [each.enabled for each in link.ports] == [True, True]
    assert len(VirtualCircuitBlockInactive.new(OWNER).saps) == 2
    assert NodeBlockInactive.new(OWNER).node_name is None
    assert PortBlockInactive.new(OWNER).node is None
    assert SAPBlockInactive.new(OWNER).vlan is None
    point = NsistpBlockInactive.new(OWNER)
    assert point.sap.vlan is None
    assert {getattr(point, name) for name in NSISTP_OPTIONAL} == {None}


@pytest.mark.parametrize("count", [1, 3])
def test_core_link_has_exactly_two_ports(count: int) -> None:
    """EX-03"""
    with pytest.raises(ValidationError):
        CoreLinkBlockProvisioning(
            **common("CoreLink"), ports=[core_port("e", "n") for _ in range(count)], under_maintenance=False
        )


@pytest.mark.parametrize(("count", "fits"), [(1, False), (2, True), (8, True), (9, False)])
def test_circuit_has_two_to_eight_saps(count: int, fits: bool) -> None:
    """EX-03"""
    if fits:
        assert len(circuit(*["n"] * count).saps) == count
        return
    with pytest.raises(ValidationError):
        circuit(*["n"] * count)


@pytest.mark.parametrize(
    ("saps", "complaint"),
    [
        (["10", "10"], None),
        (["10", "10", "10"], "joins 2 service attachment points, not 3"),
        (["10", "10-11"], "carries one VLAN at each end, not 10-11"),
    ],
)
def test_point_to_point_circuit_joins_one_vlan_of_two_ports(saps: list[str], complaint: str | None) -> None:
    """EX-03"""
    block = circuit("a", "b")
    block.saps = [sap(vlan) for vlan in saps]

    def build() -> Nsip2pProvisioning:
        return subscription(Nsip2pProvisioning, "nsip2p", "NSIP2P", virtual_circuit=block)

    if complaint is None:
        assert len(build().virtual_circuit.saps) == 2
        return
    with pytest.raises(ValidationError, match=complaint):
        build()


def test_point_to_point_circuit_in_the_making_has_no_vlans_yet() -> None:
    """EX-03"""
    empty = Nsip2pInactive(
        product=product("nsip2p", "NSIP2P"),
        customer_id="surf",
        virtual_circuit=VirtualCircuitBlockInactive.new(OWNER),
    )
    assert [each.vlan for each in empty.virtual_circuit.saps] == [None, None]


def test_termination_point_reserves_the_vlans_of_its_sap() -> None:
    point = subscription(NsistpProvisioning, "nsistp", "NSISTP", nsistp=stp("5,7-9"))
    assert point.vlan_range == VlanRanges("5,7-9")
    assert "vlan_range" not in point.model_dump()
    assert {name for name, field in NsistpBlock.model_fields.items() if not field.is_required()} >= NSISTP_OPTIONAL
    assert issubclass(Nsistp, NsistpInactive)


def test_titles() -> None:
    """EX-04"""
    link = CoreLinkBlockProvisioning(
        **common("CoreLink"), ports=[core_port("e1", "ams-pe"), core_port("e2", "par-p")], under_maintenance=False
    )
    assert node().title == "node ams-pe status active"
    assert port().title == "port ethernet-1/1 on ams-pe"
    assert core_port("e1", "ams-pe").title == "core port e1 on ams-pe"
    assert link.title == "core link between ams-pe and par-p"
    assert sap().title == "VLAN 10,20-21 on port ethernet-1/1 of ams-pe"
    assert circuit("ams-pe", "par-p", "lon-pe").title == "1000 Mbit/s circuit between ams-pe and par-p"
    assert stp().title == "NSISTP ams-1 on VLAN 10-20 on port ethernet-1/1 of ams-pe"
    assert "title" in node().model_dump()
    assert "title" not in NodeBlockInactive.new(OWNER).model_dump()


def test_port_that_nobody_uses_has_no_vlans() -> None:
    """EX-04"""
    assert port().vlans == []
    assert port().vlan_group_ims_ids == []


def test_descriptions() -> None:
    """EX-04"""
    a, b = core_port("e1", "ams-pe"), core_port("e2", "par-p")

    def link(maintenance: bool) -> CoreLinkProvisioning:
        block = CoreLinkBlockProvisioning(**common("CoreLink"), ports=[a, b], under_maintenance=maintenance)
        return subscription(CoreLinkProvisioning, "core link 10G", "CORE_LINK", speed=10000, core_link=block)

    def l2vpn(policer: bool) -> L2vpnProvisioning:
        block = circuit("par-p", "ams-pe", "par-p", policer=policer)
        return subscription(L2vpnProvisioning, "l2vpn", "L2VPN", virtual_circuit=block)

    def nsip2p(policer: bool) -> Nsip2pProvisioning:
        block = circuit("par-p", "ams-pe", policer=policer)
        for each in block.saps:
            each.vlan = VlanRanges(10)
        return subscription(Nsip2pProvisioning, "nsip2p", "NSIP2P", virtual_circuit=block)

    of_node = subscription(NodeProvisioning, "node Nokia", "NODE", node_type=NodeType.Nokia, node=node())
    of_port = subscription(PortProvisioning, "port 10G", "PORT", speed=PortSpeed._10000, port=port())
    assert description(of_node) == "node ams-pe (active)"
    assert description(of_port) == "port 10G ams-pe ethernet-1/1 to the campus"
    assert description(a) == "CorePort ams-pe e1"
    assert description(link(False)) == "core link 10G ams-pe e1 <-> e2 par-p"
    assert description(link(True)) == "core link 10G ams-pe e1 <-> e2 par-p (maintenance)"
    assert description(l2vpn(False)) == "L2VPN 1000 Mbit/s (ams-pe-par-p)"
    assert description(l2vpn(True)) == "L2VPN 1000 Mbit/s (ams-pe-par-p) (policer active)"
    point = subscription(NsistpProvisioning, "nsistp", "NSISTP", nsistp=stp())
    assert description(point) == "NSISTP ams-1 topology production ams-pe 10000 Mbit/s"
    assert description(nsip2p(False)) == "NSIP2P 1000 Mbit/s(ams-pe-par-p)"
    assert description(nsip2p(True)) == "NSIP2P 1000 Mbit/s(ams-pe-par-p) (policer active)"


def test_description_of_another_type_names_the_known_ones() -> None:
    """EX-04"""
    initial = NodeInactive(
        product=product("node Nokia", "NODE"),
        customer_id="surf",
        node_type=NodeType.Nokia,
        node=NodeBlockInactive.new(OWNER),
    )
    with pytest.raises(TypeError, match=r"NodeInactive; there are rules for CoreLinkProvisioning, .*PortProvisioning"):
        description(initial)
