"""Subscriptions change status only into shapes that hold."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import uuid4

import pytest
from pydantic import ValidationError

from subscriptions.domain import (
    SubscriptionLifecycle,
    SubscriptionModel,
    validate_lifecycle_change,
    validate_lifecycle_status,
)
from subscriptions.models import Subscription
from tests.subscriptions.conftest import ACTIVE, INITIAL, PROVISIONING, TERMINATED, make_circuit, make_host


def new_host(shop: SimpleNamespace, **arguments: object) -> SubscriptionModel:
    return shop.HostInactive.from_product_id(shop.products["host small"], "customer-1", **arguments)


def test_from_product_id_builds_in_memory(shop: SimpleNamespace) -> None:
    host = new_host(shop)
    assert host.description == "Initial subscription of A small host"
    assert (host.status, host.insync, host.version, host.size) == (INITIAL, False, 1, 1)
    assert host.host.owner_subscription_id == host.subscription_id
    assert Subscription.objects.count() == 0


def test_from_product_id_finds_the_class_itself(shop: SimpleNamespace) -> None:
    host = SubscriptionModel.from_product_id(str(shop.products["host big"]), "customer-1")
    assert type(host) is shop.HostInactive
    assert host.size == 9


def test_from_product_id_refuses_an_unknown_product(shop: SimpleNamespace) -> None:
    with pytest.raises(KeyError, match="Could not find a product for the given product_id"):
        shop.HostInactive.from_product_id(uuid4(), "customer-1")


def test_from_product_id_refuses_the_model_of_another_product(shop: SimpleNamespace) -> None:
    with pytest.raises(ValueError, match="is not the model of product 'circuit'"):
        shop.HostInactive.from_product_id(shop.products["circuit"], "customer-1")


def test_class_holds_only_statuses_that_it_satisfies(shop: SimpleNamespace) -> None:
    """Conformance 135."""
    with pytest.raises(ValueError, match="is not valid for status active"):
        new_host(shop, status=ACTIVE)
    host = make_host(shop)
    with pytest.raises(ValueError, match="is not valid for status active"):
        shop.HostInactive.from_subscription(host.subscription_id)
    with pytest.raises(ValueError, match="is not valid for status active"):
        shop.HostInactive(**host.model_dump())


def test_more_constrained_class_may_hold_a_lesser_status(shop: SimpleNamespace) -> None:
    host = new_host(shop)
    host.host.host_name = "alfa"
    host.save()
    loaded = shop.Host.from_subscription(host.subscription_id)
    assert type(loaded) is shop.Host
    assert type(loaded.host) is shop.HostBlock


def test_next_lifecycle_needs_what_it_requires(shop: SimpleNamespace) -> None:
    """Conformance 136."""
    host = new_host(shop)
    with pytest.raises(ValidationError, match="host_name"):
        shop.Host.from_other_lifecycle(host, ACTIVE)
    host.host.host_name = "alfa"
    active = shop.Host.from_other_lifecycle(host, ACTIVE)
    assert active.subscription_id == host.subscription_id
    assert active.host.subscription_instance_id == host.host.subscription_instance_id
    assert active.start_date is not None
    assert active.end_date is None
    terminated = SubscriptionModel.from_other_lifecycle(active, TERMINATED)
    assert type(terminated) is shop.HostInactive
    assert terminated.start_date == active.start_date
    assert terminated.end_date is not None


def test_dates_already_set_stay(shop: SimpleNamespace) -> None:
    """Conformance 136."""
    start = datetime(2020, 1, 1, tzinfo=UTC)
    host = new_host(shop, start_date=start)
    host.host.host_name = "alfa"
    assert shop.Host.from_other_lifecycle(host, ACTIVE).start_date == start


def test_abstract_model_resolves_the_class_of_the_next_status(shop: SimpleNamespace) -> None:
    """Conformance 141."""
    host = new_host(shop)
    host.host.host_name = "alfa"
    assert type(SubscriptionModel.from_other_lifecycle(host, ACTIVE)) is shop.Host
    assert type(SubscriptionModel.from_other_lifecycle(host, PROVISIONING)) is shop.HostInactive


def test_users_forbid_a_status_that_is_unsafe_for_them(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    make_circuit(shop, [host, make_host(shop, "bravo")])
    for status in set(SubscriptionLifecycle) - {ACTIVE, PROVISIONING}:
        with pytest.raises(ValueError, match="Unsafe status change of Subscription with depending subscriptions"):
            SubscriptionModel.from_other_lifecycle(host, status)
    assert SubscriptionModel.from_other_lifecycle(host, PROVISIONING).status == PROVISIONING
    assert SubscriptionModel.from_other_lifecycle(host, TERMINATED, skip_validation=True).status == TERMINATED


ALLOWED_USERS = {
    "initial": {"initial"},
    "active": {"initial", "active", "migrating", "disabled", "terminated", "provisioning"},
    "migrating": {"initial", "migrating", "terminated"},
    "provisioning": {"initial", "provisioning", "active", "terminated"},
    "terminated": {"initial", "terminated"},
    "disabled": {"initial", "disabled", "terminated"},
}


def test_users_allow_a_status_by_their_own(shop: SimpleNamespace) -> None:
    """Every pair of statuses; who uses nothing of it has no say."""
    host, spare = make_host(shop), make_host(shop, "bravo")
    circuit = make_circuit(shop, [host, spare])
    unused = make_host(shop, "charlie")
    for users in SubscriptionLifecycle:
        Subscription.objects.filter(pk=circuit.subscription_id).update(status=users)
        for status in SubscriptionLifecycle:
            validate_lifecycle_change(unused, status)
            if users in ALLOWED_USERS[status]:
                validate_lifecycle_change(host, status)
                continue
            with pytest.raises(ValueError, match=rf"{circuit.subscription_id} \({users.value}\)"):
                validate_lifecycle_change(host, status)


def test_any_status_may_follow_any_other(shop: SimpleNamespace) -> None:
    """There is no table of transitions but that of the users; the data has to fit."""
    host = make_host(shop)
    for status in (TERMINATED, INITIAL, SubscriptionLifecycle.DISABLED, ACTIVE, SubscriptionLifecycle.MIGRATING):
        host = SubscriptionModel.from_other_lifecycle(host, status)
        host.save()
        assert SubscriptionModel.from_subscription(host.subscription_id).status == status


def test_blocks_of_others_keep_their_shape(shop: SimpleNamespace) -> None:
    circuit = make_circuit(shop, [make_host(shop), make_host(shop, "bravo")])
    terminated = SubscriptionModel.from_other_lifecycle(circuit, TERMINATED)
    assert type(terminated.circuit) is shop.CircuitBlockInactive
    assert type(terminated.circuit.legs[0].host) is shop.HostBlock


def test_save_refuses_a_class_below_its_status(shop: SimpleNamespace) -> None:
    host = new_host(shop)
    host.status = ACTIVE
    with pytest.raises(ValueError, match=r"Lifecycle status active requires specialized type .*HostBlock"):
        host.save()


def test_other_product_takes_its_fixed_inputs(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    bigger = SubscriptionModel.from_other_product(host, shop.products["host big"])
    bigger.save()
    loaded = SubscriptionModel.from_subscription(host.subscription_id)
    assert (loaded.product.name, loaded.size) == ("host big", 9)
    assert loaded.host == host.host


def test_other_product_may_bring_another_root(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    root = shop.HostBlock.new(host.subscription_id, host_name="new")
    SubscriptionModel.from_other_product(host, shop.products["host big"], new_root=("host", root)).save()
    assert SubscriptionModel.from_subscription(host.subscription_id).host == root
    assert Subscription.objects.get(pk=host.subscription_id).instances.count() == 1


def test_validation_mode_decides_about_a_needlessly_strict_class(
    shop: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    """Conformance 146."""
    host = new_host(shop)
    host.host.host_name = "alfa"
    host.save()
    strict = shop.Host.from_subscription(host.subscription_id)
    with pytest.raises(ValueError, match="HostInactive is meant, but Host is used"):
        validate_lifecycle_status(strict, mode="strict")
    with caplog.at_level(logging.WARNING):
        validate_lifecycle_status(strict, mode="loose")
    assert "Host is used" in caplog.text
    caplog.clear()
    validate_lifecycle_status(strict, mode="ignored")
    validate_lifecycle_status(host, mode="strict")
    assert not caplog.text
