"""A small catalogue of its own for each test: sites, hosts that use them, and a service over hosts of others."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from annotated_types import Len
from pydantic import computed_field

from products import ProductSpec, register
from products.models import Product
from products.sync import sync_catalogue
from subscriptions.domain import SI, ProductBlockModel, SubscriptionLifecycle, SubscriptionModel, isolated

INITIAL = SubscriptionLifecycle.INITIAL
PROVISIONING = SubscriptionLifecycle.PROVISIONING
ACTIVE = SubscriptionLifecycle.ACTIVE
TERMINATED = SubscriptionLifecycle.TERMINATED

ListOfLegs = Annotated[list[SI], Len(2, 8)]


@pytest.fixture
def own_registry() -> Iterator[None]:
    """Registries that end with the test."""
    with isolated(empty=True):
        yield


def declare() -> SimpleNamespace:
    """Declare the classes afresh and register their products."""

    class HostBlockInactive(ProductBlockModel, product_block_name="Host", tag="HOST"):
        """A machine."""

        host_name: str | None = None
        address: IPv4Address | None = None
        ports: list[int] = []
        racks: list[bool] = []

    class HostBlock(HostBlockInactive, lifecycle=[ACTIVE]):
        host_name: str

        @computed_field
        @property
        def title(self) -> str:
            return f"host {self.host_name}"

        @computed_field
        @property
        def used_by(self) -> list[str]:
            return sorted(
                f"{user.product_block.tag} {user.values.get('vlan')} {user.subscription.status.value}"
                for user in self.in_use_by
            )

    class LegBlockInactive(ProductBlockModel, product_block_name="Leg", tag="LEG"):
        vlan: int | None = None
        host: HostBlockInactive | None = None

    class LegBlock(LegBlockInactive, lifecycle=[ACTIVE]):
        vlan: int
        host: HostBlock

    class CircuitBlockInactive(ProductBlockModel, product_block_name="Circuit", tag="CIRC"):
        speed: int | None = None
        legs: ListOfLegs[LegBlockInactive]
        spare: LegBlockInactive | None = None

    class CircuitBlock(CircuitBlockInactive, lifecycle=[ACTIVE]):
        speed: int
        legs: ListOfLegs[LegBlock]
        spare: LegBlock | None = None

    class HostInactive(SubscriptionModel, is_base=True):
        size: int
        host: HostBlockInactive

    class Host(HostInactive, lifecycle=[ACTIVE]):
        host: HostBlock

    class CircuitInactive(SubscriptionModel, is_base=True):
        circuit: CircuitBlockInactive

    class Circuit(CircuitInactive, lifecycle=[ACTIVE]):
        circuit: CircuitBlock

    register(ProductSpec("host small", Host, tag="HOST", description="A small host", fixed_inputs={"size": 1}))
    register(ProductSpec("host big", Host, tag="HOST", description="A big host", fixed_inputs={"size": 9}))
    register(ProductSpec("circuit", Circuit, tag="CIRC", description="A circuit"))
    return SimpleNamespace(**{name: value for name, value in locals().items() if isinstance(value, type)})


@pytest.fixture
def classes(own_registry: None) -> SimpleNamespace:
    """The classes, without a database."""
    return declare()


@pytest.fixture
def shop(classes: SimpleNamespace, db: None) -> SimpleNamespace:
    """The classes and the catalogue that goes with them; `products` maps names to ids."""
    return stock(classes)


def stock(classes: SimpleNamespace) -> SimpleNamespace:
    sync_catalogue()
    products = dict(Product.objects.values_list("name", "product_id"))
    return SimpleNamespace(**vars(classes), products=products)


def make_host(shop: SimpleNamespace, name: str = "alfa", **values: Any) -> Any:
    """An active host, saved."""
    host = shop.HostInactive.from_product_id(shop.products["host small"], "customer-1")
    host.host.host_name = name
    for key, value in values.items():
        setattr(host.host, key, value)
    host = shop.Host.from_other_lifecycle(host, ACTIVE)
    host.save()
    return host


def make_circuit(shop: SimpleNamespace, hosts: list[Any], *, status: SubscriptionLifecycle = ACTIVE) -> Any:
    """A circuit with one leg on each host, saved; VLANs count from 100."""
    circuit = shop.CircuitInactive.from_product_id(shop.products["circuit"], "customer-2")
    legs = [shop.LegBlockInactive.new(circuit.subscription_id) for _ in hosts]
    for number, (leg, host) in enumerate(zip(legs, hosts, strict=True)):
        leg.vlan, leg.host = 100 + number, host.host
    circuit.circuit.legs = legs
    circuit.circuit.speed = 1000
    if status != INITIAL:
        circuit = SubscriptionModel.from_other_lifecycle(circuit, status)
    circuit.save()
    return circuit


def reload(model: SubscriptionModel) -> Any:
    return SubscriptionModel.from_subscription(model.subscription_id)
