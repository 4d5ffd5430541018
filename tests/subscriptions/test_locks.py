"""A subscription out of sync belongs to the root process that took it."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from django.db import connection

from subscriptions import hooks
from subscriptions.domain import OutOfSync, SubscriptionModel, SubscriptionNotFound
from subscriptions.models import Subscription
from subscriptions.services import lock_holder, resync, set_in_sync, unsync, unsync_unchecked
from tests.subscriptions.conftest import make_host, reload, stock
from wfo_site.common.context import acting

ALICE, BOB = UUID(int=1), UUID(int=2)


@pytest.fixture(autouse=True)
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """These owners are no stored processes, and none of them is over."""
    monkeypatch.setattr(hooks, "_link_process", None)
    monkeypatch.setattr(hooks, "_owner_is_over", None)


@pytest.fixture
def free(shop: SimpleNamespace) -> UUID:
    """A subscription in sync."""
    subscription_id: UUID = make_host(shop).subscription_id
    set_in_sync(subscription_id)
    return subscription_id


@pytest.fixture
def over(monkeypatch: pytest.MonkeyPatch) -> set[UUID]:
    """The owners that failed, were aborted or completed."""
    owners: set[UUID] = set()
    monkeypatch.setattr(hooks, "_owner_is_over", owners.__contains__)
    return owners


def state(subscription_id: UUID) -> tuple[bool, UUID | None]:
    return Subscription.objects.values_list("insync", "locked_by").get(pk=subscription_id)


def version(subscription_id: UUID) -> int:
    return Subscription.objects.values_list("version", flat=True).get(pk=subscription_id)


def test_unsync_takes_the_lock_and_resync_frees_it(free: UUID) -> None:
    unsync(free, root_id=ALICE)
    assert state(free) == (False, ALICE)
    assert lock_holder(free) == ALICE
    resync(free, root_id=ALICE)
    assert state(free) == (True, None)


def test_owner_is_the_root_of_the_process_at_work(free: UUID) -> None:
    with acting(process_id=BOB, root_id=ALICE):
        unsync(free)
        assert state(free) == (False, ALICE)
    with acting(process_id=uuid4(), root_id=ALICE):
        resync(free)
    assert state(free) == (True, None)


def test_unsync_is_reentrant_within_one_root(free: UUID) -> None:
    unsync(free, root_id=ALICE)
    before = version(free)
    unsync(free, root_id=ALICE)
    assert (state(free), version(free)) == ((False, ALICE), before)


def test_unsync_of_another_is_refused_naming_the_owner(free: UUID) -> None:
    unsync(free, root_id=ALICE)
    for take in (unsync, unsync_unchecked):
        with pytest.raises(OutOfSync, match="Subscription is already out of sync, cannot continue!") as caught:
            take(free, root_id=BOB)
        assert str(ALICE) in str(caught.value)
        assert caught.value.locked_by == ALICE
    assert state(free) == (False, ALICE)


def test_lock_held_by_nobody_is_taken_over_unchecked_only(free: UUID) -> None:
    Subscription.objects.filter(pk=free).update(insync=False)
    for owner in (ALICE, None):
        with pytest.raises(OutOfSync, match="no process"):
            unsync(free, root_id=owner)
    with pytest.raises(OutOfSync):
        resync(free, root_id=ALICE)
    unsync_unchecked(free, root_id=ALICE)
    assert state(free) == (False, ALICE)


def test_lock_of_an_owner_that_is_over_is_taken_over_unchecked(free: UUID, over: set[UUID]) -> None:
    unsync(free, root_id=ALICE)
    over.add(ALICE)
    with pytest.raises(OutOfSync):
        unsync(free, root_id=BOB)
    unsync_unchecked(free, root_id=BOB)
    assert state(free) == (False, BOB)


def test_unsync_unchecked_takes_what_is_free_or_its_own(free: UUID) -> None:
    unsync_unchecked(free, root_id=ALICE)
    unsync_unchecked(free, root_id=ALICE)
    assert state(free) == (False, ALICE)


def test_resync_frees_only_its_own(free: UUID) -> None:
    unsync(free, root_id=ALICE)
    with pytest.raises(OutOfSync, match=str(ALICE)):
        resync(free, root_id=BOB)
    with pytest.raises(OutOfSync, match="set_in_sync"):
        resync(free)
    assert state(free) == (False, ALICE)


def test_resync_of_what_is_free_does_nothing(free: UUID) -> None:
    before = version(free)
    resync(free, root_id=ALICE)
    assert version(free) == before


def test_set_in_sync_frees_whoever_holds_it(free: UUID) -> None:
    """Conformance 113."""
    unsync(free, root_id=ALICE)
    set_in_sync(free)
    assert state(free) == (True, None)
    before = version(free)
    set_in_sync(free)
    assert version(free) == before


@pytest.mark.django_db
def test_unknown_subscription_is_named() -> None:
    for verb in (unsync, unsync_unchecked, resync, set_in_sync):
        with pytest.raises(SubscriptionNotFound):
            verb(uuid4())


def test_new_subscription_belongs_to_its_process(shop: SimpleNamespace) -> None:
    with acting(process_id=BOB, root_id=ALICE):
        host = shop.HostInactive.from_product_id(shop.products["host small"], "c")
        host.save()
        assert state(host.subscription_id) == (False, ALICE)
        resync(host.subscription_id)
    assert state(host.subscription_id) == (True, None)


def test_model_that_flips_insync_uses_the_lock(free: UUID) -> None:
    model = SubscriptionModel.from_subscription(free)
    with acting(process_id=ALICE):
        model.insync = False
        model.save()
        assert state(free) == (False, ALICE)
        model.insync = True
        model.save()
    assert state(free) == (True, None)
    unsync(free, root_id=ALICE)
    stale = reload(model)
    stale.insync = True
    with acting(process_id=BOB), pytest.raises(OutOfSync):
        stale.save()


def test_model_loaded_before_the_lock_does_not_undo_it(free: UUID) -> None:
    model = SubscriptionModel.from_subscription(free)
    unsync(free, root_id=ALICE)
    model.description = "renamed"
    model.save()
    assert state(free) == (False, ALICE)


@pytest.mark.django_db(transaction=True)
def test_one_of_many_at_the_same_moment_gets_the_lock(classes: SimpleNamespace) -> None:
    subscription_id = make_host(stock(classes)).subscription_id
    set_in_sync(subscription_id)
    gate = threading.Barrier(4)
    won: list[UUID] = []

    def take(owner: UUID) -> None:
        gate.wait(10)
        try:
            unsync(subscription_id, root_id=owner)
            won.append(owner)
        except OutOfSync:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=(UUID(int=n + 1),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(won) == 1
    assert state(subscription_id) == (False, won[0])
