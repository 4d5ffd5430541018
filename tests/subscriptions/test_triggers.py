"""`version` rises on every UPDATE, whoever makes it, also after Django rebuilt the table."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.db import connection, models

from subscriptions.domain import SubscriptionModel
from subscriptions.models import Subscription, SubscriptionCustomerDescription
from subscriptions.services import delete_customer_description, put_customer_description, set_metadata
from subscriptions.triggers import install
from tests.subscriptions.conftest import make_host, stock
from wfo_site.common.errors import StaleData


def version(model: SubscriptionModel) -> int:
    return Subscription.objects.values_list("version", flat=True).get(pk=model.subscription_id)


def test_every_update_raises_the_version(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    assert version(host) == 1
    Subscription.objects.update(note="by queryset")
    assert version(host) == 2
    row = Subscription.objects.get(pk=host.subscription_id)
    row.note = "by object"
    row.save()
    assert version(host) == 3
    host.description = "by model"
    host.save()
    assert version(host) == 4
    with connection.cursor() as cursor:
        cursor.execute("UPDATE subscriptions_subscription SET note = 'by hand', version = 77")
    assert version(host) == 5


def test_a_version_set_on_the_model_is_not_written(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    host.version = 77
    host.save()
    assert version(host) == 1
    host.description = "renamed"
    host.save()
    assert version(host) == 2


def test_installing_again_changes_nothing(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    install()
    install()
    Subscription.objects.update(note="once")
    assert version(host) == 2


def test_saving_the_blocks_only_leaves_the_version(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    host.host.host_name = "bravo"
    host.save()
    assert version(host) == 1


@pytest.mark.django_db(transaction=True)
def test_trigger_is_back_after_a_field_was_altered(classes: SimpleNamespace) -> None:
    """SQLite rebuilds the table for it, and drops what hangs on it."""
    host = make_host(stock(classes))
    old = Subscription._meta.get_field("note")
    new = models.CharField(max_length=4000, null=True, blank=True)
    new.set_attributes_from_name("note")
    new.model = Subscription
    with connection.schema_editor() as editor:
        editor.alter_field(Subscription, old, new)
    try:
        from django.core.management.sql import emit_post_migrate_signal

        emit_post_migrate_signal(0, False, "default")
        Subscription.objects.update(note="after")
        assert version(host) == 2
    finally:
        with connection.schema_editor() as editor:
            editor.alter_field(Subscription, new, old)
        install()


def test_customer_description_has_a_version_of_its_own(shop: SimpleNamespace) -> None:
    """Conformance 121."""
    subscription_id = make_host(shop).subscription_id
    row = put_customer_description(subscription_id=subscription_id, customer_id="c", description="ours")
    assert row.version == 1
    row = put_customer_description(subscription_id=subscription_id, customer_id="c", description="mine", version=1)
    assert (row.description, row.version) == ("mine", 2)
    for wrong in (1, 3):
        with pytest.raises(StaleData, match=rf"given version \({wrong}\) does not match the current version \(2\)"):
            put_customer_description(subscription_id=subscription_id, customer_id="c", description="x", version=wrong)
    assert delete_customer_description(row.pk)
    assert not delete_customer_description(row.pk)
    assert SubscriptionCustomerDescription.objects.count() == 0


def test_metadata_is_replaced(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    set_metadata(subscription_id=host.subscription_id, metadata={"a": 1})
    set_metadata(subscription_id=host.subscription_id, metadata={"b": [2]})
    assert Subscription.objects.get(pk=host.subscription_id).metadata_row.metadata == {"b": [2]}
