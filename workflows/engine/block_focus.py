"""Where a block stands in the subscription of a state, and how its steps see it: itself, and what they have returned.

Pure functions over the JSON of a state, which holds the subscription as its model dumps it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from subscriptions.domain import ProductBlockModel, SubscriptionModel
from subscriptions.domain.base import DomainModel, fields_of
from subscriptions.domain.fields import BlockField
from workflows.engine.steps import Lens, State

SUBSCRIPTION_KEY: Final = "subscription"
# What the steps of a block see it under, and in a branch for one block of a list: which one that is.
BLOCK_KEY: Final = "block"
# What the steps of blocks have returned beside the block, by its path.
BLOCK_STATE_KEY: Final = "block_state"
_ID: Final = "subscription_instance_id"
_OWNER: Final = "owner_subscription_id"


def accepted_by(field: BlockField) -> list[type[ProductBlockModel]]:
    """Return the class of each block that an attribute takes, one per name: those declared, then their descendants."""
    found: dict[str, type[ProductBlockModel]] = {}
    for declared in field.blocks:
        if declared.__block_name__ is not None:
            found.setdefault(declared.__block_name__, declared)
        for name in sorted(declared.__names__):
            found.setdefault(name, ProductBlockModel.registry[name])
    return list(found.values())


@dataclass(frozen=True)
class Focus:
    """A block by the attributes that lead to it: from the subscription, or from the block that a branch is for.

    None of them is a list, but maybe the last. `model` is the class of the subscription, `name` that of the block.
    """

    model: type[SubscriptionModel]
    attributes: tuple[str, ...] = ()
    name: str = ""
    in_branch: bool = False

    def at(self, attribute: str, name: str) -> Focus:
        """Return the focus on a block that this one holds."""
        return replace(self, attributes=(*self.attributes, attribute), name=name)

    def on_item(self) -> Focus:
        """Return the focus that the branch for one block of this list has on that block."""
        return replace(self, attributes=(), in_branch=True)

    @property
    def path(self) -> str:
        return ".".join(self.attributes)

    def is_here(self, state: State) -> bool:
        """Say whether the block is there, of this name, of this subscription, and not done elsewhere."""
        path, block = self._find(state)
        return isinstance(block, dict) and self._is_meant(block, path, self._places(state))

    def items(self, state: State) -> list[State]:
        """Return what the branches for the blocks of a list are given: path and id of each block that is to be done."""
        path, blocks = self._find(state)
        places = self._places(state)
        return [
            {"name": f"{path}.{index}", _ID: block[_ID]}
            for index, block in enumerate(blocks or [])
            if self._is_meant(block, f"{path}.{index}", places)
        ]

    def has_items(self, state: State) -> bool:
        return bool(self.items(state))

    @property
    def lens(self) -> Lens:
        """How the steps of the block see the state."""
        return Lens(get=self._seen, set=self._with)

    def _seen(self, state: State) -> State:
        path, block = self._find(state)
        return {**state.get(BLOCK_STATE_KEY, {}).get(path, {}), BLOCK_KEY: block}

    def _with(self, state: State, part: State) -> State:
        if not self.is_here(state):
            # The step was left out.
            return state
        path, _ = self._find(state)
        changed = {**state, SUBSCRIPTION_KEY: _replaced(state[SUBSCRIPTION_KEY], part[BLOCK_KEY])}
        if own := {key: value for key, value in part.items() if key != BLOCK_KEY}:
            changed[BLOCK_STATE_KEY] = {**state.get(BLOCK_STATE_KEY, {}), path: own}
        return changed

    def _find(self, state: State) -> tuple[str, Any]:
        """Return the path from the subscription, and what is there: a block, a list of blocks or None."""
        found: Any = _subscription(state)
        steps = list(self.attributes)
        if self.in_branch:
            item = state[BLOCK_KEY]
            found = next((block for _, block in _own_blocks(self.model, found) if block[_ID] == item[_ID]), None)
            steps = [item["name"], *steps]
        for attribute in self.attributes:
            found = found.get(attribute) if isinstance(found, dict) else None
        return ".".join(steps), found

    def _places(self, state: State) -> dict[str, str]:
        """Return the path of each block of the subscription by its id; one that is held in several places has one."""
        places: dict[str, str] = {}
        for path, block in _own_blocks(self.model, _subscription(state)):
            places.setdefault(block[_ID], path)
        return places

    def _is_meant(self, block: State, path: str, places: dict[str, str]) -> bool:
        return block["name"] == self.name and places.get(block[_ID]) == path


def joined(state: State, changes: Sequence[State | None]) -> State:
    """Join what the branches for the blocks of a list came to; the engine reads the subscription again."""
    ended = [one for one in changes if one is not None]
    if not ended:
        return {}
    merged: State = {SUBSCRIPTION_KEY: state[SUBSCRIPTION_KEY]}
    if kept := {key: own for one in (state, *ended) for key, own in one.get(BLOCK_STATE_KEY, {}).items()}:
        merged[BLOCK_STATE_KEY] = kept
    return merged


def _subscription(state: State) -> State:
    found = state.get(SUBSCRIPTION_KEY)
    if not isinstance(found, dict) or "subscription_id" not in found:
        raise KeyError(
            "Could not find the subscription whose blocks are meant in the state; "
            f"let a step before return its model as {SUBSCRIPTION_KEY!r}"
        )
    return found


def _own_blocks(model: type[SubscriptionModel], subscription: State) -> Iterator[tuple[str, State]]:
    """Go through the blocks that a subscription owns, with their paths, those that others hold first."""
    found = _blocks_below(model, subscription, "")
    return ((path, block) for path, block in found if block[_OWNER] == subscription["subscription_id"])


def _blocks_below(cls: type[DomainModel], dump: State, prefix: str) -> Iterator[tuple[str, State]]:
    for attribute, field in fields_of(cls).blocks.items():
        classes = {block.__block_name__: block for block in accepted_by(field)}
        held = dump.get(attribute)
        for index, block in enumerate(held or [] if field.is_list else [held]):
            if not isinstance(block, dict) or block["name"] not in classes:
                continue
            path = f"{prefix}{attribute}.{index}" if field.is_list else f"{prefix}{attribute}"
            yield from _blocks_below(classes[block["name"]], block, f"{path}.")
            yield path, block


def _replaced(value: Any, block: State) -> Any:
    """Return a part of a dumped subscription with a block put wherever it stands."""
    if isinstance(value, list):
        return [_replaced(item, block) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get(_ID) == block[_ID]:
        return block
    return {key: _replaced(item, block) for key, item in value.items()}
