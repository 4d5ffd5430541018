"""What is saved is what is loaded."""

from __future__ import annotations

from ipaddress import IPv4Address
from types import SimpleNamespace

from subscriptions.domain import SubscriptionModel
from tests.subscriptions.conftest import make_circuit, make_host, reload


def test_a_saved_subscription_is_loaded_equal(shop: SimpleNamespace) -> None:
    """Conformance 137."""
    host = make_host(shop, address=IPv4Address("10.0.0.1"), ports=[3, 1, 2])
    host.host.label = "rack 4"
    host.save()
    loaded = reload(host)
    assert loaded == host
    assert loaded.host.label == "rack 4"
    assert type(loaded) is shop.Host


def test_zero_and_false_survive_in_lists(shop: SimpleNamespace) -> None:
    """Conformance 138."""
    host = make_host(shop, ports=[0, 2, 0], racks=[False, True])
    assert reload(host).host.ports == [0, 2, 0]
    assert reload(host).host.racks == [False, True]


def test_blocks_of_others_are_shared_not_copied(shop: SimpleNamespace) -> None:
    hosts = [make_host(shop, name) for name in ("alfa", "bravo")]
    circuit = make_circuit(shop, hosts)
    loaded = reload(circuit)
    assert loaded == circuit
    assert loaded.circuit.legs[1].host.owner_subscription_id == hosts[1].subscription_id
    assert loaded.circuit.legs[1].host.title == "host bravo"
    assert SubscriptionModel.from_subscription(hosts[0].subscription_id).host.used_by == ["LEG 100 active"]
