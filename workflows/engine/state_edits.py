"""What a person may change of the state of a process, as a change of top-level keys. Pure: it reads and writes nothing.

People see the state with the addresses of callbacks hidden, so what they send back is hidden in the same places.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from wfo_site.common.errors import DomainError
from wfo_site.common.json import NotJson, to_json
from wfo_site.common.nul import visible
from workflows.engine.callback_tokens import MASKED, conceal, mask, references_in
from workflows.engine.core_steps import OLD_SUBSCRIPTIONS_KEY
from workflows.engine.places import STEP_GROUP_KEY, SUB_STEP_KEY
from workflows.engine.state import Delta, difference
from workflows.engine.steps import State

# Who the process is, where it stands within a group, and what subscriptions were before it.
OWN_KEYS: Final = (
    "process_id",
    "reporter",
    "workflow_name",
    "workflow_target",
    STEP_GROUP_KEY,
    SUB_STEP_KEY,
    OLD_SUBSCRIPTIONS_KEY,
)


class EditInvalid(DomainError):
    """The change of a state that was asked for cannot be made; `field` names the key."""

    code = "edit_invalid"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


@dataclass(frozen=True, kw_only=True)
class StateEdit:
    """What the state is to be: the whole of it, or keys to set and keys to take away."""

    state: State | None = None
    set: State = field(default_factory=dict)
    remove: Collection[str] = ()

    def applied_to(self, seen: State) -> State:
        """Return the state that is wanted. Raises EditInvalid for a key to take away that is not there."""
        if self.state is not None:
            return self.state
        for key in self.remove:
            if key not in seen:
                raise EditInvalid(f"There is no key {key!r} in the state that could be taken away", field=key)
            if key in self.set:
                raise EditInvalid(f"The key {key!r} is both set and taken away; decide for one", field=key)
        return {**{key: value for key, value in seen.items() if key not in self.remove}, **self.set}


def delta_of(edit: StateEdit, state: State, secrets: Iterable[tuple[str, str]] = ()) -> Delta:
    """Return the change of `state`, as it is stored, that an edit comes to.

    `secrets`: addresses of callbacks, with the references that stand for them in a state. Raises EditInvalid where JSON
    cannot hold a value, a hidden address is moved, a key is the engine's own, or nothing is changed.
    """
    known, hidden = references_in(state), list(secrets)
    wanted = visible(edit.applied_to(mask(state)))
    after = {key: conceal({key: _shown_again(state.get(key), _plain(key, wanted[key]))}, hidden)[key] for key in wanted}
    delta = difference(state, after)
    for key in sorted({*delta.set, *delta.removed}):
        if key in OWN_KEYS:
            raise EditInvalid(f"The key {key!r} is the engine's own and cannot be changed", field=key)
    for key, value in delta.set.items():
        if MASKED in json.dumps(value):
            raise EditInvalid(
                f"The key {key!r} holds the hidden address of a callback, which can only stay where it is", field=key
            )
        if references_in(value) - known:
            raise EditInvalid(f"The key {key!r} refers to a callback that is not of this state", field=key)
    if not delta:
        raise EditInvalid("Nothing is changed: this is how the state is already")
    return delta


def _plain(key: str, value: object) -> Any:
    try:
        return to_json(value, path=key)
    except NotJson as error:
        raise EditInvalid(str(error), field=key) from error


def _shown_again(old: Any, new: Any) -> Any:
    """Return `new` with what was hidden of `old`, wherever the same stands in the same place."""
    match old, new:
        case str(), str():
            return old if new == mask(old) else new
        case dict(), dict():
            return {key: _shown_again(old.get(key), value) for key, value in new.items()}
        case list(), list():
            return [_shown_again(before, value) for before, value in zip(old, new, strict=False)] + new[len(old) :]
    return new
