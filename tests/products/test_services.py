"""What people may change in the catalogue."""

from __future__ import annotations

from uuid import uuid4

import pytest

from products import ProductLifecycle
from products.models import Product, ProductBlock
from products.services import InvalidDescription, ProductInUse, edit_description, edit_product
from subscriptions.models import Subscription
from wfo_site.common.errors import NotFound

pytestmark = pytest.mark.django_db


@pytest.fixture
def product() -> Product:
    return Product.objects.create(name="test port", description="A port", product_type="Port", tag="PORT")


def test_only_what_is_given_changes(product: Product) -> None:
    edited = edit_product(product_id=product.pk, description=" Better ")
    assert (edited.description, edited.status) == ("Better", "active")
    edited = edit_product(product_id=product.pk, status=ProductLifecycle.PHASE_OUT)
    product.refresh_from_db()
    assert (product.description, product.status, product.end_date) == ("Better", "phase out", None)


def test_a_product_ends_only_when_no_subscription_of_it_lives(product: Product) -> None:
    """Conformance 119."""
    subscription = Subscription.objects.create(product=product, customer_id="c", description="s", status="active")
    with pytest.raises(ProductInUse, match="not in terminated state"):
        edit_product(product_id=product.pk, status=ProductLifecycle.END_OF_LIFE)
    Subscription.objects.filter(pk=subscription.pk).update(status="terminated")
    assert edit_product(product_id=product.pk, status=ProductLifecycle.END_OF_LIFE).end_date is not None
    assert edit_product(product_id=product.pk, status=ProductLifecycle.ACTIVE).end_date is None


@pytest.mark.parametrize("text", ["", "  ", "x" * 2001])
def test_a_description_must_say_something_and_fit(product: Product, text: str) -> None:
    with pytest.raises(InvalidDescription):
        edit_product(product_id=product.pk, description=text)


def test_blocks_resource_types_and_workflows_have_descriptions_to_edit() -> None:
    block = ProductBlock.objects.create(name="TestBlock", description="Old")
    edit_description(ProductBlock, block.pk, "New")
    block.refresh_from_db()
    assert block.description == "New"
    with pytest.raises(NotFound):
        edit_description(ProductBlock, uuid4(), "New")


def test_an_unknown_product_is_not_found() -> None:
    with pytest.raises(NotFound):
        edit_product(product_id=uuid4(), description="x")
