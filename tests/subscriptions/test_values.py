"""Asking for values: types count, and PostgreSQL uses its index."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from products.models import ProductBlock
from subscriptions.models import SubscriptionInstance
from subscriptions.selectors import instances_with, subscription_by_instance_value
from tests.subscriptions.conftest import make_host

SAMPLES: dict[str, Any] = {
    "five": 5,
    "five as text": "5",
    "five and a bit": 5.5,
    "one": 1,
    "zero": 0,
    "yes": True,
    "no": False,
    "empty": "",
    "quote": "a\"b'c",
    "list": [1, 2, 3],
    "short list": [1],
    "texts": ["1", "a"],
    "truths": [True],
    "nested": [[1], {"a": 1}],
    "object": {"a": 1},
}


@pytest.fixture
def samples(shop: SimpleNamespace) -> SimpleNamespace:
    """One block for each sample, labelled by its name; the value is stored under a key that needs quoting."""
    host = make_host(shop)
    SubscriptionInstance.objects.bulk_create(
        SubscriptionInstance(
            subscription_id=host.subscription_id,
            product_block=ProductBlock.objects.get(name="Host"),
            label=label,
            values={"my key": value, "other": "5"},
        )
        for label, value in SAMPLES.items()
    )
    return shop


def labels(field: str, value: object, op: Any = "eq") -> set[str | None]:
    return set(instances_with(field, value, op).values_list("label", flat=True))


@pytest.mark.parametrize("label", list(SAMPLES))
def test_value_finds_exactly_its_own_block(samples: SimpleNamespace, label: str) -> None:
    assert labels("my key", SAMPLES[label]) == {label}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, {"list", "short list"}),
        ("1", {"texts"}),
        (True, {"truths"}),
        ("a", {"texts"}),
        ([1], {"nested"}),
        (9, set()),
    ],
)
def test_list_is_found_by_an_element(samples: SimpleNamespace, value: object, expected: set[str]) -> None:
    assert labels("my key", value, "contains") == expected


def test_one_of_several(samples: SimpleNamespace) -> None:
    assert labels("my key", [5, "5", True], "in") == {"five", "five as text", "yes"}
    assert labels("my key", [], "in") == set()
    with pytest.raises(ValueError, match="'in' takes several values"):
        instances_with("my key", "text", "in")
    with pytest.raises(ValueError, match="what is not set is left out"):
        instances_with("my key", None)


def test_unknown_field_finds_nothing(samples: SimpleNamespace) -> None:
    assert labels("nothing", 5) == set()
    assert labels("nothing", 5, "contains") == set()


def test_subscription_is_found_by_a_value_or_its_text(shop: SimpleNamespace) -> None:
    """Conformance 149."""
    hosts = [make_host(shop, name, address=f"10.0.0.{n}", ports=[n]) for n, name in enumerate("aab")]
    SubscriptionInstance.objects.filter(pk=hosts[2].host.subscription_instance_id).update(values={"number": 5})
    assert subscription_by_instance_value("host_name", "nobody") is None
    found = subscription_by_instance_value("number", "5")
    assert found is not None
    assert found.subscription_id == hosts[2].subscription_id
    assert subscription_by_instance_value("number", 5, statuses=["terminated"]) is None
    with pytest.raises(ValueError, match="More than one subscription has host_name a"):
        subscription_by_instance_value("host_name", "a")


def test_index_answers_where_there_is_one(samples: SimpleNamespace) -> None:
    """PostgreSQL never needs to read every block; SQLite has no such index and does."""
    has_index = connection.vendor == "postgresql"
    if has_index:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    for op, value in (("eq", 5), ("contains", 1), ("in", [5])):
        plan = instances_with("my key", value, op).explain()  # type: ignore[arg-type]
        assert ("subscription_instance_values" in plan) == has_index
