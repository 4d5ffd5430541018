"""What is saved is what is loaded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum
from ipaddress import IPv4Address, IPv6Interface
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from products import ProductSpec, register
from products.models import Product
from products.sync import sync_catalogue
from subscriptions.domain import ProductBlockModel, SubscriptionModel, cache_subscription_models, serializable_property
from subscriptions.models import Subscription, SubscriptionInstance, SubscriptionInstanceRelation
from tests.subscriptions.conftest import INITIAL, make_circuit, make_host, reload
from wfo_site.common.json import NUL_MARK, NotJson

Queries = Callable[[int], Any]


def product_of(model: type[SubscriptionModel]) -> UUID:
    register(ProductSpec(model.__name__.lower(), model, tag="T", description="A product"))
    sync_catalogue()
    return Product.objects.get(name=model.__name__.lower()).product_id


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
    assert reload(hosts[0]).host.used_by == ["LEG 100 active"]


def test_loading_and_dumping_takes_four_statements(shop: SimpleNamespace, django_assert_num_queries: Queries) -> None:
    """Conformance 143: computed values of nested blocks are part of the dump, without a query."""
    circuit = make_circuit(shop, [make_host(shop), make_host(shop, "bravo")])
    with django_assert_num_queries(4):
        dump = SubscriptionModel.from_subscription(circuit.subscription_id).model_dump(mode="json")
    assert dump["circuit"]["legs"][0]["host"]["used_by"] == ["LEG 100 active"]
    assert dump["circuit"]["legs"][1]["host"]["title"] == "host bravo"


def test_cached_models_are_loaded_once(shop: SimpleNamespace, django_assert_num_queries: Queries) -> None:
    """Conformance 143."""
    host = make_host(shop)
    with django_assert_num_queries(4), cache_subscription_models(), cache_subscription_models():
        first = shop.Host.from_subscription(host.subscription_id)
        assert shop.Host.from_subscription(host.subscription_id) is first
        assert "title" in first.model_dump()["host"]


def test_older_decorator_makes_a_computed_value(shop: SimpleNamespace) -> None:
    """Conformance 143: inherited ones too."""

    class Derived(ProductBlockModel, product_block_name="Derived"):
        number: int = 2

        @serializable_property
        def double(self) -> int:
            return self.number * 2

        @serializable_property
        def triple(self):  # type: ignore[no-untyped-def]
            return self.number * 3

    class Further(Derived, product_block_name="Further"):
        pass

    dump = Further.new(uuid4()).model_dump()
    assert (dump["double"], dump["triple"]) == (4, 6)


def test_lists_and_optional_blocks_can_shrink(shop: SimpleNamespace) -> None:
    """Conformance 137."""
    circuit = make_circuit(shop, [make_host(shop, name) for name in "abc"])
    circuit.circuit.spare = shop.LegBlock.new(circuit.subscription_id, vlan=9, host=circuit.circuit.legs[0].host)
    circuit.save()
    loaded = reload(circuit)
    assert loaded == circuit
    assert loaded.circuit.spare.vlan == 9
    loaded.circuit.spare = None
    dropped = loaded.circuit.legs.pop(1)
    loaded.save()
    again = reload(circuit)
    assert again == loaded
    assert [leg.vlan for leg in again.circuit.legs] == [100, 102]
    assert not SubscriptionInstance.objects.filter(pk=dropped.subscription_instance_id).exists()
    assert SubscriptionInstance.objects.filter(subscription_id=circuit.subscription_id).count() == 3


def test_order_of_blocks_is_kept(shop: SimpleNamespace) -> None:
    circuit = make_circuit(shop, [make_host(shop, name) for name in "abcd"])
    circuit.circuit.legs = list(reversed(circuit.circuit.legs))
    circuit.save()
    assert [leg.vlan for leg in reload(circuit).circuit.legs] == [103, 102, 101, 100]


def test_relations_without_attribute_load_by_type(shop: SimpleNamespace) -> None:
    """Conformance 139."""
    circuit = make_circuit(shop, [make_host(shop), make_host(shop, "bravo")])
    SubscriptionInstanceRelation.objects.update(domain_model_attr=None)
    SubscriptionInstance.objects.update(root_attr=None)
    loaded = reload(circuit)
    assert loaded == circuit
    loaded.circuit.legs[0].vlan = 7
    loaded.circuit.legs.append(shop.LegBlock.new(loaded.subscription_id, vlan=8, host=loaded.circuit.legs[0].host))
    loaded.save()
    assert [leg.vlan for leg in reload(circuit).circuit.legs] == [7, 101, 8]


def test_two_attributes_of_one_block_type_are_kept_apart(shop: SimpleNamespace) -> None:
    """Conformance 142: directly below the subscription, below a block, and for blocks of others."""

    class Pair(ProductBlockModel, product_block_name="Pair"):
        left: shop.HostBlockInactive
        right: shop.HostBlockInactive

    class Twins(SubscriptionModel, is_base=True):
        first: Pair
        second: Pair

    twins = Twins.from_product_id(product_of(Twins), "customer-1")
    hosts = [make_host(shop, name) for name in "ab"]
    twins.first.left.host_name, twins.first.right.host_name = "one", "two"
    twins.second.left, twins.second.right = hosts[1].host, hosts[0].host
    twins.save()
    loaded = reload(twins)
    assert loaded == twins
    assert [loaded.second.left.host_name, loaded.second.right.host_name] == ["b", "a"]
    twins.second.left = hosts[0].host
    with pytest.raises(ValueError, match="Cannot link the same subscription instance multiple times"):
        twins.save()


def test_same_block_twice_in_a_list_is_refused(shop: SimpleNamespace) -> None:
    """Conformance 142."""
    circuit = make_circuit(shop, [make_host(shop), make_host(shop, "bravo")])
    circuit.circuit.legs.append(circuit.circuit.legs[0])
    with pytest.raises(ValueError, match="Cannot link the same subscription instance multiple times"):
        circuit.save()


def test_unions_load_the_class_that_was_stored(shop: SimpleNamespace) -> None:
    """Conformance 144: also in lists, and where another block's relation has the same name."""

    class One(ProductBlockModel, product_block_name="One"):
        number: int | None = None

    class Two(ProductBlockModel, product_block_name="Two"):
        number: int | None = None
        parts: list[One]

    class Mixed(ProductBlockModel, product_block_name="Mixed"):
        either: One | Two
        parts: list[One | Two]

    class Mixture(SubscriptionModel, is_base=True):
        mixed: Mixed | One
        optional: One | Two | None = None

    product = product_of(Mixture)
    subscription_id = uuid4()
    two = Two.new(subscription_id, parts=[One.new(subscription_id, number=5)])
    mixed = Mixed.new(subscription_id, either=two, parts=[Two.new(subscription_id), One.new(subscription_id, number=1)])
    template = shop.HostInactive.from_product_id(shop.products["host small"], "c")
    mixture = Mixture(
        product=template.product.model_copy(update={"product_id": product, "name": "mixture"}),
        customer_id="c",
        subscription_id=subscription_id,
        mixed=mixed,
    )
    mixture.save()
    loaded = reload(mixture)
    assert loaded.mixed == mixture.mixed
    assert [type(part) for part in loaded.mixed.parts] == [Two, One]
    assert loaded.mixed.either.parts[0].number == 5
    assert loaded.optional is None


def test_abstract_attribute_loads_the_concrete_block(shop: SimpleNamespace) -> None:
    class Device(ProductBlockModel):
        serial: str | None = None

    class Switch(Device, product_block_name="Switch"):
        ports: int | None = None

    class Box(SubscriptionModel, is_base=True):
        device: Device | None = None

    box = Box.from_product_id(product_of(Box), "customer-1")
    box.device = Switch.new(box.subscription_id, serial="x", ports=48)
    box.save()
    assert type(reload(box).device) is Switch
    assert reload(box).device.ports == 48


def test_one_object_for_a_block_reached_twice(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    circuit = reload(make_circuit(shop, [host, host]))
    assert circuit.circuit.legs[0].host is circuit.circuit.legs[1].host


def test_blocks_that_hold_each_other_are_named(shop: SimpleNamespace) -> None:
    """A circle can only be stored by going around the models; loading says what it is instead of never ending."""

    class Ring(ProductBlockModel, product_block_name="Ring"):
        next: Ring | None = None

    class Loop(SubscriptionModel, is_base=True):
        ring: Ring

    loops = [Loop.from_product_id(product_of(Loop), "c") for _ in range(2)]
    for loop in loops:
        loop.save()
    loops[0].ring.next = loops[1].ring
    loops[0].save()
    SubscriptionInstanceRelation.objects.create(
        in_use_by_id=loops[1].ring.subscription_instance_id,
        depends_on_id=loops[0].ring.subscription_instance_id,
        domain_model_attr="next",
    )
    with pytest.raises(ValueError, match=r"Block .* \(Ring\) holds itself"):
        reload(loops[0])


@pytest.mark.django_db
def test_unknown_id_is_named() -> None:
    """Conformance 149."""
    unknown = uuid4()
    with pytest.raises(ValueError, match=f"Subscription with id: {unknown}, does not exist"):
        SubscriptionModel.from_subscription(unknown)


def test_empty_note_is_no_note(shop: SimpleNamespace) -> None:
    """Conformance 151."""
    host = make_host(shop)
    host.note = "careful"
    host.save()
    assert reload(host).note == "careful"
    host.note = "  "
    host.save()
    assert Subscription.objects.get(pk=host.subscription_id).note is None


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    SMALL = 1


MOMENTS = st.datetimes(timezones=st.just(UTC), min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1))
TEXTS = st.text(alphabet=st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)
VALUES: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "text": (str, TEXTS),
    "number": (int, st.integers(-(2**63), 2**63)),
    "real": (float, st.floats(allow_nan=False, allow_infinity=False)),
    "truth": (bool, st.booleans()),
    "id": (UUID, st.uuids()),
    "v4": (IPv4Address, st.ip_addresses(v=4)),
    "v6": (IPv6Interface, st.ip_addresses(v=6).map(lambda address: IPv6Interface(f"{address}/64"))),
    "moment": (datetime, MOMENTS),
    "period": (timedelta, st.timedeltas(timedelta(days=-999), timedelta(days=999))),
    "price": (Decimal, st.decimals(allow_nan=False, allow_infinity=False, places=4, max_value=10**9, min_value=0)),
    "colour": (Colour, st.sampled_from(Colour)),
    "size": (Size, st.sampled_from(Size)),
    "numbers": (list[int], st.lists(st.integers(-5, 5), max_size=5)),
    "texts": (set[str], st.sets(TEXTS, max_size=4)),
    "pair": (tuple[int, str], st.tuples(st.integers(), TEXTS)),
    "mapping": (dict[str, list[int]], st.dictionaries(TEXTS, st.lists(st.integers(), max_size=3), max_size=3)),
    "either": (int | str, st.one_of(st.integers(), TEXTS)),
}


@pytest.fixture
def everything(shop: SimpleNamespace) -> tuple[type[SubscriptionModel], UUID]:
    annotations = {name: kind | None for name, (kind, _strategy) in VALUES.items()}
    block = type(
        "All",
        (ProductBlockModel,),
        {"__annotations__": annotations, "__module__": __name__, **dict.fromkeys(VALUES)},
        product_block_name="All",
    )
    model = type(
        "Every", (SubscriptionModel,), {"__annotations__": {"all": block}, "__module__": __name__}, is_base=True
    )
    return model, product_of(model)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.fixed_dictionaries({name: st.none() | strategy for name, (_kind, strategy) in VALUES.items()}))
def test_values_of_every_type_survive(everything: tuple[type[SubscriptionModel], UUID], values: dict[str, Any]) -> None:
    """Types, order of lists and precision are kept, on both databases."""
    model, product_id = everything
    subscription: Any = model.from_product_id(product_id, "customer-1")
    for name, value in values.items():
        setattr(subscription.all, name, value)
    subscription.save()
    loaded = reload(subscription)
    assert loaded.all == subscription.all
    for name, value in values.items():
        assert type(getattr(loaded.all, name)) is type(value)


def test_nul_becomes_a_mark_and_nan_is_refused_by_name(everything: tuple[type[SubscriptionModel], UUID]) -> None:
    model, product_id = everything
    subscription: Any = model.from_product_id(product_id, "customer-1", INITIAL)
    subscription.all.text = "a\0b"
    subscription.save()
    assert reload(subscription).all.text == f"a{NUL_MARK}b"
    subscription.all.real = float("nan")
    with pytest.raises(NotJson, match="real"):
        subscription.save()
