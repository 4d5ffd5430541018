"""Loading and saving takes the same number of statements for one block as for hundreds. Counts, not times."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from products import ProductSpec, register
from products.models import Product
from products.sync import sync_catalogue
from subscriptions.domain import ProductBlockModel, SubscriptionModel, isolated

SIZES = (1, 10, 50, 200)


@pytest.fixture
def rack(transactional_db: None) -> Iterator[SimpleNamespace]:
    """A product of any number of slots, each of which may hold a card of another subscription."""
    with isolated(empty=True):

        class Card(ProductBlockModel, product_block_name="Card"):
            serial: str | None = None

        class Slot(ProductBlockModel, product_block_name="Slot"):
            number: int | None = None
            card: Card | None = None

        class Rack(ProductBlockModel, product_block_name="Rack"):
            slots: list[Slot]

        class RackProduct(SubscriptionModel, is_base=True):
            rack: Rack

        class CardProduct(SubscriptionModel, is_base=True):
            card: Card

        register(ProductSpec("rack", RackProduct, tag="RACK", description="A rack"))
        register(ProductSpec("card", CardProduct, tag="CARD", description="A card"))
        sync_catalogue()
        products = dict(Product.objects.values_list("name", "product_id"))
        yield SimpleNamespace(Slot=Slot, Rack=RackProduct, Card=CardProduct, products=products)


def build(rack: SimpleNamespace, slots: int) -> Any:
    """A rack in memory; every slot holds a card of a subscription of its own, all saved but the rack."""
    from subscriptions.services import save_models

    cards = [rack.Card.from_product_id(rack.products["card"], "c") for _ in range(slots)]
    save_models(cards)
    model = rack.Rack.from_product_id(rack.products["rack"], "c")
    model.rack.slots = [
        rack.Slot.new(model.subscription_id, number=number, card=card.card) for number, card in enumerate(cards)
    ]
    return model


def statements(action: Any) -> int:
    with CaptureQueriesContext(connection) as captured:
        action()
    framing = ("SAVEPOINT", "RELEASE SAVEPOINT", "BEGIN", "COMMIT")
    return sum(not query["sql"].startswith(framing) for query in captured.captured_queries)


@pytest.mark.parametrize("slots", SIZES)
def test_statements_do_not_depend_on_size(rack: SimpleNamespace, slots: int) -> None:
    model = build(rack, slots)
    assert statements(model.save) == 9
    loaded: list[Any] = []
    assert statements(lambda: loaded.append(SubscriptionModel.from_subscription(model.subscription_id))) == 4
    (loaded_model,) = loaded
    assert len(loaded_model.rack.slots) == slots
    assert statements(lambda: loaded_model.model_dump(mode="json")) == 0
    assert statements(loaded_model.save) == 0
    for slot in loaded_model.rack.slots:
        slot.number += 1
        slot.label = "moved"
    assert statements(loaded_model.save) == 5
    for slot in loaded_model.rack.slots:
        slot.card = None
    assert statements(loaded_model.save) == 6
    loaded_model.rack.slots = []
    assert statements(loaded_model.save) == 7


@pytest.mark.parametrize("owners", SIZES)
def test_many_subscriptions_load_at_once(rack: SimpleNamespace, owners: int) -> None:
    model = build(rack, owners)
    model.save()
    ids = [slot.card.owner_subscription_id for slot in model.rack.slots]
    assert statements(lambda: SubscriptionModel.from_subscriptions([model.subscription_id, *ids])) == 4
