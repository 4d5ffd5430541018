"""What code registers: products, workflows and the steps of blocks. Fixed slots that refuse a second of the same name.

Importable before `django.setup()`: it imports no model and reads no setting, so that a product package can be imported
by a plain unit test. `products.sync` makes the tables follow it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from products.enums import ProductLifecycle, Target

FixedInputValue: TypeAlias = str | int | float | bool

_TAG_LENGTH = 20
_NAME_LENGTH = 255
_DESCRIPTION_LENGTH = 2000
_OWN_FILES = frozenset({__file__, str(Path(__file__).with_name("__init__.py"))})


class RegistryError(Exception):
    """A product package registered something that cannot be used."""


class DuplicateRegistration(RegistryError):
    """Two places registered the same name."""


@dataclass(frozen=True)
class Source:
    """Where something was registered, so that a complaint can name file and line."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def _caller() -> Source:
    return called_from()


def called_from(*passed_over: str) -> Source:
    """Return the first place on the stack that is neither in this module nor in the files `passed_over`."""
    files = {*_OWN_FILES, "<string>", *passed_over}
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename in files:
        frame = frame.f_back
    return Source(frame.f_code.co_filename, frame.f_lineno) if frame else Source("<unknown>", 0)


def _check_name(kind: str, name: str) -> None:
    if not name.strip() or len(name) > _NAME_LENGTH:
        raise RegistryError(f"A {kind} needs a name of 1 to {_NAME_LENGTH} characters, not {name!r}")


def _check_description(kind: str, name: str, description: str) -> None:
    if len(description) > _DESCRIPTION_LENGTH:
        raise RegistryError(
            f"The description of {kind} {name!r} has {len(description)} characters, but at most "
            f"{_DESCRIPTION_LENGTH} fit"
        )


@dataclass(frozen=True)
class ProductSpec:
    """A product as code describes it.

    `model` is the SubscriptionModel of its subscriptions; several products may share one and differ in `fixed_inputs`.
    `product_type` is the name of the model's class unless given. `description` and `status` are what a new row starts
    with; people may change them later.
    """

    name: str
    model: type[Any]
    tag: str = field(kw_only=True)
    description: str = field(kw_only=True)
    fixed_inputs: Mapping[str, FixedInputValue] = field(kw_only=True, default_factory=dict)
    product_type: str = field(kw_only=True, default="")
    status: ProductLifecycle = field(kw_only=True, default=ProductLifecycle.ACTIVE)
    source: Source = field(kw_only=True, default_factory=_caller, compare=False, repr=False)

    def __post_init__(self) -> None:
        _check_name("product", self.name)
        _check_description("product", self.name, self.description)
        if not isinstance(self.model, type):
            raise RegistryError(f"Product {self.name!r} needs a SubscriptionModel class, not {self.model!r}")
        if not self.tag or len(self.tag) > _TAG_LENGTH:
            raise RegistryError(f"Product {self.name!r} needs a tag of 1 to {_TAG_LENGTH} characters, not {self.tag!r}")
        if not self.product_type:
            object.__setattr__(self, "product_type", self.model.__name__)
        object.__setattr__(self, "status", ProductLifecycle(self.status))
        object.__setattr__(self, "fixed_inputs", MappingProxyType(dict(self.fixed_inputs or {})))


@dataclass(frozen=True, kw_only=True)
class WorkflowSpec:
    """A workflow as its decorator describes it.

    `products`: names or tags of the products it may run on; empty for tasks of the system. `factory` is the decorated
    object; it is opaque here, the engine knows what it is.
    """

    name: str
    target: Target
    description: str
    products: tuple[str, ...] = ()
    is_task: bool = False
    factory: Callable[..., object]
    source: Source = field(default_factory=_caller, compare=False, repr=False)

    def __post_init__(self) -> None:
        _check_name("workflow", self.name)
        _check_description("workflow", self.name, self.description)
        object.__setattr__(self, "target", Target(self.target))
        object.__setattr__(self, "products", tuple(self.products))
        object.__setattr__(self, "description", self.description.strip() or self.name.replace("_", " ").capitalize())
        code = getattr(inspect.unwrap(self.factory), "__code__", None)
        if code is not None:
            object.__setattr__(self, "source", Source(code.co_filename, code.co_firstlineno))

    def is_meant_for(self, product: ProductSpec) -> bool:
        """Say whether the workflow names this product, by its name or by its tag."""
        return product.name in self.products or product.tag in self.products


@dataclass(frozen=True, kw_only=True)
class BlockStepsSpec:
    """The steps that a product block brings to the workflows of all products that have it.

    `name` is that of the block. `steps` maps CREATE, MODIFY and TERMINATE to lists of steps; they are opaque here, the
    engine knows what they are.
    """

    name: str
    steps: Mapping[Target, object]
    source: Source = field(default_factory=_caller, compare=False, repr=False)


class _Registered(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def source(self) -> Source: ...


S = TypeVar("S", bound=_Registered)


class Slot(Generic[S]):
    """One kind of registered things by name, in the order they came."""

    def __init__(self, kind: str, *, way_out: str = "rename one of them") -> None:
        self.kind = kind
        self.way_out = way_out
        self._entries: dict[str, S] = {}
        self._listeners: list[Callable[[S], None]] = []

    def add(self, spec: S) -> None:
        """Keep `spec` and tell the listeners. Raises DuplicateRegistration naming both places.

        The same place may register again: that is a module imported a second time, after a failure for example.
        A listener that raises undoes the registration.
        """
        known = self._entries.get(spec.name)
        if known is not None and known.source != spec.source:
            raise DuplicateRegistration(
                f"The {self.kind} {spec.name!r} is registered twice: in {known.source} and in {spec.source}; "
                f"{self.way_out}"
            )
        for listener in self._listeners:
            listener(spec)
        self._entries[spec.name] = spec

    def listen(self, callback: Callable[[S], None]) -> None:
        """Call `callback` with everything registered so far and from now on."""
        self._listeners.append(callback)
        for spec in list(self._entries.values()):
            callback(spec)

    def view(self) -> Mapping[str, S]:
        return MappingProxyType(self._entries)

    def swap(self, entries: dict[str, S]) -> dict[str, S]:
        """Put other entries in place and return the old ones; listeners are not told."""
        old, self._entries = self._entries, entries
        return old


_products: Slot[ProductSpec] = Slot("product")
_workflows: Slot[WorkflowSpec] = Slot("workflow")
_block_steps: Slot[BlockStepsSpec] = Slot("step list of block", way_out="give all of its steps in one place")


def register(spec: ProductSpec) -> ProductSpec:
    """Register a product and return it. Raises DuplicateRegistration; TypeError for a model that cannot be stored."""
    _products.add(spec)
    return spec


def register_workflow(spec: WorkflowSpec) -> WorkflowSpec:
    """Register a workflow and return it; the decorators of `workflows` call this. Raises DuplicateRegistration."""
    _workflows.add(spec)
    return spec


def add_block_steps(spec: BlockStepsSpec) -> BlockStepsSpec:
    """Register the steps of a block and return them; `workflows` calls this. Raises DuplicateRegistration."""
    _block_steps.add(spec)
    return spec


def on_register(callback: Callable[[ProductSpec], None]) -> None:
    """Call `callback` for each product registered so far and later; raising refuses the product."""
    _products.listen(callback)


def products() -> Mapping[str, ProductSpec]:
    """Return a live read-only view of the registered products by name."""
    return _products.view()


def workflows() -> Mapping[str, WorkflowSpec]:
    """Return a live read-only view of the registered workflows by name."""
    return _workflows.view()


def block_steps() -> Mapping[str, BlockStepsSpec]:
    """Return a live read-only view of the registered steps of blocks, by the name of the block."""
    return _block_steps.view()


def workflows_for(product: ProductSpec, defaults: tuple[str, ...] | list[str] = ()) -> list[WorkflowSpec]:
    """Return the workflows that belong to `product`, those named in `defaults` included."""
    return [spec for spec in workflows().values() if spec.name in defaults or spec.is_meant_for(product)]


@contextmanager
def isolated(*, empty: bool = True) -> Iterator[None]:
    """Run a block with a registry of its own (a test): empty or a copy, and put the real one back afterwards."""
    kept_products = _products.swap({} if empty else dict(products()))
    kept_workflows = _workflows.swap({} if empty else dict(workflows()))
    kept_block_steps = _block_steps.swap({} if empty else dict(block_steps()))
    try:
        yield
    finally:
        _block_steps.swap(kept_block_steps)
        _products.swap(kept_products)
        _workflows.swap(kept_workflows)
