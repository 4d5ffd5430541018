"""Writers at the same moment: real threads, real transactions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.db import connection, transaction

from subscriptions.domain import SaveConflict
from subscriptions.models import SubscriptionRevision
from subscriptions.services import save_models
from tests.subscriptions.conftest import make_circuit, make_host, reload, stock

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(classes: SimpleNamespace, transactional_db: None) -> SimpleNamespace:
    return stock(classes)


def at_once(*actions: Callable[[], None]) -> list[BaseException]:
    """Run the actions in threads that start together; return what they raised."""
    gate = threading.Barrier(len(actions))
    raised: list[BaseException] = []

    def run(action: Callable[[], None]) -> None:
        try:
            gate.wait(10)
            action()
        except Exception as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return raised


def test_writers_of_different_keys_both_survive(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    one, other, third = reload(host), reload(host), reload(host)
    one.host.host_name, other.host.ports, third.host.label = "bravo", [7], "label"
    assert at_once(one.save, other.save, third.save) == []
    loaded = reload(host).host
    assert (loaded.host_name, loaded.ports, loaded.label) == ("bravo", [7], "label")
    numbers = SubscriptionRevision.objects.filter(subscription_id=host.subscription_id).values_list("number", flat=True)
    assert sorted(numbers) == [1, 2, 3, 4]


def test_one_of_two_writers_of_one_value_conflicts(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    one, other = reload(host), reload(host)
    one.host.host_name, other.host.host_name = "one", "other"
    (raised,) = at_once(one.save, other.save)
    assert isinstance(raised, SaveConflict)
    winner = reload(host).host.host_name
    assert {raised.mine, raised.theirs} == {"one", "other"}
    assert raised.theirs == winner


def test_opposite_orders_do_not_deadlock(shop: SimpleNamespace) -> None:
    hosts = [make_host(shop, name) for name in "ab"]
    sets = [[reload(host) for host in order] for order in (hosts, hosts[::-1], hosts)]

    def save(number: int) -> None:
        for model in sets[number]:
            setattr(model.host, ("host_name", "address", "ports")[number], ("x", "10.0.0.1", [1])[number])
        save_models(sets[number])

    assert at_once(*(lambda n=number: save(n) for number in range(3))) == []
    for host in hosts:
        loaded = reload(host).host
        assert (loaded.host_name, str(loaded.address), loaded.ports) == ("x", "10.0.0.1", [1])


def test_owner_and_user_change_at_once(shop: SimpleNamespace) -> None:
    """A circuit over a host and the host itself touch no common row."""
    host = make_host(shop)
    circuit = reload(make_circuit(shop, [host, make_host(shop, "bravo")]))
    host = reload(host)
    host.host.host_name = "renamed"
    circuit.circuit.legs[0].vlan = 5
    assert at_once(host.save, circuit.save) == []
    loaded = reload(circuit)
    assert (loaded.circuit.legs[0].vlan, loaded.circuit.legs[0].host.host_name) == (5, "renamed")


def test_writer_waits_for_an_open_transaction(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    one, other = reload(host), reload(host)
    one.host.host_name, other.host.ports = "bravo", [1]
    saved, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            one.save()
            saved.set()
            go_on.wait(0.3)

    def quick() -> None:
        saved.wait(10)
        other.save()

    assert at_once(slow, quick) == []
    assert (reload(host).host.host_name, reload(host).host.ports) == ("bravo", [1])
