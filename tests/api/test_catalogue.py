"""GET and PATCH of products, product blocks, resource types and workflows by id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.db.models import Model
from rest_framework.test import APIClient

from products.api.schemas import ProductBlockSchema, ResourceTypeSchema, WorkflowSchema
from products.models import Product, ProductBlock, ResourceType, Workflow
from tests.api.rows import make_product, make_subscription, make_workflow

pytestmark = pytest.mark.django_db


@dataclass
class Item:
    """One row of the catalogue: its path without the id, the row and the shape it is shown in."""

    path: str
    row: Model
    schema: Any = None

    @property
    def url(self) -> str:
        return f"{self.path}{self.row.pk}"

    def description(self) -> str:
        self.row.refresh_from_db()
        return str(self.row.description)  # type: ignore[attr-defined]


@pytest.fixture(params=["product_blocks", "resource_types", "workflows"])
def item(request: pytest.FixtureRequest, db: None) -> Item:
    block = ProductBlock.objects.create(name="Test block", description="Old")
    resource_type = ResourceType.objects.create(resource_type="test_speed", description="Old")
    block.resource_types.add(resource_type)
    rows = {
        "product_blocks": (block, ProductBlockSchema),
        "resource_types": (resource_type, ResourceTypeSchema),
        "workflows": (make_workflow("test_flow", description="Old"), WorkflowSchema),
    }
    return Item(f"/api/{request.param}/", *rows[request.param])


def test_one_is_shown_in_the_recorded_shape(api: APIClient, item: Item) -> None:
    """Conformance 120."""
    shown = api.get(item.url).json()
    assert shown.keys() == item.schema.model_fields.keys()
    item.schema.model_validate(shown)
    assert shown["description"] == "Old"
    if item.schema is ProductBlockSchema:
        assert [one["resource_type"] for one in shown["resource_types"]] == ["test_speed"]


def test_its_description_is_changed_with_201_and_nothing_else(staff_api: APIClient, item: Item) -> None:
    """Conformance 120."""
    before = staff_api.get(item.url).json()
    response = staff_api.patch(item.url, {"description": "New", "name": "x", "status": "x"}, format="json")
    assert (response.status_code, response.json()) == (201, {**before, "description": "New"})
    assert staff_api.get(item.url).json() == response.json()
    for body in ({}, {"description": None}):
        assert staff_api.patch(item.url, body, format="json").status_code == 201
    assert item.description() == "New"


def test_an_unknown_one_is_404(staff_api: APIClient, item: Item) -> None:
    """Conformance 120."""
    url = f"{item.path}{uuid4()}"
    for response in (
        staff_api.get(url),
        staff_api.patch(url, {}, format="json"),
        staff_api.patch(url, {"description": "x"}, format="json"),
    ):
        assert response.status_code == 404
        assert response.json()["detail"].endswith("not found")
    assert staff_api.get(f"{item.path}wrong").status_code == 422


@pytest.mark.parametrize(("description", "status"), [("x" * 2001, 422), (5, 422), ("", 400), ("  ", 400)])
def test_a_description_that_does_not_do_is_named(
    staff_api: APIClient, item: Item, description: object, status: int
) -> None:
    response = staff_api.patch(item.url, {"description": description}, format="json")
    assert response.status_code == status
    assert "description" in response.content.decode()
    assert item.description() == "Old"


def test_whoever_may_not_change_it_in_the_administration_may_not_here(
    api: APIClient, alice: User, open_api: APIClient, settings: Any, item: Item
) -> None:
    assert open_api.patch(item.url, {"description": "Open"}, format="json").status_code == 201
    settings.OAUTH2_ACTIVE = True
    needed = f"change_{item.row._meta.model_name}"
    refused = api.patch(item.url, {"description": "New"}, format="json")
    assert refused.status_code == 403
    assert f"products.{needed}" in refused.json()["detail"]
    assert item.description() == "Open"
    alice.user_permissions.add(Permission.objects.get(codename=needed))
    assert api.patch(item.url, {"description": "New"}, format="json").status_code == 201


def test_a_workflow_has_the_steps_of_its_code_or_none(api: APIClient, flows: None) -> None:
    known = Workflow.objects.get(name="flow_ask")
    shown = api.get(f"/api/workflows/{known.pk}").json()
    assert shown["steps"] == [{"name": name} for name in ("Start", "Ask", "Work", "Done")]
    assert api.get(f"/api/workflows/{make_workflow('gone').pk}").json()["steps"] is None


class TestProduct:
    @pytest.fixture
    def product(self) -> Product:
        return make_product("Test port", description="Old")

    @staticmethod
    def patch(client: APIClient, product: Product, **change: Any) -> Any:
        return client.patch(f"/api/products/{product.pk}", change, format="json")

    def test_description_and_status_alone_and_together(self, staff_api: APIClient, product: Product) -> None:
        """Conformance 119."""
        for change in (
            {"description": "New"},
            {},
            {"status": "phase out"},
            {"description": "Newer", "status": "pre production"},
        ):
            before = staff_api.get(f"/api/products/{product.pk}").json()
            response = self.patch(staff_api, product, **change)
            assert (response.status_code, response.json()) == (201, {**before, **change})
        assert staff_api.get(f"/api/products/{product.pk}").json()["description"] == "Newer"

    def test_it_ends_when_none_of_its_subscriptions_lives(self, staff_api: APIClient, product: Product) -> None:
        """Conformance 119."""
        subscription = make_subscription(product)
        refused = self.patch(staff_api, product, status="end of life", description="New")
        assert (refused.status_code, refused.json()["field"]) == (400, "status")
        assert "not in terminated state" in refused.json()["detail"]
        product.refresh_from_db()
        assert (product.status, product.description) == ("active", "Old")
        type(subscription).objects.update(status="terminated")
        ended = self.patch(staff_api, product, status="end of life")
        assert (ended.status_code, ended.json()["status"]) == (201, "end of life")
        assert isinstance(ended.json()["end_date"], float)

    def test_a_status_that_there_is_not_is_422_and_an_unknown_product_404(
        self, staff_api: APIClient, product: Product
    ) -> None:
        """Conformance 119."""
        response = self.patch(staff_api, product, status="broken")
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"] == ["body", "status"]
        unknown = staff_api.patch(f"/api/products/{uuid4()}", {"description": "x"}, format="json")
        assert unknown.status_code == 404

    def test_whoever_may_not_change_it_in_the_administration_may_not_here(
        self, api: APIClient, product: Product
    ) -> None:
        assert self.patch(api, product, description="New").status_code == 403
        product.refresh_from_db()
        assert product.description == "Old"
