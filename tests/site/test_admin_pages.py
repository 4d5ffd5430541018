"""Every list and page of the admin opens, costs the same however many rows there are, and changes only what it may."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from products.models import FixedInput, Product, ProductBlock, ProductBlockRelation, ResourceType, Workflow
from products.sync import catalogue_drift, sync_catalogue
from subscriptions.models import (
    Subscription,
    SubscriptionCustomerDescription,
    SubscriptionInstance,
    SubscriptionInstanceRelation,
)
from tests.site.conftest import make_everything
from workflows.models import EngineSettings, Process, Wait

pytestmark = pytest.mark.django_db

APPS = {"products", "subscriptions", "workflows"}
TABLES = sorted(
    (table for table in admin.site._registry if table._meta.app_label in APPS), key=lambda table: table.__name__
)


def address(table: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{table._meta.app_label}_{table._meta.model_name}_{page}", args=args)


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        response = client.get(path)
    assert response.status_code == 200, path
    return len(captured)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_a_list_costs_the_same_for_one_row_and_for_many(as_alice: Client, table: type[Model]) -> None:
    make_everything()
    sync_catalogue()
    path = address(table, "changelist")
    queries(as_alice, path)
    few = queries(as_alice, path)
    for _ in range(4):
        make_everything()
    assert queries(as_alice, path) == few
    assert few <= 30


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_a_list_can_be_searched(as_alice: Client, table: type[Model]) -> None:
    make_everything()
    assert as_alice.get(address(table, "changelist"), {"q": "port"}).status_code == 200


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_a_page_shows_a_row_and_nothing_can_be_added(as_alice: Client, table: type[Model]) -> None:
    rows = make_everything()
    row = rows.get(table) or EngineSettings.objects.get_or_create(pk=1)[0]
    path = address(table, "change", row.pk)
    queries(as_alice, path)
    before = queries(as_alice, path)
    for _ in range(3):
        make_everything()
    assert queries(as_alice, path) == before
    assert as_alice.get(address(table, "add")).status_code == 403


@pytest.mark.parametrize("table", [Product, ProductBlock, Subscription, SubscriptionInstance], ids=lambda t: t.__name__)
def test_a_page_costs_the_same_however_much_hangs_on_it(as_alice: Client, table: type[Model]) -> None:
    rows = make_everything()
    path = address(table, "change", rows[table].pk)
    queries(as_alice, path)
    before = queries(as_alice, path)
    block, instance, subscription = rows[ProductBlock], rows[SubscriptionInstance], rows[Subscription]
    for number in range(4):
        held = ProductBlock.objects.create(name=f"More {number}", description="x", tag="MORE")
        ProductBlockRelation.objects.create(in_use_by=block, depends_on=held)
        block.resource_types.add(ResourceType.objects.create(resource_type=f"more {number}"))
        rows[Product].product_blocks.add(held)
        rows[Product].workflows.add(Workflow.objects.create(name=f"more_{number}", target="MODIFY", description="More"))
        FixedInput.objects.create(product=rows[Product], name=f"more {number}", value="1")
        below = SubscriptionInstance.objects.create(subscription=subscription, product_block=held)
        SubscriptionInstanceRelation.objects.create(in_use_by=instance, depends_on=below)
        SubscriptionInstanceRelation.objects.create(in_use_by=below, depends_on=instance)
        SubscriptionCustomerDescription.objects.create(
            subscription=subscription, customer_id=f"c{number}", description="More"
        )
    assert queries(as_alice, path) == before


def test_links_between_pages_lead_somewhere(as_alice: Client) -> None:
    rows = make_everything()
    process, subscription, workflow = rows[Process], rows[Subscription], rows[Workflow]
    for path in [
        f"{address(Process, 'changelist')}?subscriptions__subscription_id__exact={subscription.pk}",
        f"{address(Process, 'changelist')}?workflow__workflow_id__exact={workflow.pk}",
        f"{address(Process, 'changelist')}?process_id__exact={process.pk}",
    ]:
        page = as_alice.get(path)
        assert page.status_code == 200, path
        assert str(process.pk) in page.content.decode()
    product_list = as_alice.get(address(Product, "changelist")).content.decode()
    assert f"product__product_id__exact={rows[Product].pk}" in product_list
    assert (
        as_alice.get(f"{address(Subscription, 'changelist')}?product__product_id__exact={rows[Product].pk}")
        .content.decode()
        .count(subscription.description)
    )


def test_branches_are_not_listed_but_have_a_page(as_alice: Client) -> None:
    process = make_everything()[Process]
    branch = Process.every.get(parent=process)
    assert str(branch.pk) not in as_alice.get(address(Process, "changelist")).content.decode()
    page = as_alice.get(address(Process, "change", process.pk)).content.decode()
    assert address(Process, "change", branch.pk) in page
    assert as_alice.get(address(Process, "change", branch.pk)).status_code == 200


def test_values_are_shown_as_text_and_tokens_are_not_shown(as_alice: Client) -> None:
    rows = make_everything()
    page = as_alice.get(address(Subscription, "change", rows[Subscription].pk)).content.decode()
    assert "&lt;b&gt;eth0" in page
    assert "<b>eth0" not in page
    assert "S3cretNonce" not in as_alice.get(address(Wait, "change", rows[Wait].pk)).content.decode()


def test_a_description_can_be_changed_and_nothing_else(as_alice: Client) -> None:
    product = make_everything()[Product]
    form: dict[str, Any] = {"description": "Better", "status": "phase out", "name": "Other", "tag": "OTHER"}
    form |= {"fixed_inputs-TOTAL_FORMS": 0, "fixed_inputs-INITIAL_FORMS": 0}
    assert as_alice.post(address(Product, "change", product.pk), form).status_code == 302
    changed = Product.objects.get(pk=product.pk)
    assert (changed.description, changed.status) == ("Better", "phase out")
    assert (changed.name, changed.tag) == (product.name, product.tag)


def test_a_product_with_subscriptions_cannot_be_ended(as_alice: Client) -> None:
    product = make_everything()[Product]
    form = {"description": "A port", "status": "end of life"}
    page = as_alice.post(address(Product, "change", product.pk), form)
    assert "not in terminated state" in page.content.decode()
    assert Product.objects.get(pk=product.pk).status == "active"


@pytest.mark.parametrize("table", [Process, Subscription, Wait, EngineSettings], ids=lambda table: table.__name__)
def test_what_the_engine_owns_refuses_changes_and_deletion(as_alice: Client, table: type[Model]) -> None:
    rows = make_everything()
    row = rows.get(table) or EngineSettings.objects.get_or_create(pk=1)[0]
    assert as_alice.post(address(table, "change", row.pk), {"note": "x"}).status_code == 403
    assert as_alice.post(address(table, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_only_products_that_no_package_knows_can_be_deleted(as_alice: Client) -> None:
    rows = make_everything()
    left = Product.objects.create(name="left over", description="", product_type="X", tag="X")
    assert as_alice.post(address(Product, "delete", left.pk), {"post": "yes"}).status_code == 302
    assert not Product.objects.filter(pk=left.pk).exists()
    # Subscriptions protect theirs.
    as_alice.post(address(Product, "delete", rows[Product].pk), {"post": "yes"})
    assert Product.objects.filter(pk=rows[Product].pk).exists()


def test_drift_is_shown_and_can_be_repaired_from_the_list(as_alice: Client) -> None:
    sync_catalogue()
    gone = Workflow.objects.create(name="no_such_workflow", target="SYSTEM", description="x")
    page = as_alice.get(address(Product, "changelist")).content.decode()
    assert "Workflow &#x27;no_such_workflow&#x27; is no longer in code" in page
    path = reverse("admin:products_product_sync")
    assert as_alice.get(path).status_code == 405
    assert as_alice.post(path).status_code == 302
    gone.refresh_from_db()
    assert gone.deleted_at is not None
    assert [difference for difference in catalogue_drift() if difference.repairable] == []


def test_who_may_only_look_cannot_sync(bob: User, client: Client) -> None:
    bob.is_staff = True
    bob.save()
    bob.user_permissions.add(Permission.objects.get(codename="view_product"))
    Workflow.objects.create(name="no_such_workflow", target="SYSTEM", description="x")
    client.force_login(bob)
    page = client.get(address(Product, "changelist"))
    assert page.status_code == 200
    assert "Make the tables follow code" not in page.content.decode()
    assert client.post(reverse("admin:products_product_sync")).status_code == 403
