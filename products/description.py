"""What the catalogue needs to know of a subscription model, without knowing the classes of the layer above.

The layer that owns the classes sets the describer; the catalogue asks it when it syncs and checks.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from products.registry import Source


class CannotDescribe(TypeError):
    """A registered model is not of a shape that the catalogue can hold."""


@dataclass(frozen=True)
class BlockUse:
    """A block holds another one; `min` and `max` bound how many, None where there is no bound."""

    name: str
    min: int | None = None
    max: int | None = None


@dataclass(frozen=True, kw_only=True)
class BlockDescription:
    """A product block as its class describes it. `resource_types`: attribute name to description ("" for none)."""

    name: str
    description: str
    tag: str = ""
    resource_types: Mapping[str, str] = field(default_factory=dict)
    depends_on: tuple[BlockUse, ...] = ()
    declared_by: type[Any] | None = field(default=None, compare=False)

    @property
    def source(self) -> Source | None:
        """Where the class stands; slow, so only complaints ask."""
        return source_of(self.declared_by) if self.declared_by else None


@dataclass(frozen=True, kw_only=True)
class ProductModelDescription:
    """A subscription model: every block in reach by name, those that it holds itself, and its fixed inputs.

    `fixed_inputs`: name to whether the product has to give a value.
    """

    blocks: Mapping[str, BlockDescription]
    root_blocks: tuple[str, ...]
    fixed_inputs: Mapping[str, bool]


def source_of(cls: type[Any]) -> Source:
    """Return file and line of a class; line 0 where Python does not know it."""
    try:
        return Source(inspect.getfile(cls), inspect.getsourcelines(cls)[1])
    except (OSError, TypeError):
        return Source(cls.__module__, 0)


Describer = Callable[[type[Any]], ProductModelDescription]


def _nobody(model: type[Any]) -> ProductModelDescription:
    raise CannotDescribe(f"Nobody can describe {model.__name__}: `subscriptions.domain` was not imported")


_describer: Describer = _nobody


def set_describer(describer: Describer) -> Describer:
    """Make `describer` answer for models and return the one before, so that a test can put it back.

    A describer raises CannotDescribe, naming class and field, for a model that it does not understand.
    """
    global _describer
    before, _describer = _describer, describer
    return before


def describe(model: type[Any]) -> ProductModelDescription:
    """Return the description of `model`. Raises CannotDescribe."""
    return _describer(model)
