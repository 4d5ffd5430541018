"""Reads of subscriptions, with their budgets of statements."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from subscriptions.domain import isolated
from subscriptions.models import SubscriptionInstance
from subscriptions.selectors import (
    depends_on_subscriptions,
    domain_model_payload,
    get_subscription,
    in_use_by_subscriptions,
    product_block_paths,
    subscription_list,
    subscription_tree,
)
from subscriptions.services import put_customer_description
from tests.subscriptions.conftest import TERMINATED, make_circuit, make_host, reload

Queries = Callable[[int], Any]


@pytest.fixture
def net(shop: SimpleNamespace) -> SimpleNamespace:
    """Two hosts and a circuit over them."""
    shop.hosts = [make_host(shop, name) for name in ("alfa", "bravo")]
    shop.circuit = make_circuit(shop, shop.hosts)
    return shop


def ids(subscriptions: Any) -> set[Any]:
    return {subscription.subscription_id for subscription in subscriptions}


def test_relations_are_found_both_ways(net: SimpleNamespace) -> None:
    """Conformance 148."""
    circuit, (alfa, bravo) = net.circuit, net.hosts
    assert ids(in_use_by_subscriptions(alfa.subscription_id)) == {circuit.subscription_id}
    assert ids(depends_on_subscriptions(circuit.subscription_id)) == {alfa.subscription_id, bravo.subscription_id}
    assert ids(in_use_by_subscriptions(circuit.subscription_id)) == set()
    assert ids(in_use_by_subscriptions(alfa.subscription_id, statuses=["terminated"])) == set()
    assert ids(in_use_by_subscriptions(alfa.subscription_id, statuses=["active", "initial"])) == ids([circuit])


def test_relations_by_value_count_too(net: SimpleNamespace, settings: Any) -> None:
    settings.RELATION_RESOURCE_TYPES = ["parent_id"]
    alfa, bravo = net.hosts
    SubscriptionInstance.objects.filter(pk=bravo.host.subscription_instance_id).update(
        values={"parent_id": str(alfa.subscription_id)}
    )
    assert ids(in_use_by_subscriptions(alfa.subscription_id)) == ids([bravo, net.circuit])
    assert ids(depends_on_subscriptions(bravo.subscription_id)) == ids([alfa])


def test_get_subscription_names_what_it_did_not_find(net: SimpleNamespace) -> None:
    """Conformance 149."""
    assert get_subscription(str(net.circuit.subscription_id)).product.name == "circuit"
    for wrong in (uuid4(), "nonsense"):
        with pytest.raises(ValueError, match=f"Subscription with id: {wrong}, does not exist"):
            get_subscription(wrong)


def test_list_is_narrowed_by_each_condition(net: SimpleNamespace, django_assert_num_queries: Queries) -> None:
    circuit, (alfa, bravo) = net.circuit, net.hosts
    alfa.note = "in the attic"
    alfa.save()
    terminated = type(circuit).from_other_lifecycle(circuit, TERMINATED)
    terminated.save()
    assert len(subscription_list()) == 3
    assert ids(subscription_list(statuses=["terminated"])) == ids([circuit])
    assert ids(subscription_list(tags=["HOST"])) == ids([alfa, bravo])
    assert ids(subscription_list(product_ids=[net.products["circuit"]])) == ids([circuit])
    assert ids(subscription_list(customer_id="customer-1", text="ATTIC")) == ids([alfa])
    assert ids(subscription_list(text=str(bravo.subscription_id)[:23] + str(bravo.subscription_id)[23:])) == ids(
        [bravo]
    )
    assert ids(subscription_list(insync=True)) == set()
    with django_assert_num_queries(1):
        assert {subscription.product.tag for subscription in subscription_list()} == {"HOST", "CIRC"}


def test_domain_model_shows_who_uses_each_block(net: SimpleNamespace, django_assert_num_queries: Queries) -> None:
    """Conformance 116, 150."""
    put_customer_description(
        subscription_id=net.circuit.subscription_id, customer_id="customer-2", description="our link"
    )
    with django_assert_num_queries(5):
        payload = domain_model_payload(net.circuit.subscription_id)
    leg = payload["circuit"]["legs"][0]
    assert payload["start_date"] == net.circuit.start_date
    assert payload["product"]["created_at"] == reload(net.circuit).product.created_at
    assert leg["in_use_by_ids"] == []
    assert leg["host"]["in_use_by_relations"] == [
        {
            "subscription_instance_id": leg["subscription_instance_id"],
            "subscription_id": str(net.circuit.subscription_id),
        }
    ]
    assert leg["host"]["in_use_by_ids"] == [leg["subscription_instance_id"]]
    (description,) = payload["customer_descriptions"]
    assert (description["customer_id"], description["description"]) == ("customer-2", "our link")
    unfiltered = domain_model_payload(net.circuit.subscription_id, filter_owner_relations=False)
    assert unfiltered["circuit"]["legs"][0]["in_use_by_ids"] == [payload["circuit"]["subscription_instance_id"]]


def test_paths_of_all_blocks(net: SimpleNamespace) -> None:
    """Conformance 117."""
    expected = ["circuit", "circuit.legs.0", "circuit.legs.0.host", "circuit.legs.1", "circuit.legs.1.host"]
    assert product_block_paths(net.circuit) == expected
    assert product_block_paths(domain_model_payload(net.circuit.subscription_id)) == expected


def test_tree_shows_titles_owners_and_users(net: SimpleNamespace, django_assert_num_queries: Queries) -> None:
    with django_assert_num_queries(4):
        (top,) = subscription_tree(net.circuit.subscription_id)
    assert (top.attr, top.name, top.is_foreign) == ("circuit", "Circuit", False)
    assert [child.attr for child in top.children] == ["legs", "legs"]
    host = top.children[1].children[0]
    assert (host.title, host.is_foreign) == ("host bravo", True)
    assert host.owner.subscription_id == net.hosts[1].subscription_id
    assert [user.subscription.subscription_id for user in host.in_use_by] == [net.circuit.subscription_id]
    values = {value.name: value for value in host.values}
    assert values["host_name"].value == "bravo"
    assert values["used_by"].computed


def test_tree_stands_without_the_code_of_the_product(net: SimpleNamespace) -> None:
    with isolated(empty=True):
        (top,) = subscription_tree(net.circuit.subscription_id)
    assert [child.title for child in top.children] == ["Leg", "Leg"]
    assert top.children[0].children[0].name == "Host"


def test_title_of_a_block_in_the_making_falls_back(shop: SimpleNamespace) -> None:
    circuit = shop.CircuitInactive.from_product_id(shop.products["circuit"], "c")
    circuit.save()
    (top,) = subscription_tree(circuit.subscription_id)
    assert top.title == "Circuit"
