"""Undo of step groups, and of branches, items and workflows that a process has started."""

from __future__ import annotations

from uuid import UUID

import pytest

from products.models import Workflow as WorkflowRow
from wfo_site.common.errors import Conflict
from workflows import (
    branch,
    callback_step,
    conditional,
    foreach,
    inputstep,
    nothing_to_undo,
    parallel,
    step,
    step_group,
    sub_workflow,
)
from workflows.engine import child_maker
from workflows.engine.undo_plan import Fate
from workflows.forms import FormPage
from workflows.models import Process
from workflows.selectors import undo_plan
from workflows.selectors.undo import state_given
from workflows.services import abort_process, resume_process, undo_process

from .conftest import StartWorkflow, rows
from .undoing import CALLS, FAILING, GIVEN, NETWORK, fates, flow_of, form, makes, says, status_of, undo

pytestmark = pytest.mark.django_db(transaction=True)


class TestGroups:
    def test_a_group_is_taken_back_as_a_whole_or_step_by_step(self, start: StartWorkflow) -> None:
        FAILING.add("Stop")

        def take_all(a: str) -> None:
            CALLS.append(f"all of it, {a}")
            NETWORK.clear()

        inner = makes("a") >> says("Look", undo=nothing_to_undo) >> makes("b")
        by_step = start(flow_of(step_group("Both", inner), says("Stop", undo=nothing_to_undo), name="by_step"))
        assert fates(by_step)[1:3] == [("Both / Make b", "undone"), ("Both / Make a", "undone")]
        undo(by_step)
        assert NETWORK == {}
        whole = start(flow_of(step_group("Both", inner, undo=take_all), says("Stop", undo=nothing_to_undo)))
        assert [name for name, _ in rows(undo(whole))][:1] == ["Undo: Both"]
        assert (NETWORK, CALLS[-1]) == ({}, "all of it, made")

    @pytest.mark.parametrize("is_between_two_runs", [False, True])
    def test_what_a_group_did_without_is_not_taken_back(self, start: StartWorkflow, is_between_two_runs: bool) -> None:
        """Also where the group was gone on with by another runner."""
        FAILING.add("Stop")
        inner = conditional(lambda _: False)(makes("b"))
        if is_between_two_runs:
            inner = inner >> inputstep("Confirm", assignee="NOC")(lambda: FormPage)
        process = start(
            flow_of(
                step_group("Both", makes("a") >> inner >> makes("c") >> inner[:1]), says("Stop", undo=nothing_to_undo)
            )
        )
        if is_between_two_runs:
            assert status_of(process) == "suspended"
            resume_process(process.pk, [{}])
        assert status_of(process) == "failed"
        assert fates(process)[1:3] == [("Both / Make c", "undone"), ("Both / Make a", "undone")]
        assert undo(process).last_status == "completed"
        assert (NETWORK, [call for call in CALLS if "Make b" in call]) == ({}, [])

    def test_what_an_earlier_try_of_a_group_may_have_done_is_taken_back(self, start: StartWorkflow) -> None:
        """Though the last one did without."""
        FAILING.update({"Stop", "Make b"})
        wanted = [True]
        group = step_group("Both", conditional(lambda _: bool(wanted))(makes("a")) >> makes("b"))
        process = start(flow_of(group, says("Stop", undo=nothing_to_undo)))
        assert NETWORK.keys() == {"a", "b"}
        wanted.clear()
        FAILING.discard("Make b")
        resume_process(process.pk)
        assert fates(process)[1:3] == [("Both / Make b", "undone"), ("Both / Make a", "undone")]
        undo(process)
        assert NETWORK == {}

    def test_what_was_given_up_while_another_system_worked_is_taken_back(self, start: StartWorkflow) -> None:
        def stop_playbook(job: int) -> None:
            CALLS.append(f"stop job {job}")

        call = step("Call")(lambda: {"job": 7})
        flow = flow_of(callback_step("Run playbook", call, says("Read"), undo=stop_playbook), name="with_callback")
        process = start(flow)
        assert status_of(process) == "awaiting_callback"
        assert undo(process).last_status == "completed"
        assert CALLS == ["stop job 7"]

    def test_of_a_group_that_failed_all_that_may_have_run_is_taken_back(self, start: StartWorkflow) -> None:
        FAILING.add("Make b")
        process = start(flow_of(step_group("Both", makes("a") >> makes("b"))))
        assert undo(process).last_status == "completed"
        assert NETWORK == {}


class TestParts:
    def test_branches_and_items_are_taken_back_in_reverse(self, start: StartWorkflow) -> None:
        FAILING.add("Stop")
        ends = parallel("Ends", branch("A", makes("a1") >> makes("a2")), branch("B", makes("b")))

        def forget(item: str) -> None:
            NETWORK.pop(item)
            CALLS.append(f"forget {item}")

        @step("Make item", undo=forget)
        def make_item(item: str) -> None:
            NETWORK[item] = "made"

        each = foreach("Items", lambda _: ["x", "y"], make_item)
        process = start(flow_of(makes("first"), ends, each, says("Stop", undo=nothing_to_undo)))
        assert [(one.name, one.where) for one in undo_plan(process.pk).undone] == [
            ("Make item", "y"),
            ("Make item", "x"),
            ("Make b", "B"),
            ("Make a2", "A"),
            ("Make a1", "A"),
            ("Make first", ""),
        ]
        done = undo(process)
        assert (done.last_status, NETWORK) == ("completed", {})
        assert CALLS[-6:] == [
            "forget y", "forget x", "Undo: Make b", "Undo: Make a2", "Undo: Make a1", "Undo: Make first"
        ]  # fmt: skip
        assert [name for name, _ in rows(done)][:3] == [
            "Undo: Make item (y)",
            "Undo: Make item (x)",
            "Undo: Make b (B)",
        ]
        assert GIVEN["a1"].keys() & {"a1", "a2", "b", "first"} == {"a1", "first"}

    def test_branches_of_a_process_that_waits_are_given_up_and_taken_back(self, start: StartWorkflow) -> None:
        """One has failed half way, one has ended, one was made anew after an abort."""
        FAILING.add("Make b")
        ends = parallel("Ends", branch("A", makes("a")), branch("B", parallel("Deep", makes("c"), makes("b"))))
        process = start(flow_of(ends))
        part = Process.every.get(branch_name="Make b", parent__branch_name="B")
        abort_process(part.pk)
        resume_process(Process.every.get(branch_name="B").pk)
        assert Process.every.filter(branch_name="Make b").count() == 2
        assert status_of(process) == "waiting"
        done = undo(process)
        assert (done.last_status, NETWORK) == ("completed", {})
        assert {"B / Make b", "B / Make c", "A"} == {one.where for one in undo_plan(process.pk).steps if one.where}

    def test_a_part_that_another_has_replaced_is_undone_from_the_state_of_its_parent(
        self, start: StartWorkflow
    ) -> None:
        each = foreach("Each", lambda _: ["x"], makes("a") >> inputstep("Ask", assignee="NOC")(form))
        process = start(flow_of(makes("first"), each))
        abort_process(Process.every.get(branch_name="x").pk)
        resume_process(process.pk)
        assert Process.every.filter(branch_name="x").count() == 2
        seen = [state_given(one) for one in undo_plan(process.pk).undone if one.name == "Make a"]
        assert [(state["first"], state["item"]) for state in seen] == [("made", "x")] * 2
        assert undo(process).last_status == "completed"
        assert (GIVEN["a"]["first"], GIVEN["a"]["item"]) == ("made", "x")

    def test_parts_of_parts_are_found_whatever_the_clocks_of_their_runners(
        self, start: StartWorkflow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The runner that makes the parts of a part is behind: their ids are lower than that of their parent."""
        ids = iter(range(10_000, 0, -1))
        monkeypatch.setattr(child_maker, "uuid7", lambda: UUID(int=next(ids)))
        FAILING.add("Stop")
        deep = parallel("Deep", makes("c"), makes("b"))
        process = start(flow_of(parallel("Ends", branch("A", makes("a")), branch("B", deep)), says("Stop")))
        assert sorted(NETWORK) == ["a", "b", "c"]
        undo(process)
        assert NETWORK == {}

    def test_a_workflow_that_it_started_is_named_and_undone_on_its_own(self, start: StartWorkflow) -> None:
        WorkflowRow.objects.create(name="inner", target="SYSTEM", description="Inner")
        flow_of(makes("inner"), name="inner")
        FAILING.add("Stop")
        outer = start(flow_of(makes("outer"), sub_workflow("Run inner", "inner", [{}]), says("Stop"), name="outer"))
        inner = Process.objects.get(workflow__name="inner")
        with pytest.raises(Conflict, match="has not ended; abort that one first"):
            undo_process(inner.pk)
        (other,) = (one for one in undo_plan(outer.pk).steps if one.fate is Fate.ELSEWHERE)
        assert (other.name, other.other_id) == ("Inner", inner.pk)
        undo(outer)
        assert sorted(NETWORK) == ["inner"]
        assert undo(inner).last_status == "completed"
        assert NETWORK == {}

    def test_a_branch_alone_is_not_undone(self, start: StartWorkflow) -> None:
        FAILING.add("Make b")
        start(flow_of(parallel("Ends", makes("a"), makes("b"))))
        with pytest.raises(Conflict, match="undo that one"):
            undo_process(Process.every.get(branch_name="Make b").pk)
