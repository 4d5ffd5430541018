"""Call a step or form function with arguments found by name in the state.

A parameter `state` gets the whole state; one annotated with a subscription or block model gets that, loaded
anew; UUIDs, datetimes and wrapped primitives are made from their text; everything else is passed as it stands.
"""

from __future__ import annotations

import copy
import functools
import inspect
import logging
import types
import typing
from collections.abc import Callable
from datetime import datetime
from typing import Any, Union, get_args, get_origin
from uuid import UUID

from django.conf import settings

from subscriptions.domain import ProductBlockModel, SubscriptionModel, validate_lifecycle_status
from subscriptions.domain.owned import load_owned_block
from workflows.engine.steps import State

logger = logging.getLogger(__name__)

Resolver = Callable[[str, State], Any]


def bind(function: Callable[..., Any]) -> Callable[[State], dict[str, Any]]:
    """Return a function that picks the arguments of `function` from a state.

    Raises KeyError for a required one that is missing, ValueError or TypeError for one that does not fit its
    annotation.
    """
    parameters = _parameters(function)

    def arguments(state: State) -> dict[str, Any]:
        return {name: resolve(name, state) for name, resolve in parameters}

    return arguments


def missing_in(state: State, function: Callable[..., Any]) -> list[str]:
    """Return the names of arguments that `function` cannot do without, and that a state does not have."""
    hints = _hints(function)
    return [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in state
        and name != "state"
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        and parameter.default is inspect.Parameter.empty
        and not _is_optional(hints.get(name, Any))
    ]


@functools.lru_cache(maxsize=4096)
def _parameters(function: Callable[..., Any]) -> tuple[tuple[str, Resolver], ...]:
    signature = inspect.signature(function)
    hints = _hints(function)
    found: list[tuple[str, Resolver]] = []
    for name, parameter in signature.parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            logger.warning("%s takes *%s, which is never filled from the state", function.__qualname__, name)
            continue
        if name == "state":
            found.append((name, lambda _name, state: copy.deepcopy(state)))
            continue
        convert = _converter(hints.get(name, Any))
        found.append((name, _resolver(function, parameter, convert, optional=_is_optional(hints.get(name, Any)))))
    return tuple(found)


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function)
    except NameError:
        # A name known to type checkers only: then there is nothing to convert to.
        return {}


def _resolver(
    function: Callable[..., Any], parameter: inspect.Parameter, convert: Callable[[Any], Any] | None, *, optional: bool
) -> Resolver:
    def resolve(name: str, state: State) -> Any:
        if name not in state:
            if parameter.default is not inspect.Parameter.empty:
                return parameter.default
            if convert is not None and optional:
                return None
            raise KeyError(
                f"Could not find key '{name}' in state. for function {function.__module__}.{function.__qualname__}"
            )
        value = state[name]
        if value is None and parameter.default is None:
            return None
        if convert is None:
            return copy.deepcopy(value) if isinstance(value, dict | list) else value
        return convert(value)

    return resolve


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _is_optional(annotation: Any) -> bool:
    return _is_union(annotation) and type(None) in get_args(annotation)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, SubscriptionModel)


def _is_block(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, ProductBlockModel)


def _converter(annotation: Any) -> Callable[[Any], Any] | None:
    """Return what makes one of the annotated type of a stored value; None where it is passed as it stands."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is typing.Annotated:
        return _converter(arguments[0])
    if _is_optional(annotation):
        inner = Union[tuple(arg for arg in arguments if arg is not type(None))]  # type: ignore[valid-type]  # noqa: UP007 - built at run time
        return _map_present(_converter(inner))
    if _is_union(annotation):
        return _union_of_blocks(arguments) if any(map(_is_block, arguments)) else _union_of_models(arguments)
    if origin is list:
        return _list_converter(annotation)
    if origin is dict:
        return _map_values(_converter(arguments[1]))
    return _single_converter(annotation)


def _single_converter(annotation: Any) -> Callable[[Any], Any] | None:
    if annotation is UUID:
        return _uuid
    if annotation is datetime:
        return lambda value: datetime.fromisoformat(value) if isinstance(value, str) else value
    if _is_model(annotation):
        return lambda value: _load(annotation, value)
    if _is_block(annotation):
        return lambda value: _load_block((annotation,), value)
    if isinstance(annotation, type) and callable(getattr(annotation, "unwrap", None)):
        return lambda value: value if isinstance(value, annotation) else annotation(value)
    return None


def _map_present(convert: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    return None if convert is None else lambda value: None if value is None else convert(value)


def _map_values(convert: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    return None if convert is None else lambda value: {key: convert(item) for key, item in value.items()}


def _list_converter(annotation: Any) -> Callable[[Any], Any] | None:
    arguments = get_args(annotation)
    if not arguments:
        return None
    if arguments[0] is Any:
        return _refuse_untyped_models
    item = _converter(arguments[0])
    if item is None:
        return None

    def convert(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValueError(f"Expected a list, got {type(value).__name__}")
        return [item(entry) for entry in value]

    return convert


def _refuse_untyped_models(value: Any) -> Any:
    if isinstance(value, list) and any(isinstance(item, dict) and "subscription_id" in item for item in value):
        raise ValueError("A list of subscriptions cannot be serialized from database with type 'Any'; name the model")
    return copy.deepcopy(value)


def _union_of_models(members: tuple[Any, ...]) -> Callable[[Any], Any] | None:
    if not any(_is_model(member) for member in members):
        return None
    if not all(_is_model(member) for member in members):
        raise TypeError(f"A union of a subscription model and something else cannot be loaded: {members}")
    if len({member.base_type() for member in members}) != 1:
        raise TypeError(f"The members of {members} are not lifecycle variants of one product")

    def convert(value: Any) -> SubscriptionModel:
        model = _load(SubscriptionModel, value)
        # Its own class: a subclass of a member belongs to another status.
        if type(model) not in members:
            names = " | ".join(member.__name__ for member in members)
            raise ValueError(f"Subscription {model.subscription_id} is a {type(model).__name__}, not a {names}")
        return model

    return convert


def _union_of_blocks(members: tuple[Any, ...]) -> Callable[[Any], Any]:
    if not all(map(_is_block, members)):
        raise TypeError(f"A union of a product block and something else cannot be loaded: {members}")
    return lambda value: _load_block(members, value)


def _load_block(wanted: tuple[type[ProductBlockModel], ...], value: Any) -> ProductBlockModel:
    """Load a block from its dump, in the shape for its subscription's status, which must be one of `wanted`."""
    if not isinstance(value, dict) or "subscription_instance_id" not in value:
        raise ValueError(f"Expected a product block as its model dumps it, got {type(value).__name__}")
    block = load_owned_block(_uuid(value["subscription_instance_id"]), _uuid(value["owner_subscription_id"]))
    if not isinstance(block, wanted):
        names = " | ".join(cls.__name__ for cls in wanted)
        raise ValueError(f"Block {block.subscription_instance_id} is a {type(block).__name__}, not a {names}")
    return block


def _load(model: type[SubscriptionModel], value: Any) -> SubscriptionModel:
    loaded = model.from_subscription(_subscription_id(value))
    validate_lifecycle_status(loaded, mode=settings.LIFECYCLE_VALIDATION_MODE)
    return loaded


def _uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))


def _subscription_id(value: Any) -> UUID:
    """Find the id in what a state holds of a subscription: the id itself, or its dumped model."""
    if isinstance(value, SubscriptionModel):
        raise AssertionError("The state holds a live model; a state holds JSON only")
    if isinstance(value, dict):
        return _uuid(value["subscription_id"])
    if isinstance(value, UUID | str):
        return _uuid(value)
    raise ValueError(f"Expected a subscription or its id, got {type(value).__name__}")
