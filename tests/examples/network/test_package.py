"""What a product package brings beside products: catalogue rows, workflows, texts, customers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from products import registry
from products.models import FixedInput, Product, ProductBlock, ProductBlockRelation, Workflow
from wfo_site.examples import network
from wfo_site.examples.network.models import Customer
from wfo_site.examples.network.wfo_seed import seed

pytestmark = pytest.mark.django_db

BLOCKS = {
    "Node": set[str](),
    "Port": {"Node"},
    "CorePort": {"Node"},
    "CoreLink": {"CorePort"},
    "SAP": {"Port"},
    "VirtualCircuit": {"SAP"},
    "Nsistp": {"SAP"},
}
TAGS = {
    "Node": "NODE",
    "Port": "PORT",
    "CorePort": "CORE_PORT",
    "CoreLink": "CORE_LINK",
    "SAP": "SAP",
    "VirtualCircuit": "VC",
    "Nsistp": "NSISTP",
}
BOUNDS = {
    ("Port", "Node"): (1, 1),
    ("CorePort", "Node"): (1, 1),
    ("CoreLink", "CorePort"): (2, 2),
    ("SAP", "Port"): (1, 1),
    ("VirtualCircuit", "SAP"): (2, 8),
    ("Nsistp", "SAP"): (1, 1),
}
RESOURCE_TYPES = {
    "Node": "role_id type_id site_id node_status node_name node_description ims_id nrm_id ipv4_ipam_id ipv6_ipam_id",
    "Port": "port_name port_type port_description port_mode auto_negotiation lldp enabled ims_id nrm_id",
    "CorePort": "port_name enabled ims_id nrm_id ipv6_ipam_id",
    "CoreLink": "ims_id ipv6_prefix_ipam_id nrm_id under_maintenance",
    "SAP": "vlan ims_id",
    "VirtualCircuit": "speed speed_policer ims_id nrm_id",
    "Nsistp": "topology stp_id stp_description is_alias_in is_alias_out expose_in_topology bandwidth",
}
WORKFLOWS = {
    "create_node": ("CREATE", False, "Create node", {"node Cisco", "node Nokia", "node Cumulus", "node FRR"}),
    "create_port": ("CREATE", False, "Create port", {"port 10G", "port 100G"}),
    "create_core_link": ("CREATE", False, "Create core link", {"core link 10G", "core link 100G"}),
    "create_l2vpn": ("CREATE", False, "Create l2vpn", {"l2vpn"}),
    "create_nsistp": ("CREATE", False, "Create nsistp", {"nsistp"}),
    "create_nsip2p": ("CREATE", False, "Create nsip2p", {"nsip2p"}),
    "task_bootstrap_netbox": ("SYSTEM", True, "Netbox Bootstrap", set[str]()),
    "task_check_nodes": ("SYSTEM", True, "Check nodes against the inventory", set[str]()),
    "task_showcase": ("SYSTEM", True, "Component Showcase", set[str]()),
}


def translations() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((Path(network.__file__).parent / "translations" / "en-GB.json").read_text())
    return loaded


def test_blocks_stand_in_the_catalogue_with_their_relations() -> None:
    """EX-01"""
    found = {
        block.name: {each.name for each in block.depends_on.all()}
        for block in ProductBlock.objects.filter(name__in=BLOCKS)
    }
    assert found == BLOCKS
    assert dict(ProductBlock.objects.filter(name__in=BLOCKS).values_list("name", "tag")) == TAGS
    relations = ProductBlockRelation.objects.filter(in_use_by__name__in=BLOCKS)
    bounds = {
        (holder, held): (least, most)
        for holder, held, least, most in relations.values_list("in_use_by__name", "depends_on__name", "min", "max")
    }
    assert bounds == BOUNDS


@pytest.mark.parametrize("name", RESOURCE_TYPES)
def test_block_has_its_resource_types_each_with_a_description(name: str) -> None:
    """EX-01"""
    found = dict(ProductBlock.objects.get(name=name).resource_types.values_list("resource_type", "description"))
    assert set(found) == set(RESOURCE_TYPES[name].split())
    assert all(found.values())


def test_products_stand_in_the_catalogue_with_block_and_fixed_input() -> None:
    """EX-01"""
    port = Product.objects.get(name="port 100G")
    assert (port.product_type, port.tag, port.status) == ("Port", "PORT", "active")
    assert [block.name for block in port.product_blocks.all()] == ["Port"]
    assert FixedInput.objects.get(product=port).value == "100000"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflow_stands_in_the_catalogue_for_its_products(name: str) -> None:
    """EX-05"""
    row = Workflow.objects.get(name=name)
    products = set(row.products.values_list("name", flat=True))
    assert (row.target, row.is_task, row.description, products) == WORKFLOWS[name]


def test_every_workflow_of_the_package_has_a_text() -> None:
    own = {spec.name for spec in registry.workflows().values() if "/examples/network/" in spec.source.file}
    assert own == set(WORKFLOWS)
    assert own <= set(translations()["workflow"])


def test_help_texts_belong_to_fields() -> None:
    fields = translations()["forms"]["fields"]
    assert all(name.removesuffix("_info") in fields for name in fields)
    assert all(text.strip() for text in fields.values())


def test_seed_brings_three_customers_and_leaves_changes_alone() -> None:
    seed()
    Customer.objects.filter(shortcode="surf").update(fullname="SURF bv")
    seed()
    assert list(Customer.objects.values_list("fullname", flat=True)) == ["ESnet", "GÉANT", "SURF bv"]
