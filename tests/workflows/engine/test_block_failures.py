"""Steps of product blocks that fail, are cut off by a crash, are undone, or find no subscription."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from workflows import StepList, create_blocks, done, init, workflow
from workflows.services import undo_process
from workflows.testing import Engine, FaultPoint, Run

from .block_workflows import circuit_of, deliver, give_steps, parts
from .networks import CALLS, FAILING, MADE, saved

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("way")]


class TestTrouble:
    def test_a_retry_goes_on_at_the_step_that_failed(self, engine: Engine, network: SimpleNamespace) -> None:
        give_steps(network, "Access", "Circuit")
        FAILING.add("Circuit")
        run = deliver(engine, network, "Circuit", lambda: circuit_of(network, [], spare=None))
        run.expect("failed", step="Create Circuit (circuit)", failure="Circuit does not work")
        key = MADE["Circuit"]
        FAILING.clear()
        run.retry().expect("completed")
        assert CALLS == ["Create Circuit"] * 2
        assert MADE["Circuit"] == key

    def test_of_a_list_only_the_block_that_failed_is_tried_again(
        self, engine: Engine, network: SimpleNamespace
    ) -> None:
        give_steps(network, "Access", "Circuit")
        port = saved(network, "Port")
        FAILING.add("Access at 1")
        run = deliver(engine, network, "Circuit", lambda: circuit_of(network, [port] * 3))
        run.expect("waiting", step="Create Access (circuit.accesses)")
        assert {name: part.last_status for name, part in parts(run).items()} == {
            "circuit.accesses.0": "completed",
            "circuit.accesses.1": "failed",
            "circuit.accesses.2": "completed",
        }
        key = MADE["Access at 1"]
        FAILING.clear()
        run.retry()
        engine.run_until_idle()
        run.expect("completed")
        assert sorted(CALLS) == [
            "Create Access at 0",
            "Create Access at 1",
            "Create Access at 1",
            "Create Access at 2",
            "Create Circuit",
        ]
        assert MADE["Access at 1"] == key
        assert all(one.number for one in run.subscription.circuit.accesses)

    def test_a_crash_within_a_block_loses_and_doubles_nothing(self, engine: Engine, network: SimpleNamespace) -> None:
        give_steps(network, "Access", "Circuit")
        engine.crash_at(FaultPoint.BEFORE_WRITE, "Number Access")
        port = saved(network, "Port")
        run = deliver(engine, network, "Circuit", lambda: circuit_of(network, [port] * 2))
        engine.recover()
        run.expect("completed")
        assert sorted(CALLS) == ["Create Access at 0", "Create Access at 1", "Create Circuit"]
        assert sorted(one.number for one in run.subscription.circuit.accesses) == [1, 2]

    def test_an_undo_takes_the_blocks_back_in_reverse(self, engine: Engine, network: SimpleNamespace) -> None:
        give_steps(network, "Policer", "Access", "Circuit")
        FAILING.add("Circuit")
        port = saved(network, "Port")
        run = deliver(engine, network, "Circuit", lambda: circuit_of(network, [port] * 2)).expect("failed")
        CALLS.clear()
        undo = undo_process(run.process_id, user="bob")
        engine.run_until_idle()
        undone = Run(undo, lambda: None).expect("completed")
        assert CALLS == [
            "Undo Create Circuit",
            "Undo Create Access at 1",
            "Undo Create Access at 0",
            "Undo Create Policer",
        ]
        assert MADE == {}
        assert [name for name, _ in undone.steps][:2] == [
            "Undo: Create Circuit (circuit)",
            "Undo: Create Access (circuit.accesses.1)",
        ]

    def test_a_state_without_the_subscription_says_what_is_missing(
        self, engine: Engine, network: SimpleNamespace
    ) -> None:
        give_steps(network, "Port")

        @workflow("Forgetful", products=["Port"])
        def forgetful() -> StepList:
            return init >> create_blocks(network.Port) >> done

        engine.start(forgetful).expect("failed", failure="let a step before return its model as 'subscription'")
