"""Two products that share their blocks, and steps of blocks that note what they did."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from products import ProductSpec, register
from products.models import Product
from products.sync import sync_catalogue
from subscriptions.domain import ProductBlockModel, SubscriptionLifecycle, SubscriptionModel
from workflows import State, Step, StepList, begin, step, step_context

ACTIVE = SubscriptionLifecycle.ACTIVE

# What steps of blocks did, in order, and the things outside that they made: name to idempotency key.
CALLS: list[str] = []
MADE: dict[str, str] = {}
FAILING: set[str] = set()


def clean() -> None:
    for kept in (CALLS, MADE, FAILING):
        kept.clear()


def declare() -> SimpleNamespace:
    """Declare ports, and circuits and rings of access points on them; their products have the names of the classes."""

    class PortBlock(ProductBlockModel, product_block_name="Port"):
        title: str | None = None
        number: int | None = None

    class LabelledPortBlock(PortBlock, product_block_name="LabelledPort"):
        pass

    class PolicerBlock(ProductBlockModel, product_block_name="Policer"):
        number: int | None = None

    class ShaperBlock(ProductBlockModel, product_block_name="Shaper"):
        number: int | None = None

    class AccessBlock(ProductBlockModel, product_block_name="Access"):
        title: str | None = None
        number: int | None = None
        port: PortBlock | None = None
        policing: PolicerBlock | ShaperBlock | None = None

    class CircuitBlock(ProductBlockModel, product_block_name="Circuit"):
        number: int | None = None
        accesses: list[AccessBlock] = []
        spare: AccessBlock | None = None

    class BundleBlock(ProductBlockModel, product_block_name="Bundle"):
        number: int | None = None
        circuits: list[CircuitBlock] = []

    class FolderBlock(ProductBlockModel, product_block_name="Folder"):
        inner: FolderBlock | None = None

    class Port(SubscriptionModel, is_base=True):
        port: PortBlock

    class LabelledPort(SubscriptionModel, is_base=True):
        port: LabelledPortBlock

    class Circuit(SubscriptionModel, is_base=True):
        circuit: CircuitBlock

    class Ring(SubscriptionModel, is_base=True):
        start: AccessBlock
        circuit: CircuitBlock

    class Bundle(SubscriptionModel, is_base=True):
        bundle: BundleBlock

    class Folder(SubscriptionModel, is_base=True):
        folder: FolderBlock

    for model in (Port, LabelledPort, Circuit, Ring, Bundle, Folder):
        register(ProductSpec(model.__name__, model, tag=model.__name__.upper(), description=model.__name__))
    sync_catalogue()
    classes = {name: value for name, value in locals().items() if isinstance(value, type)}
    return SimpleNamespace(**classes, products=dict(Product.objects.values_list("name", "product_id")))


def access(network: SimpleNamespace, owner: SubscriptionModel, title: str, **values: Any) -> Any:
    return network.AccessBlock.new(owner.subscription_id, title=title, **values)


def saved(network: SimpleNamespace, name: str) -> Any:
    """Return a subscription that is stored and active, with no more blocks than it must have."""
    model: Any = getattr(network, name).from_product_id(network.products[name], "customer", status=ACTIVE, insync=True)
    model.save()
    return model


def constructs(make: Any) -> Step:
    """Return the step of a create workflow that makes the subscription; `make()` returns its model."""

    @step("Construct")
    def construct() -> State:
        subscription = make()
        return {"subscription": subscription, "subscription_id": subscription.subscription_id}

    return construct


def filled(block: ProductBlockModel, **values: Any) -> State:
    """Return what a step returns that has changed these values of its block."""
    for name, value in values.items():
        setattr(block, name, value)
    return {"block": block}


def works_on(name: str, verb: str) -> StepList:
    """Return two steps of a block: one makes a thing outside, one stores its number in the block."""

    def label(block: ProductBlockModel) -> str:
        return f"{name} {getattr(block, 'title', None) or ''}".strip()

    def take_away(block: ProductBlockModel) -> None:
        CALLS.append(f"Undo {verb} {label(block)}")
        MADE.pop(label(block), None)

    @step(f"{verb} {name}", undo=take_away)
    def make(block: ProductBlockModel) -> State:
        CALLS.append(f"{verb} {label(block)}")
        MADE[label(block)] = str(step_context().idempotency_key)
        if label(block) in FAILING:
            raise ConnectionError(f"{label(block)} does not work")
        return {"number": len(CALLS)}

    @step(f"Number {name}", effects="database")
    def keep(block: ProductBlockModel, number: int) -> State:
        return filled(block, number=number)

    return begin >> make >> keep
