"""Workflows of the products in `networks`, which create their subscriptions and run the steps of their blocks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from workflows import State, StepList, begin, create_blocks, create_workflow, register_block_steps
from workflows.models import Process
from workflows.testing import Engine, Run

from .networks import access, constructs, works_on

EVERY_BLOCK = ("Port", "Policer", "Shaper", "Access", "Circuit")


def give_steps(network: SimpleNamespace, *names: str) -> None:
    """Give blocks steps to create, modify and terminate them."""
    for name in names:
        register_block_steps(
            getattr(network, f"{name}Block"),
            create=works_on(name, "Create"),
            modify=works_on(name, "Modify"),
            terminate=works_on(name, "Terminate"),
        )


def go(engine: Engine, flow: Any, page: State) -> Run:
    """Run a workflow and its branches as far as they go."""
    run = engine.queue(flow, page)
    engine.run_until_idle()
    return run


def deliver(
    engine: Engine, network: SimpleNamespace, name: str, make: Any = None, *, runs: bool = True, **options: Any
) -> Run:
    """Run (or only start) a workflow that creates a subscription of a product, and then its blocks."""

    def body() -> StepList:
        construct = constructs(make or (lambda: new(network, name)))
        return begin >> construct >> create_blocks(getattr(network, name), **options)

    body.__name__ = f"deliver_{name.lower()}"
    flow = create_workflow(body.__name__, products=[name])(body)
    page = {"product": str(network.products[name])}
    return go(engine, flow, page) if runs else engine.queue(flow, page)


def new(network: SimpleNamespace, name: str) -> Any:
    return getattr(network, name).from_product_id(network.products[name], "customer")


def parts(run: Run) -> dict[str, Process]:
    return {part.branch_name: part for part in Process.every.filter(parent=run.process_id).order_by("pk")}


def circuit_of(network: SimpleNamespace, ports: list[Any], **values: Any) -> Any:
    """Return a circuit with an access on each of these ports of others; the first polices, the second shapes."""
    circuit = new(network, "Circuit")
    policing = [network.PolicerBlock, network.ShaperBlock]
    circuit.circuit.accesses = [
        access(
            network,
            circuit,
            f"at {number}",
            port=port.port,
            policing=policing[number % 2].new(circuit.subscription_id),
        )
        for number, port in enumerate(ports)
    ]
    for name, value in values.items():
        setattr(circuit.circuit, name, value)
    return circuit
