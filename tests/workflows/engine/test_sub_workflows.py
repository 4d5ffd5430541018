"""Workflows that a workflow starts: waited for, limited, left alone, and never waited for within a step."""

from __future__ import annotations

import pytest

from wfo_site.common.errors import Locked
from workflows import State, SubWorkflow, parallel_sub_workflows, step, sub_workflow
from workflows.forms import FormGenerator, FormPage
from workflows.models import Process
from workflows.selectors import process_detail
from workflows.services import pause_engine, resume_process, start_process, unpause_engine

from .conftest import StartWorkflow, state_of
from .fork_steps import FAILING, asks, flow_of, parts, register, says

pytestmark = pytest.mark.django_db(transaction=True)


class TestSubWorkflows:
    def test_a_workflow_waits_for_another(self, start: StartWorkflow) -> None:
        """PAR-03."""
        register(flow_of(says("Inner", made="x"), name="inner"))
        process = start(flow_of(sub_workflow("Run inner", "inner", [{}], outputs=["made"]), name="outer"))
        process.refresh_from_db()
        assert process.last_status == "completed"
        (child,) = Process.objects.filter(parent=process)
        assert state_of(process.pk)["sub_process"] == {
            "process_id": str(child.pk), "status": "completed", "made": "x"
        }  # fmt: skip
        assert child.kind == "process"
        assert process_detail(child.pk)["parent_process_id"] == process.pk

    def test_a_failed_sub_workflow_is_retried_through_its_parent(self, start: StartWorkflow) -> None:
        register(flow_of(says("Inner"), name="inner"))
        FAILING.add("Inner")
        process = start(flow_of(sub_workflow("Run inner", "inner", [{}]), name="outer"))
        assert Process.objects.get(parent=process).last_status == "failed"
        FAILING.clear()
        resume_process(process.pk)
        process.refresh_from_db()
        assert process.last_status == "completed"

    def test_inputs_that_a_form_refuses_start_nothing(self, start: StartWorkflow) -> None:
        register(flow_of(says("Inner"), name="inner"))
        calls = [SubWorkflow("inner", [{}]), SubWorkflow("inner", [{"unknown": 1}])]
        process = start(flow_of(parallel_sub_workflows("Run both", lambda _: calls), name="outer"))
        process.refresh_from_db()
        assert process.last_status == "failed"
        assert not Process.objects.filter(parent=process).exists()

    def test_a_page_that_is_missing_is_named(self, start: StartWorkflow) -> None:
        class Circuit(FormPage):
            vlan: int

        def form() -> FormGenerator:
            page = yield Circuit
            return page.model_dump()

        register(flow_of(says("Inner"), name="inner", initial_input_form=form))
        process = start(flow_of(sub_workflow("Run inner", "inner", []), name="outer"))
        process.refresh_from_db()
        assert process.last_status == "failed"
        assert "has one more page, which asks for vlan" in (process.failed_reason or "")
        assert "Start 1, of workflow 'inner'" in (process.failed_reason or "")

    def test_many_with_a_limit(self, start: StartWorkflow) -> None:
        register(flow_of(asks("Ask"), name="inner"))
        many = parallel_sub_workflows(
            "Run three", lambda _: [SubWorkflow("inner", [{}], name=f"no {n}") for n in range(3)], max_parallel=1
        )
        process = start(flow_of(many, name="outer"))
        for number in range(3):
            assert [part.last_status for _, part in sorted(parts(process).items())] == [
                *["completed"] * number, "suspended", *["created"] * (2 - number)
            ]  # fmt: skip
            resume_process(parts(process)[f"no {number}"].pk, [{"answer": number}])
        process.refresh_from_db()
        assert process.last_status == "completed"
        assert len(state_of(process.pk)["sub_processes"]) == 3

    def test_one_that_nobody_waits_for(self, start: StartWorkflow) -> None:
        register(flow_of(asks("Ask"), name="inner"))
        process = start(flow_of(sub_workflow("Run inner", "inner", [{}], wait=False), name="outer"))
        process.refresh_from_db()
        assert process.last_status == "completed"
        abandoned = Process.objects.get(parent=process)
        assert abandoned.last_status == "suspended"
        assert state_of(process.pk)["sub_process"]["process_id"] == str(abandoned.pk)

    def test_it_is_started_on_behalf_of_a_workflow_that_somebody_was_allowed_to_start(
        self, start: StartWorkflow
    ) -> None:
        register(flow_of(says("Inner"), name="inner", authorize_callback=lambda _: False))
        process = start(flow_of(sub_workflow("Run inner", "inner", [{}]), name="outer"))
        process.refresh_from_db()
        assert (process.last_status, process.failed_reason) == ("completed", None)

    def test_a_pause_at_the_moment_of_its_start_fails_nobody(self, start: StartWorkflow) -> None:
        """The step was begun before; what it starts waits until the engine goes on."""
        register(flow_of(says("Inner"), name="inner"))

        def calls(_: State) -> list[State]:
            pause_engine()
            return [{}]

        process = start(flow_of(sub_workflow("Run inner", "inner", calls), name="outer"))
        process.refresh_from_db()
        assert (process.last_status, process.failed_reason) == ("waiting", None)
        with pytest.raises(Locked):
            start_process("inner", [{}])
        unpause_engine()
        process.refresh_from_db()
        assert process.last_status == "completed"

    def test_a_limit_that_nobody_would_keep_is_refused_where_it_is_written(self) -> None:
        with pytest.raises(ValueError, match="max_running"):
            parallel_sub_workflows("Run many", lambda _: [], wait=False, max_parallel=2)


class TestWaitingInAStep:
    def test_waiting_for_what_the_same_step_started_is_refused_with_the_right_way(self, start: StartWorkflow) -> None:
        register(flow_of(says("Inner"), name="inner"))

        @step("Start and wait", atomic=True)
        def start_and_wait() -> None:
            child = start_process("inner")
            while Process.objects.get(pk=child).last_status != "completed":
                pass

        process = start(flow_of(start_and_wait, name="outer"))
        process.refresh_from_db()
        assert process.last_status == "failed"
        assert "sub_workflow(name, workflow, inputs)" in (process.failed_reason or "")
        # What it started went back with the step's transaction.
        assert list(Process.objects.values_list("pk", flat=True)) == [process.pk]

    def test_starting_without_waiting_is_allowed(self, start: StartWorkflow) -> None:
        register(flow_of(says("Inner"), name="inner"))

        @step("Start", atomic=True)
        def only_start() -> State:
            child = start_process("inner")
            return {"child": child, "was": Process.objects.get(pk=child).last_status}

        process = start(flow_of(only_start, name="outer"))
        assert state_of(process.pk)["was"] == "created"
        assert Process.objects.get(workflow__name="inner").last_status == "completed"
