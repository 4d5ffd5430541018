"""Put the steps of blocks into a workflow: one list in the order in which blocks hold each other.

Composed when a workflow is first asked for its steps, so the modules that register steps may come in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from products import registry as catalogue
from products.enums import Target
from products.registry import RegistryError
from subscriptions.domain import ProductBlockModel
from subscriptions.domain.base import DomainModel, fields_of
from workflows.engine.block_focus import BLOCK_KEY, Focus, accepted_by, joined
from workflows.engine.blocks import BlocksOf
from workflows.engine.combinators import through
from workflows.engine.fork_steps import foreach
from workflows.engine.steps import NAME_LENGTH, Predicate, Step, StepList, begin, nothing_to_undo


class CannotCompose(RegistryError):
    """The steps of blocks cannot be put where a workflow asks for them; the message begins with that place."""


def composed(steps: StepList) -> StepList:
    """Put the steps of blocks where a workflow, or a branch of it, asks for them. Raises CannotCompose."""
    result = begin
    for one in steps:
        if one.blocks is not None:
            result = result >> StepList(_only_if(step, *one.conditions) for step in steps_for(one.blocks))
        elif one.fork is not None:
            result = result >> replace(one, fork=one.fork.with_steps(composed))
        else:
            result = result >> one
    return result


def steps_for(blocks: BlocksOf) -> StepList:
    """Return the steps that create, modify or terminate the blocks of one product. Raises CannotCompose."""
    known = {block.__block_name__ for block in held_by(blocks.model)}
    for left_out in blocks.without:
        if not left_out.__names__ & known:
            raise CannotCompose(
                f"{blocks.source}: {blocks.model.__name__} has no block {left_out.__name__}, so it cannot be left out"
            )
    parts = list(_parts(blocks, blocks.model, Focus(blocks.model), ()))
    return _in_order(parts, blocks.target)


def held_by(cls: type[DomainModel]) -> list[type[ProductBlockModel]]:
    """Return every block that a model can hold at any depth, each name once."""
    found: dict[str | None, type[ProductBlockModel]] = {}
    waiting: list[type[DomainModel]] = [cls]
    while waiting:
        for field in fields_of(waiting.pop()).blocks.values():
            new = [block for block in accepted_by(field) if block.__block_name__ not in found]
            found |= {block.__block_name__: block for block in new}
            waiting += new
    return list(found.values())


def names_of(block: type[ProductBlockModel]) -> list[str]:
    """Return the name of a block and the names of those that it descends from, the nearest first."""
    names = (getattr(cls, "__block_name__", None) for cls in block.__mro__)
    return list(dict.fromkeys(name for name in names if name is not None))


def _in_order(parts: Iterable[StepList], target: Target) -> StepList:
    """Join the parts of blocks, which come with those first that others hold."""
    ordered = list(parts)
    if target is Target.TERMINATE:
        ordered.reverse()
    return StepList(step for part in ordered for step in part)


def _parts(blocks: BlocksOf, cls: type[DomainModel], focus: Focus, way: tuple[str, ...]) -> Iterator[StepList]:
    """Go through the parts of all blocks below a model. `way` names the blocks above."""
    for attribute, field in fields_of(cls).blocks.items():
        for block in accepted_by(field):
            name = str(block.__block_name__)
            if any(name in left_out.__names__ for left_out in blocks.without):
                continue
            held = focus.at(attribute, name)
            if name in way:
                _check_needs_no_steps(blocks, block, held)
            elif field.is_list:
                yield from _of_list(blocks, block, held, (*way, name))
            else:
                yield from _of_block(blocks, block, held, (*way, name))


def _of_block(
    blocks: BlocksOf, block: type[ProductBlockModel], focus: Focus, way: tuple[str, ...]
) -> Iterator[StepList]:
    yield from _parts(blocks, block, focus, way)
    if steps := _registered(block, blocks.target):
        yield through(focus.lens)(steps).map(lambda step: _only_if(_named(step, focus.path), focus.is_here))


def _of_list(
    blocks: BlocksOf, block: type[ProductBlockModel], focus: Focus, way: tuple[str, ...]
) -> Iterator[StepList]:
    steps = _in_order(_of_block(blocks, block, focus.on_item(), way), blocks.target)
    if steps:
        fork = foreach(
            _with_path(f"{blocks.target.capitalize()} {focus.name}", focus.path),
            focus.items,
            steps,
            item=BLOCK_KEY,
            merge=joined,
            max_parallel=blocks.max_parallel,
        )
        yield StepList([_only_if(fork, focus.has_items)])


def _registered(block: type[ProductBlockModel], target: Target) -> StepList | None:
    """Return the steps of a block, or of the next one that it descends from which has any."""
    specs = (catalogue.block_steps().get(name) for name in names_of(block))
    found = next((spec.steps.get(target) for spec in specs if spec is not None), None)
    return found if isinstance(found, StepList) else None


def _check_needs_no_steps(blocks: BlocksOf, block: type[ProductBlockModel], focus: Focus) -> None:
    if any(_registered(one, blocks.target) for one in (block, *held_by(block))):
        raise CannotCompose(
            f"{blocks.source}: Block {focus.name!r} holds itself at {focus.path} of {focus.model.__name__}, so its "
            f"steps would come as often as is known only at run time; leave it out with without=[{block.__name__}]"
        )


def _only_if(step: Step, *conditions: Predicate) -> Step:
    return replace(step, conditions=(*conditions, *step.conditions))


def _named(step: Step, path: str) -> Step:
    """Let a step, and the one that undoes it, say which block they are for."""
    undo = step.undo
    if undo is not None and undo is not nothing_to_undo:
        undo = replace(undo, name=_with_path(undo.name, path))
    return replace(step, name=_with_path(step.name, path), undo=undo)


def _with_path(name: str, path: str) -> str:
    """Return a name with the path behind it; none for the block that a branch is for, which names the path itself."""
    tail = f" ({path})" if path else ""
    return name[: NAME_LENGTH - len(tail)] + tail
