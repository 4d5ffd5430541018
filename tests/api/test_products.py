"""GET /api/products/ and /api/products/{id}."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from products.api.schemas import ProductSchema
from products.models import FixedInput, Product, ProductBlock, ResourceType
from tests.api.rows import START, make_product, make_workflow

pytestmark = pytest.mark.django_db
URL = "/api/products/"


@pytest.fixture(autouse=True)
def no_other_products(db: None) -> None:
    """Those of the product packages that are installed are not this test's business."""
    Product.objects.all().delete()


def full_product(name: str, **values: str) -> Product:
    product = make_product(name, **values)
    block = ProductBlock.objects.create(name=f"{name} block", description="A block")
    block.resource_types.add(ResourceType.objects.create(resource_type=f"{name} speed"))
    product.product_blocks.add(block)
    FixedInput.objects.create(product=product, name="speed", value="1000")
    product.workflows.add(make_workflow("kept"), make_workflow("removed", deleted_at=START))
    return product


def names(response) -> list[str]:
    assert response.status_code == 200
    return [product["name"] for product in response.json()]


def test_one_product_in_the_recorded_shape(api: APIClient) -> None:
    product = full_product("Port")
    shown = api.get(f"{URL}{product.pk}").json()
    assert shown.keys() == ProductSchema.model_fields.keys()
    ProductSchema.model_validate(shown)
    assert shown["created_at"] == product.created_at.timestamp()
    assert shown["product_blocks"][0]["resource_types"][0]["resource_type"] == "Port speed"
    assert shown["fixed_inputs"][0]["value"] == "1000"
    assert [workflow["name"] for workflow in shown["workflows"]] == ["kept"]
    assert api.get(URL).json() == [shown]


def test_an_unknown_one_is_404(api: APIClient) -> None:
    wanted = uuid4()
    response = api.get(f"{URL}{wanted}")
    assert response.json() == {
        "detail": f"Product with product_id {wanted} not found",
        "status": 404,
        "title": "Not Found",
    }


def test_tag_and_type_narrow_the_list_together(api: APIClient) -> None:
    """Conformance 118."""
    for name, tag, kind in (("a", "PORT", "Port"), ("b", "PORT", "Node"), ("c", "NODE", "Node")):
        make_product(name, tag=tag, product_type=kind)
    assert names(api.get(URL)) == ["a", "b", "c"]
    assert names(api.get(URL, {"tag": "PORT"})) == ["a", "b"]
    assert names(api.get(URL, {"tag": "PORT", "product_type": "Node"})) == ["b"]
    assert names(api.get(URL, {"tag": "unknown"})) == []


def test_the_number_of_statements_does_not_grow_with_the_products(api: APIClient) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get(URL).status_code == 200
        return len(captured)

    full_product("one")
    before = statements()
    full_product("two"), full_product("three")
    assert statements() == before
