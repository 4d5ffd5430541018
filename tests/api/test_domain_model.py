"""GET /api/subscriptions/domain-model/{id}: blocks nested, users named, unchanged answers not sent again."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from products import ProductSpec, register
from products.models import Product
from products.sync import sync_catalogue
from subscriptions.api.schemas import SubscriptionDomainModelSchema
from subscriptions.domain import ProductBlockModel, SubscriptionModel, isolated
from subscriptions.models import Subscription, SubscriptionCustomerDescription
from workflows.testing import run_until_idle

pytestmark = pytest.mark.django_db


@pytest.fixture
def network(db: None) -> Iterator[SimpleNamespace]:
    """Lamps, each with a bulb, and cables that hold the lamps of others."""

    class BulbBlock(ProductBlockModel, product_block_name="Bulb"):
        watts: int = 5

    class LampBlock(ProductBlockModel, product_block_name="Lamp"):
        address: IPv4Address | None = None
        colours: list[str] = []
        bulb: BulbBlock

    class CableBlock(ProductBlockModel, product_block_name="Cable"):
        ends: list[LampBlock]
        spare: LampBlock | None = None

    class Lamp(SubscriptionModel, is_base=True):
        voltage: int
        lamp: LampBlock

    class Cable(SubscriptionModel, is_base=True):
        cable: CableBlock

    with isolated():
        register(ProductSpec("lamp", Lamp, tag="LAMP", description="A lamp", fixed_inputs={"voltage": 230}))
        register(ProductSpec("cable", Cable, tag="CABLE", description="A cable"))
        sync_catalogue()
        ids = dict(Product.objects.values_list("name", "product_id"))
        lamps = [Lamp.from_product_id(ids["lamp"], "customer-1") for _ in range(2)]
        for lamp in lamps:
            lamp.lamp.address = IPv4Address("192.0.2.1")
            lamp.lamp.colours = ["red", "blue"]
            lamp.save()
        cable = Cable.from_product_id(ids["cable"], "customer-2")
        cable.cable.ends = [lamp.lamp for lamp in lamps]
        cable.save()
        yield SimpleNamespace(lamps=lamps, cable=cable)


def url(model: SubscriptionModel) -> str:
    return f"/api/subscriptions/domain-model/{model.subscription_id}"


def test_values_fixed_inputs_and_blocks_of_others_are_nested(api: APIClient, network: SimpleNamespace) -> None:
    """Conformance 116."""
    lamp = network.lamps[0]
    shown = api.get(url(lamp)).json()
    assert shown["voltage"] == 230
    assert shown["lamp"]["address"] == "192.0.2.1"
    assert shown["lamp"]["colours"] == ["red", "blue"]
    assert shown["lamp"]["bulb"]["watts"] == 5
    assert shown["lamp"]["owner_subscription_id"] == str(lamp.subscription_id)
    assert shown.keys() >= SubscriptionDomainModelSchema.model_fields.keys()
    assert shown["product"]["name"] == "lamp"
    assert isinstance(shown["product"]["created_at"], float)
    assert (shown["customer_id"], shown["tag"], shown["customer_descriptions"]) == ("customer-1", "LAMP", [])
    cable = api.get(url(network.cable)).json()
    assert [end["bulb"]["name"] for end in cable["cable"]["ends"]] == ["Bulb", "Bulb"]
    assert cable["cable"]["spare"] is None


def test_users_of_the_same_owner_are_named_only_on_demand(api: APIClient, network: SimpleNamespace) -> None:
    """Conformance 116."""
    cable_block = str(network.cable.cable.subscription_instance_id)
    user = {"subscription_instance_id": cable_block, "subscription_id": str(network.cable.subscription_id)}
    for shown in (
        api.get(url(network.lamps[0])).json()["lamp"],
        api.get(url(network.cable)).json()["cable"]["ends"][0],
    ):
        assert (shown["in_use_by_ids"], shown["in_use_by_relations"]) == ([cable_block], [user])
        assert (shown["bulb"]["in_use_by_ids"], shown["bulb"]["in_use_by_relations"]) == ([], [])
    lamp = api.get(url(network.lamps[0]), {"filter_owner_relations": "false"}).json()["lamp"]
    assert lamp["bulb"]["in_use_by_ids"] == [lamp["subscription_instance_id"]]


def test_what_customers_call_it_is_shown(api: APIClient, network: SimpleNamespace) -> None:
    lamp = network.lamps[0]
    SubscriptionCustomerDescription.objects.create(
        subscription_id=lamp.subscription_id, customer_id="customer-1", description="The one in the hall"
    )
    (shown,) = api.get(url(lamp)).json()["customer_descriptions"]
    assert shown["description"] == "The one in the hall"


def test_an_etag_spares_the_answer_until_something_changes(api: APIClient, network: SimpleNamespace) -> None:
    lamp = SubscriptionModel.from_subscription(network.lamps[0].subscription_id)
    etag = api.get(url(lamp))["ETag"]
    for form in (etag, etag.removeprefix('W/"').rstrip('"')):
        response = api.get(url(lamp), headers={"If-None-Match": form})
        assert (response.status_code, response.content) == (304, b"")
    lamp.lamp.bulb.watts = 7  # type: ignore[attr-defined]
    lamp.save()
    response = api.get(url(lamp), headers={"If-None-Match": etag})
    assert response.status_code == 200
    assert response["ETag"] != etag


def test_the_number_of_statements_does_not_depend_on_the_blocks(api: APIClient, network: SimpleNamespace) -> None:
    def statements(model: SubscriptionModel) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get(url(model)).status_code == 200
        return len(captured)

    # Session, user, the graph in at most five, customer descriptions.
    assert statements(network.cable) <= 8
    assert statements(network.cable) == statements(network.lamps[0])


def test_a_note_is_changed_with_the_current_version_or_none_also_while_out_of_sync(
    api: APIClient, network: SimpleNamespace
) -> None:
    """Conformance 29."""
    lamp = network.lamps[0]
    Subscription.objects.filter(pk=lamp.subscription_id).update(status="active", insync=False)

    def modify(note: str, **version: int) -> Any:
        pages = [{"subscription_id": str(lamp.subscription_id), **version}, {"note": note}]
        response = api.post("/api/processes/modify_note", pages, format="json")
        run_until_idle()
        return response

    def shown() -> tuple[str, int]:
        found = api.get(url(lamp)).json()
        return found["note"], found["version"]

    assert modify("first").status_code == 201
    note, version = shown()
    assert note == "first"
    for stale in (version - 1, version + 1):
        refused = modify("never", version=stale)
        assert refused.status_code == 400
        assert refused.json()["validation_errors"][0]["msg"].startswith(f"Stale data: given version ({stale})")
    assert shown() == ("first", version)
    assert modify("second", version=version).status_code == 201
    assert shown()[0] == "second"


def test_an_empty_note_is_no_note_and_the_former_subscription_stays_in_the_state(
    api: APIClient, network: SimpleNamespace
) -> None:
    """Conformance 151."""
    lamp = network.lamps[0].subscription_id
    Subscription.objects.filter(pk=lamp).update(status="active", note="careful")
    for note in ("", "  "):
        pages = [{"subscription_id": str(lamp)}, {"note": note}]
        process_id = api.post("/api/processes/modify_note", pages, format="json").json()["id"]
        run_until_idle()
        assert Subscription.objects.get(pk=lamp).note is None
        state = api.get(f"/api/processes/{process_id}").json()["current_state"]
        assert state["__old_subscriptions__"][str(lamp)]["note"] == "careful"
        Subscription.objects.filter(pk=lamp).update(note="careful")


def test_an_unknown_one_is_404_and_a_wrong_flag_422(api: APIClient, network: SimpleNamespace) -> None:
    response = api.get(f"/api/subscriptions/domain-model/{uuid4()}")
    assert (response.status_code, response.json()["title"]) == (404, "Not Found")
    wrong = api.get(url(network.cable), {"filter_owner_relations": "perhaps"})
    assert wrong.status_code == 422
    assert wrong.json()["detail"][0]["loc"] == ["query", "filter_owner_relations"]
