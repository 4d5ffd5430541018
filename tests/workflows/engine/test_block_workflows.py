"""Steps that belong to product blocks, put into the workflows of the products that have them (PAR-05)."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from subscriptions.domain import ProductBlockModel, SubscriptionModel
from workflows import (
    State,
    StepList,
    begin,
    callback_step,
    conditional,
    inputstep,
    modify_blocks,
    modify_workflow,
    register_block_steps,
    step,
    terminate_blocks,
    terminate_workflow,
)
from workflows.executors import get_executor
from workflows.forms import FormGenerator, FormPage
from workflows.models import Process
from workflows.services import resume_process
from workflows.testing import Engine, Run

from . import networks
from .block_workflows import EVERY_BLOCK, circuit_of, deliver, give_steps, go, new, parts
from .networks import CALLS, access, filled, saved

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("way")]


def change(engine: Engine, network: SimpleNamespace, subscription: Any, blocks: Any = modify_blocks) -> Run:
    """Run a workflow that modifies or terminates the blocks of a subscription."""
    name = type(subscription).__name__
    decorator = modify_workflow if blocks is modify_blocks else terminate_workflow

    def body() -> StepList:
        return begin >> blocks(getattr(network, name))

    body.__name__ = f"change_{name.lower()}"
    flow = decorator(body.__name__, products=[name])(body)
    return go(engine, flow, {"subscription_id": str(subscription.subscription_id)})


def reload(model: SubscriptionModel) -> Any:
    return SubscriptionModel.from_subscription(model.subscription_id)


def part_steps(run: Run, name: str) -> list[str]:
    return [row.name for row in Run(parts(run)[name].pk, lambda: None).rows]


class TestOneBlock:
    def test_its_steps_see_it_alone_and_what_they_return_is_stored(
        self, engine: Engine, network: SimpleNamespace
    ) -> None:
        seen: list[State] = []

        @step("Look")
        def look(state: State) -> State:
            seen.append(state)
            return {"ticket": 7}

        @step("Fill in")
        def fill_in(block: ProductBlockModel, ticket: int) -> State:
            return filled(block, title="uplink", number=ticket)

        register_block_steps(network.PortBlock, create=begin >> look >> fill_in)
        run = deliver(engine, network, "Port").expect("completed")
        assert [set(state) for state in seen] == [{"block"}]
        assert seen[0]["block"]["name"] == "Port"
        assert [name for name, _ in run.steps][1:4] == ["Construct", "Look (port)", "Fill in (port)"]
        assert (run.subscription.port.title, run.subscription.port.number) == ("uplink", 7)
        assert run.state["subscription"]["port"]["title"] == "uplink"
        assert run.state["block_state"] == {"port": {"ticket": 7}}

    def test_one_without_steps_is_passed_over(self, engine: Engine, network: SimpleNamespace) -> None:
        run = deliver(engine, network, "Port").expect("completed")
        assert [name for name, _ in run.steps] == [
            "Start",
            "Construct",
            "Set subscription to 'active'",
            "Unlock subscription",
            "Done",
        ]

    def test_it_may_ask_a_person_and_another_system(self, engine: Engine, network: SimpleNamespace) -> None:
        @inputstep("Ask", assignee="NOC")
        def ask(block: ProductBlockModel) -> FormGenerator:
            class Ask(FormPage):
                title: str = f"Title of {block.name}"

            page = yield Ask
            return page.model_dump()

        @step("Order")
        def order(callback_route: str) -> None:
            assert callback_route.startswith("/api/processes/")

        @step("Check")
        def check(block: ProductBlockModel, title: str, callback_result: State) -> State:
            return filled(block, title=title, number=callback_result["number"])

        register_block_steps(network.PortBlock, create=begin >> ask >> callback_step("Line", order, check))
        run = deliver(engine, network, "Port").expect("suspended", step="Ask (port)")
        assert run.form().schema_of("title")["default"] == "Title of Port"
        run.resume({"title": "uplink"}).expect("awaiting_callback", step="Line (port)")
        run.call_back({"number": 5}).expect("completed")
        assert (run.subscription.port.title, run.subscription.port.number) == ("uplink", 5)
        assert "title" not in run.state

    def test_the_block_of_a_descendant_has_the_steps_of_its_ancestor(
        self, engine: Engine, network: SimpleNamespace
    ) -> None:
        def make() -> Any:
            port = new(network, "Port")
            port.port = network.LabelledPortBlock.new(port.subscription_id, title="uplink")
            return port

        give_steps(network, "Port")
        run = deliver(engine, network, "Port", make).expect("completed")
        assert [status for name, status in run.steps if name == "Create Port (port)"] == ["skipped", "success"]


class TestManyBlocks:
    def test_those_that_others_hold_come_first_each_with_the_steps_of_its_type(
        self, engine: Engine, network: SimpleNamespace
    ) -> None:
        """Nested blocks, a list, a union, an optional one that is not there, and ports that are another's."""
        give_steps(network, *EVERY_BLOCK)
        ports = [saved(network, "Port"), saved(network, "Port")]
        run = deliver(engine, network, "Circuit", lambda: circuit_of(network, ports)).expect("completed")
        first = ["Create Policer", "Create Access at 0"]
        second = ["Create Shaper", "Create Access at 1"]
        assert CALLS[-1] == "Create Circuit"
        assert [call for call in CALLS if call in first] == first
        assert [call for call in CALLS if call in second] == second
        assert sorted(CALLS) == sorted([*first, *second, "Create Circuit"])
        assert list(parts(run)) == ["circuit.accesses.0", "circuit.accesses.1"]
        circuit = run.subscription.circuit
        assert circuit.number == 5
        assert {one.number for one in circuit.accesses} | {one.policing.number for one in circuit.accesses} == {
            1,
            2,
            3,
            4,
        }
        assert [port.port.number for port in map(reload, ports)] == [None, None]

    def test_the_rows_tell_which_block_and_what_is_not_there_is_skipped(
        self, engine: Engine, network: SimpleNamespace
    ) -> None:
        give_steps(network, "Policer", "Access", "Circuit")
        ports = [saved(network, "Port"), saved(network, "Port")]
        run = deliver(engine, network, "Circuit", lambda: circuit_of(network, ports)).expect("completed")
        assert run.steps[2:-3] == [
            ("Create Access (circuit.accesses)", "success"),
            ("Create Policer (circuit.spare.policing)", "skipped"),
            ("Number Policer (circuit.spare.policing)", "skipped"),
            ("Create Access (circuit.spare)", "skipped"),
            ("Number Access (circuit.spare)", "skipped"),
            ("Create Circuit (circuit)", "success"),
            ("Number Circuit (circuit)", "success"),
        ]
        own = ["Create Access", "Number Access", "Done"]
        assert part_steps(run, "circuit.accesses.0") == ["Create Policer (policing)", "Number Policer (policing)", *own]
        statuses = [row.status for row in Run(parts(run)["circuit.accesses.1"].pk, lambda: None).rows]
        assert statuses == ["skipped", "skipped", "success", "success", "complete"]

    def test_an_empty_list_is_skipped(self, engine: Engine, network: SimpleNamespace) -> None:
        give_steps(network, "Access")
        run = deliver(engine, network, "Circuit").expect("completed")
        assert run.step("Create Access (circuit.accesses)").status == "skipped"
        assert CALLS == []

    def test_a_block_that_is_ours_runs_where_one_of_another_subscription_does_not(
        self, engine: Engine, network: SimpleNamespace
    ) -> None:
        give_steps(network, "Port")
        theirs = saved(network, "Port")

        def make() -> Any:
            circuit = circuit_of(network, [theirs, theirs])
            circuit.circuit.accesses[1].port = network.PortBlock.new(circuit.subscription_id, title="ours")
            return circuit

        run = deliver(engine, network, "Circuit", make).expect("completed")
        assert CALLS == ["Create Port ours"]
        assert [one.port.number for one in run.subscription.circuit.accesses] == [None, 1]

    def test_what_is_left_out_is_not_even_shown(self, engine: Engine, network: SimpleNamespace) -> None:
        give_steps(network, "Port", "Policer")
        port = saved(network, "Port")
        run = deliver(
            engine, network, "Circuit", lambda: circuit_of(network, [port]), without=[network.PortBlock]
        ).expect("completed")
        assert part_steps(run, "circuit.accesses.0") == [
            "Create Policer (policing)",
            "Number Policer (policing)",
            "Done",
        ]

    def test_two_products_that_share_a_block_share_its_steps(self, engine: Engine, network: SimpleNamespace) -> None:
        give_steps(network, "Access", "Circuit")

        def ring() -> Any:
            made = new(network, "Ring")
            made.start.title = "start"
            made.circuit.accesses = [access(network, made, "far")]
            return made

        deliver(engine, network, "Circuit", lambda: circuit_of(network, [])).expect("completed")
        run = deliver(engine, network, "Ring", ring).expect("completed")
        assert CALLS == ["Create Circuit", "Create Access start", "Create Access far", "Create Circuit"]
        assert run.step("Create Access (start)").status == "success"

    def test_a_block_that_is_held_in_two_places_is_done_once(self, engine: Engine, network: SimpleNamespace) -> None:
        give_steps(network, "Access", "Circuit")

        def ring() -> Any:
            made = new(network, "Ring")
            made.start.title = "shared"
            made.circuit.spare = made.start
            return made

        run = deliver(engine, network, "Ring", ring).expect("completed")
        assert CALLS == ["Create Access shared", "Create Circuit"]
        assert run.subscription.circuit.spare.number == run.subscription.start.number == 1
        assert run.state["subscription"]["circuit"]["spare"]["number"] == 1

    def test_modifying_goes_the_same_way_and_terminating_the_other(
        self, engine: Engine, network: SimpleNamespace
    ) -> None:
        give_steps(network, *EVERY_BLOCK)
        circuit = circuit_of(network, [saved(network, "Port")], spare=None)
        circuit = SubscriptionModel.from_other_lifecycle(circuit, networks.ACTIVE)
        circuit.insync = True
        circuit.save()
        change(engine, network, circuit).expect("completed")
        assert CALLS == ["Modify Policer", "Modify Access at 0", "Modify Circuit"]
        CALLS.clear()
        run = change(engine, network, circuit, terminate_blocks).expect("completed")
        assert CALLS == ["Terminate Circuit", "Terminate Access at 0", "Terminate Policer"]
        assert run.subscription.status == "terminated"

    def test_lists_within_lists_have_a_branch_for_each_block(self, engine: Engine, network: SimpleNamespace) -> None:
        give_steps(network, "Access", "Circuit", "Bundle")

        def make() -> Any:
            bundle = new(network, "Bundle")
            bundle.bundle.circuits = [
                network.CircuitBlock.new(
                    bundle.subscription_id, accesses=[access(network, bundle, f"{number}{side}") for side in "ab"]
                )
                for number in range(2)
            ]
            return bundle

        run = deliver(engine, network, "Bundle", make).expect("completed")
        assert list(parts(run)) == ["bundle.circuits.0", "bundle.circuits.1"]
        circuits = run.subscription.bundle.circuits
        assert all(one.number < circuit.number for circuit in circuits for one in circuit.accesses)
        assert run.subscription.bundle.number == 7
        inner = {part.branch_name for part in Process.every.filter(parent__parent=run.process_id)}
        assert inner == {f"bundle.circuits.{one}.accesses.{two}" for one in range(2) for two in range(2)}
        assert run.state["block_state"]["bundle.circuits.1.accesses.0"].keys() == {"number"}

    def test_one_of_a_list_that_asks_a_person_holds_up_no_other(self, engine: Engine, network: SimpleNamespace) -> None:
        @inputstep("Ask", assignee="NOC")
        def ask(block: ProductBlockModel) -> FormGenerator:
            class Ask(FormPage):
                number: int = len(str(block))

            page = yield Ask
            return page.model_dump()

        @step("Keep")
        def keep(block: ProductBlockModel, number: int) -> State:
            return filled(block, number=number)

        is_first = conditional(lambda state: state["block"]["title"] == "at 0")
        register_block_steps(network.AccessBlock, create=begin >> is_first(ask) >> is_first(keep))
        port = saved(network, "Port")
        run = deliver(engine, network, "Circuit", lambda: circuit_of(network, [port] * 2)).expect("waiting")
        asking = parts(run)["circuit.accesses.0"]
        assert [part.last_status for part in parts(run).values()] == ["suspended", "completed"]
        resume_process(asking.pk, [{"number": 7}])
        engine.run_until_idle()
        run.expect("completed")
        assert [one.number for one in run.subscription.circuit.accesses] == [7, None]

    @pytest.mark.django_db(transaction=True)
    def test_blocks_at_work_at_the_same_time_each_keep_what_they_stored(
        self, engine: Engine, network: SimpleNamespace
    ) -> None:
        together = threading.Barrier(4)

        @step("Meet")
        def meet(block: ProductBlockModel) -> State:
            together.wait(20)
            return filled(block, number=int(getattr(block, "title", "")[-1]))

        register_block_steps(network.AccessBlock, create=meet)
        port = saved(network, "Port")
        run = deliver(engine, network, "Circuit", lambda: circuit_of(network, [port] * 4), runs=False)
        executor = get_executor()
        executor.start()
        try:
            until = time.monotonic() + 60
            while run.status != "completed":
                assert time.monotonic() < until, f"{run} at {run.last_step}: {run.failure}"
                time.sleep(0.02)
        finally:
            executor.stop(20)
        assert [one.number for one in run.subscription.circuit.accesses] == [0, 1, 2, 3]
        assert [one["number"] for one in run.state["subscription"]["circuit"]["accesses"]] == [0, 1, 2, 3]
