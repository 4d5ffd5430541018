"""Comparing classes with the catalogue."""

from __future__ import annotations

from types import SimpleNamespace
from uuid import uuid4

import pytest

from products.models import FixedInput, Product, ProductBlock, ProductBlockRelation, ResourceType


def test_equal_is_empty(shop: SimpleNamespace) -> None:
    """Conformance 140."""
    assert shop.Circuit.diff_product_in_database(shop.products["circuit"]) == {}
    assert shop.Host.diff_product_in_database(str(shop.products["host big"])) == {}


def test_all_that_is_missing_is_named(shop: SimpleNamespace) -> None:
    """Conformance 140."""
    leg, host = ProductBlock.objects.get(name="Leg"), ProductBlock.objects.get(name="Host")
    ProductBlockRelation.objects.filter(in_use_by=leg).delete()
    ProductBlockRelation.objects.create(in_use_by=host, depends_on=leg)
    leg.resource_types.remove(ResourceType.objects.get(resource_type="vlan"))
    leg.resource_types.add(ResourceType.objects.create(resource_type="extra"))
    circuit = Product.objects.get(name="circuit")
    circuit.product_blocks.set([host])
    FixedInput.objects.create(product=circuit, name="colour", value="red")
    assert shop.Circuit.diff_product_in_database(circuit.pk) == {
        "circuit": {
            "missing_product_blocks_in_db": ["Circuit"],
            "missing_product_blocks_in_model": ["Host"],
            "missing_fixed_inputs_in_model": ["colour"],
            "missing_in_depends_on_blocks": {
                "Leg": {
                    "missing_product_blocks_in_db": ["Host"],
                    "missing_resource_types_in_db": ["vlan"],
                    "missing_resource_types_in_model": ["extra"],
                },
                "Host": {"missing_product_blocks_in_model": ["Leg"]},
            },
        }
    }


def test_unknown_product_is_named(shop: SimpleNamespace) -> None:
    with pytest.raises(KeyError, match="Could not find a product"):
        shop.Circuit.diff_product_in_database(uuid4())
