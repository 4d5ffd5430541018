"""Declaring blocks and making new ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Annotated, Generic, TypeVar
from uuid import UUID, uuid4

import pytest
from annotated_types import Len
from pydantic import BaseModel, Field, ValidationError, conlist

from products.models import ProductBlock
from subscriptions.domain import (
    SUBSCRIPTION_MODEL_REGISTRY,
    ProductBlockModel,
    ProductNotInRegistryError,
    SubscriptionModel,
)
from subscriptions.domain.base import fields_of
from tests.subscriptions.conftest import ACTIVE, PROVISIONING, make_host


def test_catalogue_attributes_are_read_by_name(shop: SimpleNamespace) -> None:
    """Conformance 132."""
    row = ProductBlock.objects.get(name="Host")
    assert shop.HostBlock.name == "Host"
    assert (shop.HostBlock.product_block_id, shop.HostBlock.tag) == (row.product_block_id, "HOST")
    assert shop.HostBlock.description == "A machine."
    assert shop.HostBlockInactive.new(uuid4()).tag == "HOST"


def test_loaded_block_knows_its_catalogue_row_without_a_query(
    shop: SimpleNamespace, django_assert_num_queries: object
) -> None:
    host = SubscriptionModel.from_subscription(make_host(shop).subscription_id)
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert host.host.tag == "HOST"
        assert host.host.description == "A machine."


def test_abstract_block_cannot_be_made(own_registry: None) -> None:
    """Conformance 132."""

    class Device(ProductBlockModel):
        serial: str | None = None

    class Switch(Device, product_block_name="Switch"):
        pass

    class Router(Device, product_block_name="Router"):
        pass

    assert Device.name is None
    assert Device.__names__ == {"Router", "Switch"}
    with pytest.raises(ValueError, match=r"Cannot create instance of abstract class\. Use one of Router, Switch"):
        Device.new(uuid4())


def test_new_makes_what_is_required(classes: SimpleNamespace) -> None:
    """Conformance 134."""
    owner = uuid4()
    circuit = classes.CircuitBlockInactive.new(owner)
    assert len(circuit.legs) == 2
    assert all(leg.owner_subscription_id == owner for leg in circuit.legs)
    assert circuit.legs[0].subscription_instance_id != circuit.legs[1].subscription_instance_id
    assert circuit.spare is None
    assert circuit.legs[0].host is None


def test_new_goes_as_deep_as_blocks_are_required(own_registry: None) -> None:
    """Conformance 134."""

    class Deepest(ProductBlockModel, product_block_name="Deepest"):
        number: int = 7

    class Middle(ProductBlockModel, product_block_name="Middle"):
        below: Deepest

    class Top(ProductBlockModel, product_block_name="Top"):
        middle: Middle
        more: list[Middle]

    top = Top.new(uuid4())
    assert top.middle.below.number == 7
    assert top.more == []


def test_new_keeps_what_is_given_and_its_own_name(classes: SimpleNamespace) -> None:
    legs = [classes.LegBlockInactive.new(uuid4()) for _ in range(3)]
    circuit = classes.CircuitBlockInactive.new(uuid4(), legs=legs, speed=5, name="Impostor", label="mine")
    assert circuit.legs == legs
    assert (circuit.name, circuit.label) == ("Circuit", "mine")


def test_new_does_not_choose_from_a_required_union(own_registry: None) -> None:
    class One(ProductBlockModel, product_block_name="One"):
        pass

    class Two(ProductBlockModel, product_block_name="Two"):
        pass

    class Either(ProductBlockModel, product_block_name="Either"):
        part: One | Two
        maybe: One | Two | None = None

    with pytest.raises(ValueError, match=r"Either.part takes one of One, Two"):
        Either.new(uuid4())
    assert Either.new(uuid4(), part=Two.new(uuid4())).maybe is None


def test_fields_are_told_apart_in_all_spellings(classes: SimpleNamespace) -> None:
    T = TypeVar("T", bound=ProductBlockModel)

    class Holder(ProductBlockModel, Generic[T]):
        thing: T

    class Parent(ProductBlockModel, product_block_name="Parent"):
        single: classes.LegBlockInactive
        optional: classes.LegBlockInactive | None = None
        several: list[classes.LegBlockInactive]
        bounded: Annotated[list[classes.LegBlockInactive], Len(1, 3)]
        older: conlist(classes.LegBlockInactive, min_length=2, max_length=4)
        mixed: list[classes.LegBlockInactive | classes.HostBlockInactive]
        plain: list[int] | None = None
        renamed: str | None = Field(None, alias="stored-name")

    fields = fields_of(Parent)
    assert set(fields.blocks) == {"single", "optional", "several", "bounded", "older", "mixed"}
    assert (fields.blocks["bounded"].min_length, fields.blocks["bounded"].max_length) == (1, 3)
    assert (fields.blocks["older"].min_length, fields.blocks["older"].max_length) == (2, 4)
    assert [block.__name__ for block in fields.blocks["mixed"].blocks] == ["LegBlockInactive", "HostBlockInactive"]
    assert fields.blocks["optional"].optional
    assert fields.values["renamed"].key == "stored-name"
    assert "thing" in fields_of(Holder[classes.LegBlockInactive]).blocks
    assert set(Parent._product_block_fields_) == set(fields.blocks)


def test_inherited_fields_count(classes: SimpleNamespace) -> None:
    class Tall(classes.HostBlockInactive, product_block_name="Tall"):
        height: int | None = None

    assert set(fields_of(Tall).values) == {"host_name", "address", "ports", "racks", "height"}


def test_nested_block_must_suit_the_lifecycle(classes: SimpleNamespace) -> None:
    """Conformance 145."""
    with pytest.raises(AssertionError, match=r"field legs .* is not suitable for the lifecycle status \(active\) of"):

        class Wrong(classes.CircuitBlockInactive, lifecycle=[ACTIVE]):
            legs: list[classes.LegBlockInactive]

    with pytest.raises(AssertionError, match="host"):

        class WrongSubscription(classes.HostInactive, lifecycle=[PROVISIONING, ACTIVE]):
            host: classes.HostBlockInactive


def test_each_member_of_a_union_must_suit_the_lifecycle(classes: SimpleNamespace) -> None:
    """Conformance 145."""

    class Union(ProductBlockModel, product_block_name="Union"):
        part: classes.HostBlockInactive | classes.LegBlockInactive

    with pytest.raises(AssertionError, match="LegBlockInactive"):

        class UnionActive(Union, lifecycle=[ACTIVE]):
            part: classes.HostBlock | classes.LegBlockInactive


def test_registry_refuses_what_cannot_be_stored(own_registry: None) -> None:
    """Conformance 133."""

    class Loose(BaseModel):
        number: int

    class Nameless(ProductBlockModel):
        number: int

    class Block(ProductBlockModel, product_block_name="Block"):
        loose: Loose | None = None

    for annotation in (BaseModel, Loose, Nameless, Block, list[Loose]):
        model = type(
            "Product",
            (SubscriptionModel,),
            {"__annotations__": {"thing": annotation}, "__module__": __name__},
            is_base=True,
        )
        with pytest.raises(TypeError, match="thing"):
            SUBSCRIPTION_MODEL_REGISTRY.update({"product": model})
        with pytest.raises(TypeError, match="thing"):
            SUBSCRIPTION_MODEL_REGISTRY["product"] = model
    assert "product" not in SUBSCRIPTION_MODEL_REGISTRY


def test_registry_sees_registered_products_and_names_unknown_ones(classes: SimpleNamespace) -> None:
    assert SUBSCRIPTION_MODEL_REGISTRY["host big"] is classes.Host
    assert SUBSCRIPTION_MODEL_REGISTRY.get("nothing") is None
    with pytest.raises(ProductNotInRegistryError, match="'nothing' is not found within the SUBSCRIPTION_MODEL_REGI"):
        SUBSCRIPTION_MODEL_REGISTRY["nothing"]


def test_equality_counts_public_fields_only(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    loaded = SubscriptionModel.from_subscription(host.subscription_id)
    assert host.host.stored is None
    assert loaded.host.stored is not None
    assert loaded.host == host.host
    loaded.host.host_name = "other"
    assert loaded.host != host.host


def test_assignments_are_validated(classes: SimpleNamespace) -> None:
    host = classes.HostBlockInactive.new(uuid4())
    with pytest.raises(ValidationError):
        host.address = "not an address"
    host.address = "10.1.1.1"
    assert str(host.address) == "10.1.1.1"


def test_from_db_loads_one_block(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    loaded = shop.HostBlockInactive.from_db(host.host.subscription_instance_id)
    assert type(loaded) is shop.HostBlock
    assert loaded == host.host
    with pytest.raises(ValueError, match="does not exist"):
        shop.HostBlock.from_db(UUID(int=1))
    with pytest.raises(ValueError, match="is a Host, not one of"):
        shop.LegBlock.from_db(host.host.subscription_instance_id)
