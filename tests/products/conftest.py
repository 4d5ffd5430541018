"""A catalogue of its own for each test: an empty registry, empty tables, and a small network to register."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from annotated_types import Len
from pydantic import Field

from products import ProductSpec, Target, register
from products.models import Product, ProductBlock, ResourceType, Workflow
from products.registry import WorkflowSpec, register_workflow
from subscriptions.domain import ProductBlockModel, SubscriptionLifecycle, SubscriptionModel, isolated


@dataclass
class Network:
    """Classes of a product package: a circuit of two to four ports, and a port."""

    Port: type[SubscriptionModel]
    PortBlock: type[ProductBlockModel]
    Circuit: type[SubscriptionModel]


@pytest.fixture
def registry() -> Iterator[None]:
    """Nothing is registered but what the test registers, and no trace of that is left."""
    with isolated(empty=True):
        yield


@pytest.fixture
def empty_catalogue(db: None, registry: None) -> None:
    for table in (Product, ProductBlock, ResourceType, Workflow):
        table.objects.all().delete()


@pytest.fixture
def network(registry: None) -> Network:
    class PortBlockInactive(ProductBlockModel, product_block_name="TestPort"):
        """A port of a node.

        The catalogue takes the first paragraph only.
        """

        name_of_port: str | None = Field(default=None, description="As printed on the device")
        speed: int | None = None

    class PortBlock(PortBlockInactive, lifecycle=[SubscriptionLifecycle.ACTIVE]):
        name_of_port: str
        speed: int
        serial: str

    class PortInactive(SubscriptionModel, is_base=True):
        port_speed: int
        port: PortBlockInactive

    class Port(PortInactive, lifecycle=[SubscriptionLifecycle.ACTIVE]):
        port_speed: int
        port: PortBlock

    class CircuitBlock(ProductBlockModel, product_block_name="TestCircuit", tag="CIRC", description="Joins ports"):
        ends: Annotated[list[PortBlockInactive], Len(2, 4)]
        spare: PortBlockInactive | None = None
        vlan: int | None = None

    class Circuit(SubscriptionModel, is_base=True):
        circuit: CircuitBlock

    return Network(Port=Port, PortBlock=PortBlock, Circuit=Circuit)


@pytest.fixture
def add_workflow(registry: None) -> Callable[..., WorkflowSpec]:
    def add(name: str, target: Target = Target.CREATE, **values: Any) -> WorkflowSpec:
        def steps() -> None: ...

        values = {"description": f"Does {name}", "factory": steps, **values}
        return register_workflow(WorkflowSpec(name=name, target=target, **values))

    return add


@pytest.fixture
def registered(network: Network, add_workflow: Callable[..., WorkflowSpec]) -> Network:
    """Two products, with what creates them and what notes something on all."""
    register(ProductSpec("port 10G", network.Port, tag="PORT", description="A port", fixed_inputs={"port_speed": 10}))
    register(ProductSpec("circuit", network.Circuit, tag="CIRCUIT", description="A circuit"))
    add_workflow("create_port", products=["PORT"])
    add_workflow("create_circuit", products=["circuit"])
    add_workflow("modify_note", Target.MODIFY)
    add_workflow("task_clean", Target.SYSTEM, is_task=True)
    return network
