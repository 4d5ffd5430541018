"""Steps that a product block brings to the workflows of all products that have it, and where a workflow takes them up.

Nothing here touches the database or the settings: product packages import it before Django is set up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from products import registry as catalogue
from products.enums import Target
from products.registry import BlockStepsSpec, Source
from subscriptions.domain import ProductBlockModel, SubscriptionModel
from workflows.engine.steps import Step, StepKind, StepList, as_steps, without_forks


@dataclass(frozen=True, kw_only=True)
class BlocksOf:
    """Whose blocks' steps a place in a workflow stands for. `source`: where the workflow says so."""

    target: Target
    model: type[SubscriptionModel]
    without: tuple[type[ProductBlockModel], ...]
    max_parallel: int | None
    source: Source


def register_block_steps(
    block: type[ProductBlockModel],
    *,
    create: Step | StepList | None = None,
    modify: Step | StepList | None = None,
    terminate: Step | StepList | None = None,
) -> None:
    """Give a product block the steps that create, modify and terminate it in the workflow of any product.

    The steps see the block alone, as `block`, and what they have returned themselves; they return `{"block": block}`
    to have it saved. A block without steps of its own has those of the block that it descends from. Raises
    DuplicateRegistration, and ValueError for what cannot be the steps of a block.
    """
    name = _name_of(block)
    given = {Target.CREATE: create, Target.MODIFY: modify, Target.TERMINATE: terminate}
    steps = {target: as_steps(one) for target, one in given.items() if one is not None}
    if not any(steps.values()):
        raise ValueError(f"Block {name!r} is given no steps; name some to create, modify or terminate it")
    for one in steps.values():
        without_forks(one, f"the steps of block {name!r}")
    catalogue.add_block_steps(BlockStepsSpec(name=name, steps=steps, source=catalogue.called_from(__file__)))


def create_blocks(
    model: type[SubscriptionModel],
    *,
    without: Iterable[type[ProductBlockModel]] = (),
    max_parallel: int | None = None,
) -> Step:
    """Stand for the steps that create the blocks of a subscription: first those blocks that others hold.

    They work on the blocks that `subscription` in the state owns, which is a `model`. Those of a list are done side by
    side, `max_parallel` at a time. `without` leaves blocks out, with all that they hold.
    """
    return _blocks(Target.CREATE, model, without, max_parallel)


def modify_blocks(
    model: type[SubscriptionModel],
    *,
    without: Iterable[type[ProductBlockModel]] = (),
    max_parallel: int | None = None,
) -> Step:
    """Like `create_blocks`, for the steps that modify blocks."""
    return _blocks(Target.MODIFY, model, without, max_parallel)


def terminate_blocks(
    model: type[SubscriptionModel],
    *,
    without: Iterable[type[ProductBlockModel]] = (),
    max_parallel: int | None = None,
) -> Step:
    """Like `create_blocks`, for the steps that terminate blocks: first those that hold others."""
    return _blocks(Target.TERMINATE, model, without, max_parallel)


def _blocks(
    target: Target,
    model: type[SubscriptionModel],
    without: Iterable[type[ProductBlockModel]],
    max_parallel: int | None,
) -> Step:
    if not (isinstance(model, type) and issubclass(model, SubscriptionModel)):
        raise ValueError(f"The blocks of {model!r} are unknown; name the SubscriptionModel that has them")
    blocks = BlocksOf(
        target=target,
        model=model,
        without=tuple(without),
        max_parallel=max_parallel,
        source=catalogue.called_from(__file__),
    )
    return Step(f"{target.capitalize()} blocks of {model.__name__}", StepKind.BLOCKS, blocks=blocks)


def _name_of(block: type[ProductBlockModel]) -> str:
    if not (isinstance(block, type) and issubclass(block, ProductBlockModel)):
        raise ValueError(f"{block!r} is no product block; name a ProductBlockModel")
    if block.__block_name__ is None:
        raise ValueError(f"{block.__name__} is abstract; give the steps to the blocks that descend from it")
    return block.__block_name__
