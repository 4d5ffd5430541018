"""Attributes that hold blocks, in every spelling that a product package may use, survive saving and loading."""

from __future__ import annotations

from enum import StrEnum
from types import SimpleNamespace
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

import pytest
from annotated_types import Len
from pydantic import Field, computed_field

from products import ProductSpec, register
from products.models import Product
from products.sync import catalogue_drift, sync_catalogue
from subscriptions.domain import SI, ProductBlockModel, SubscriptionModel
from subscriptions.models import SubscriptionInstance, SubscriptionInstanceRelation
from tests.subscriptions.conftest import ACTIVE, make_circuit, make_host, reload

T = TypeVar("T", bound=ProductBlockModel)
ListOf = Annotated[list[SI], Len(1, 3)]


def product_of(model: type[SubscriptionModel], **fixed_inputs: Any) -> UUID:
    name = model.__name__.lower()
    register(ProductSpec(name, model, tag="T", description="A product", fixed_inputs=fixed_inputs))
    sync_catalogue()
    return Product.objects.get(name=name).product_id


def test_generic_block(shop: SimpleNamespace) -> None:
    """One block of the catalogue, whatever its parameter becomes, in each lifecycle status."""

    class HolderInactive(ProductBlockModel, Generic[T], product_block_name="Holder"):
        thing: T
        things: list[T] = []
        number: int | None = None

    class Holder(HolderInactive[T], Generic[T], lifecycle=[ACTIVE]):
        number: int

    class ShelfInactive(SubscriptionModel, is_base=True):
        holder: HolderInactive[shop.HostBlockInactive]

    class Shelf(ShelfInactive, lifecycle=[ACTIVE]):
        holder: Holder[shop.HostBlock]

    shelf: Any = ShelfInactive.from_product_id(product_of(Shelf), "customer-1")
    shelf.holder.thing.host_name = "one"
    shelf.holder.things.append(shop.HostBlockInactive.new(shelf.subscription_id, host_name="two"))
    shelf.holder.number = 3
    shelf.save()
    loaded = reload(shelf)
    assert loaded == shelf
    active: Any = Shelf.from_other_lifecycle(loaded, ACTIVE)
    active.save()
    loaded = reload(active)
    assert loaded.holder == active.holder
    assert (loaded.holder.name, loaded.holder.number) == ("Holder", 3)
    assert [type(host) for host in (loaded.holder.thing, *loaded.holder.things)] == [shop.HostBlock] * 2
    alone = Holder[shop.HostBlock].from_db(loaded.holder.subscription_instance_id)
    assert alone == loaded.holder
    assert Shelf.diff_product_in_database(active.product.product_id) == {}
    assert not [drift for drift in catalogue_drift() if drift.repairable]


def test_bounded_list_of_a_type_variable_and_of_a_union(shop: SimpleNamespace) -> None:
    class Bag(ProductBlockModel, product_block_name="Bag"):
        hosts: ListOf[shop.HostBlockInactive]
        either: ListOf[shop.HostBlockInactive | shop.LegBlockInactive]
        maybe: list[shop.LegBlockInactive] | None = None

    class BagProduct(SubscriptionModel, is_base=True):
        bag: Bag | None = None

    model: Any = BagProduct.from_product_id(product_of(BagProduct), "customer-1")
    assert model.bag is None
    model.save()
    model.bag = Bag.new(model.subscription_id, either=[shop.LegBlockInactive.new(model.subscription_id)])
    model.save()
    loaded = reload(model)
    assert loaded == model
    assert type(loaded.bag.either[0]) is shop.LegBlockInactive
    loaded.bag.maybe = [shop.LegBlockInactive.new(model.subscription_id, vlan=4)]
    loaded.save()
    assert reload(model).bag.maybe[0].vlan == 4
    loaded.bag = None
    loaded.save()
    assert reload(model).bag is None
    assert not SubscriptionInstance.objects.filter(subscription_id=model.subscription_id).exists()


def test_block_of_its_own_kind(shop: SimpleNamespace) -> None:
    class Nest(ProductBlockModel, product_block_name="Nest"):
        number: int = 0
        inner: Nest | None = None
        more: list[Nest] = []

    class NestProduct(SubscriptionModel, is_base=True):
        nest: Nest

    product = product_of(NestProduct)
    outer, other = (NestProduct.from_product_id(product, "customer-1") for _ in range(2))
    other.nest.number = 2
    other.save()
    outer.nest.inner = other.nest
    outer.nest.more = [Nest.new(outer.subscription_id, number=9)]
    outer.save()
    loaded = reload(outer)
    assert loaded == outer
    assert (loaded.nest.inner.number, loaded.nest.more[0].number) == (2, 9)
    assert loaded.nest.inner.owner_subscription_id == other.subscription_id


def test_union_in_each_lifecycle_status(shop: SimpleNamespace) -> None:
    """Conformance 143, 144: the variant for the status, with what it computes."""

    class PlugInactive(ProductBlockModel, product_block_name="Plug"):
        pins: int | None = None

    class Plug(PlugInactive, lifecycle=[ACTIVE]):
        pins: int

        @computed_field  # type: ignore[prop-decorator]
        @property
        def title(self) -> str:
            return f"{self.pins} pins"

    class SocketInactive(ProductBlockModel, product_block_name="Socket"):
        depth: int | None = None

    class Socket(SocketInactive, lifecycle=[ACTIVE]):
        depth: int

    class BoxInactive(ProductBlockModel, product_block_name="Box"):
        part: PlugInactive | SocketInactive | None = None
        parts: list[PlugInactive | SocketInactive] = []

    class Box(BoxInactive, lifecycle=[ACTIVE]):
        part: Plug | Socket
        parts: list[Plug | Socket]

    class BoxProductInactive(SubscriptionModel, is_base=True):
        box: BoxInactive
        spare: PlugInactive | SocketInactive | None = None

    class BoxProduct(BoxProductInactive, lifecycle=[ACTIVE]):
        box: Box
        spare: Plug | Socket | None = None

    model: Any = BoxProductInactive.from_product_id(product_of(BoxProduct), "customer-1")
    owner = model.subscription_id
    model.box.part = SocketInactive.new(owner, depth=1)
    model.box.parts = [SocketInactive.new(owner, depth=2), PlugInactive.new(owner, pins=3)]
    model.spare = PlugInactive.new(owner, pins=5)
    model.save()
    SubscriptionModel.from_other_lifecycle(reload(model), ACTIVE).save()
    loaded = reload(model)
    assert [type(part) for part in (loaded.box.part, *loaded.box.parts, loaded.spare)] == [Socket, Socket, Plug, Plug]
    dump = loaded.model_dump()
    assert (dump["box"]["parts"][1]["title"], dump["spare"]["title"]) == ("3 pins", "5 pins")


def test_alias_is_the_name_in_the_database(shop: SimpleNamespace) -> None:
    class Named(ProductBlockModel, product_block_name="Named"):
        number: int | None = Field(None, alias="the-number")
        host: shop.HostBlockInactive = Field(alias="the-host")

    class NamedProduct(SubscriptionModel, is_base=True):
        named: Named = Field(alias="the-block")

    model: Any = NamedProduct.from_product_id(product_of(NamedProduct), "customer-1")
    model.named.number = 4
    model.named.host.host_name = "alfa"
    model.save()
    row = SubscriptionInstance.objects.get(pk=model.named.subscription_instance_id)
    assert (row.values, row.root_attr) == ({"the-number": 4}, "the-block")
    assert SubscriptionInstanceRelation.objects.get().domain_model_attr == "the-host"
    assert reload(model) == model
    assert SubscriptionModel.from_other_lifecycle(reload(model), ACTIVE).named.number == 4  # type: ignore[attr-defined]


def test_fixed_inputs_have_the_types_of_the_model(shop: SimpleNamespace) -> None:
    class Colour(StrEnum):
        RED = "red"

    class Plain(ProductBlockModel, product_block_name="Plain"):
        number: int | None = None

    class Typed(SubscriptionModel, is_base=True):
        size: Literal[1000, 2000]
        colour: Colour
        flag: bool
        extra: int | None = None
        plain: Plain

    model: Any = Typed.from_product_id(product_of(Typed, size=1000, colour=Colour.RED, flag=True), "customer-1")
    model.save()
    for typed in (model, reload(model)):
        assert (typed.size, typed.colour, typed.flag, typed.extra) == (1000, Colour.RED, True, None)
        assert type(typed.colour) is Colour


def test_dump_builds_the_model_again(shop: SimpleNamespace) -> None:
    circuit = reload(make_circuit(shop, [make_host(shop, ports=[1]), make_host(shop, "bravo")]))
    assert shop.Circuit(**circuit.model_dump()) == circuit
    assert shop.Circuit.model_validate_json(circuit.model_dump_json()) == circuit


def test_block_is_loaded_from_a_user_of_another(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    make_circuit(shop, [host, make_host(shop, "bravo")])
    (user,) = reload(host).host.in_use_by
    leg = shop.LegBlock.from_db(subscription_instance=user)
    assert (leg.vlan, leg.host) == (100, reload(host).host)
    assert [used.subscription_instance_id for used in leg.depends_on] == [host.host.subscription_instance_id]
    with pytest.raises(ValueError, match="Name the block to load"):
        shop.LegBlock.from_db()
