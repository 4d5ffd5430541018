"""What customers call subscriptions: /api/subscription_customer_descriptions/."""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from subscriptions.api.schemas import SubscriptionDescriptionSchema
from subscriptions.models import Subscription, SubscriptionCustomerDescription
from tests.api.rows import make_subscription

URL = "/api/subscription_customer_descriptions/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def subscription(db: None) -> Subscription:
    return make_subscription()


def body(subscription: Subscription, **values: Any) -> dict[str, Any]:
    return {"subscription_id": str(subscription.pk), "customer_id": "c-1", "description": "ours", **values}


@pytest.fixture
def row(api: APIClient, subscription: Subscription) -> SubscriptionCustomerDescription:
    assert api.post(URL, body(subscription), format="json").status_code == 204
    return SubscriptionCustomerDescription.objects.get()


def test_one_is_made_and_found_by_its_id_and_by_whose_it_is(
    api: APIClient, row: SubscriptionCustomerDescription
) -> None:
    """Conformance 121."""
    shown = api.get(f"{URL}{row.pk}").json()
    SubscriptionDescriptionSchema.model_validate(shown)
    assert shown.keys() == SubscriptionDescriptionSchema.model_fields.keys()
    assert (shown["description"], shown["version"], shown["customer_id"]) == ("ours", 1, "c-1")
    assert isinstance(shown["created_at"], float)
    assert api.get(f"{URL}customer/c-1/subscription/{row.subscription_id}").json() == shown


def test_each_change_raises_the_version_and_a_stale_one_is_refused(
    api: APIClient, subscription: Subscription, row: SubscriptionCustomerDescription
) -> None:
    """Conformance 121."""

    def put(description: str, **version: int) -> Any:
        given = body(subscription, id=str(row.pk), description=description, **version)
        return api.put(URL, given, format="json")

    assert put("first").status_code == 204
    assert put("second", version=2).status_code == 204
    for stale in (2, 4):
        refused = put("never", version=stale)
        assert refused.status_code == 400
        expected = f"Stale data: given version ({stale}) does not match the current version (3)"
        assert refused.json()["detail"] == expected
    row.refresh_from_db()
    assert (row.description, row.version) == ("second", 3)


def test_where_there_is_nothing_to_change_nothing_happens(api: APIClient, subscription: Subscription) -> None:
    given = body(subscription, id=str(uuid4()))
    assert api.put(URL, given, format="json").status_code == 204
    assert not SubscriptionCustomerDescription.objects.exists()


def test_it_is_taken_away_and_may_be_gone_already(api: APIClient, row: SubscriptionCustomerDescription) -> None:
    """Conformance 121."""
    for _ in range(2):
        assert api.delete(f"{URL}{row.pk}").status_code == 204
    assert not SubscriptionCustomerDescription.objects.exists()
    assert api.get(f"{URL}{row.pk}").status_code == 404
    assert api.get(f"{URL}customer/c-1/subscription/{row.subscription_id}").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"description": "x" * 2001}, 422),
        ({"customer_id": "x" * 256}, 422),
        ({"subscription_id": "x"}, 422),
        ({"description": None}, 422),
        ({"subscription_id": str(uuid4())}, 404),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_made(
    api: APIClient, subscription: Subscription, wrong: dict[str, Any], status: int
) -> None:
    response = api.post(URL, body(subscription, **wrong), format="json")
    assert response.status_code == status
    if status == 422:
        assert response.json()["detail"][0]["loc"] == ["body", next(iter(wrong))]
    assert not SubscriptionCustomerDescription.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_made_at_once_it_is_one(alice: User, subscription: Subscription) -> None:
    answers: list[int] = []
    line = threading.Barrier(5)

    def call() -> None:
        client = APIClient()
        client.force_authenticate(alice)
        try:
            line.wait(30)
            answers.append(client.post(URL, body(subscription), format="json").status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=call) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == [204] * 5
    assert SubscriptionCustomerDescription.objects.count() == 1
