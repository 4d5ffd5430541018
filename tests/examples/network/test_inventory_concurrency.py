"""Callers at the same moment never get the same address, prefix or interface."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import pytest
from django.db import connections

from tests.examples.network.conftest import device_payload
from wfo_site.examples.network.inventory import get_inventory
from wfo_site.examples.network.inventory.bootstrap import (
    CORE_LINK_V6,
    LOOPBACK_V4,
    create_initial_objects,
    create_prefixes,
)
from wfo_site.examples.network.inventory.interface import Inventory, InventoryConflict

pytestmark = pytest.mark.django_db(transaction=True)
T = TypeVar("T")
THREADS = 8


def at_once(call: Callable[[int], T]) -> list[T]:
    """Call from THREADS threads that start together; return what they got."""
    start = threading.Barrier(THREADS)
    results: list[T] = []

    def run(number: int) -> None:
        try:
            start.wait()
            results.append(call(number))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.fixture
def filled() -> Inventory:
    inventory = get_inventory()
    create_initial_objects(inventory)
    create_prefixes(inventory)
    device = inventory.create_device(device_payload(inventory, "ams-pe"))
    inventory.create_interface(
        {"device": device.id, "name": "Loopback0", "type": "virtual", "enabled": False, "speed": None}
    )
    return inventory


def test_addresses_are_all_distinct(filled: Inventory) -> None:
    pool = filled.prefix_by_network(LOOPBACK_V4)
    interface = filled.interfaces(device=_device(filled))[0]
    assert pool

    def take(number: int) -> list[str]:
        return [
            filled.allocate_address(
                pool.id,
                {
                    "description": f"{number}",
                    "assigned_object_id": interface.id,
                    "assigned_object_type": "dcim.interface",
                    "status": "active",
                },
                skip_network=True,
            ).address
            for _ in range(3)
        ]

    got = [address for addresses in at_once(take) for address in addresses]
    assert sorted(got) == sorted(f"10.0.127.{number}/24" for number in range(1, 3 * THREADS + 1))


def test_prefixes_are_all_distinct(filled: Inventory) -> None:
    pool = filled.prefix_by_network(CORE_LINK_V6)
    assert pool
    got = at_once(
        lambda _: (
            filled.allocate_prefix(pool.id, {"prefix_length": 127, "description": "link", "is_pool": False}).prefix
        )
    )
    assert len(got) == len(set(got)) == THREADS


def test_one_key_makes_one_object_however_many_call(filled: Inventory) -> None:
    payload = device_payload(filled, "par-p")
    got = at_once(lambda _: filled.create_device(payload, idempotency_key="same").id)
    assert len(got) == THREADS
    assert len(set(got)) == 1


def test_one_of_many_takes_an_interface(filled: Inventory) -> None:
    interface = filled.interfaces(device=_device(filled))[0]

    def enable(number: int) -> bool:
        try:
            filled.enable_interface(interface.id, idempotency_key=f"{number}")
        except InventoryConflict:
            return False
        return True

    assert sorted(at_once(enable)) == [False] * (THREADS - 1) + [True]


def _device(inventory: Inventory) -> int:
    device = inventory.device_by_name("ams-pe")
    assert device
    return device.id
