"""Undo: finished steps are taken back in reverse, as a process of its own."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError

from wfo_site.common.db.outside import outside
from wfo_site.common.errors import Conflict
from workflows import (
    State,
    callback_step,
    conditional,
    focussteps,
    inputstep,
    nothing_to_undo,
    retrystep,
    step,
    step_context,
)
from workflows.engine import waits
from workflows.engine.undo_plan import Fate
from workflows.enums import ProcessKind
from workflows.forms import FormPage
from workflows.models import Process, Wait
from workflows.selectors import process_detail, undo_plan
from workflows.selectors.undo import state_given
from workflows.services import abort_process, arrive_callback, resume_process, undo_process

from .conftest import StartWorkflow, rows, state_of
from .undoing import CALLS, FAILING, GIVEN, NETWORK, fates, flow_of, makes, nothing, says, status_of, undo

pytestmark = pytest.mark.django_db(transaction=True)


class TestPlan:
    def test_finished_steps_in_reverse_each_with_the_state_right_after_it(self, start: StartWorkflow) -> None:
        FAILING.add("Stop")
        process = start(flow_of(makes("a", x=1), makes("b", x=2), says("Look"), says("Stop", undo=nothing_to_undo)))
        plan = undo_plan(process.pk)
        assert (plan.refusal, plan.undone_by) == ("", None)
        assert [(one.name, one.undo_name, one.fate) for one in plan.steps] == [
            ("Stop", "", Fate.NOTHING),
            ("Look", "", Fate.STAYS),
            ("Make b", "Undo: Make b", Fate.UNDONE),
            ("Make a", "Undo: Make a", Fate.UNDONE),
        ]
        assert [one.name for one in plan.left] == ["Look"]
        given = {one.name: state_given(one) for one in plan.undone}
        assert {name: (state.get("x"), sorted(state.keys() & {"a", "b"})) for name, state in given.items()} == {
            "Make b": (2, ["a", "b"]),
            "Make a": (1, ["a"]),
        }

    def test_what_was_skipped_is_not_in_it_and_what_failed_at_first_is_there_once(self, start: StartWorkflow) -> None:
        FAILING.add("Make b")
        process = start(flow_of(conditional(lambda _: False)(makes("a")), makes("b"), says("Stop")))
        FAILING.symmetric_difference_update({"Make b", "Stop"})
        resume_process(process.pk)
        assert fates(process) == [("Stop", "stays"), ("Make b", "undone")]
        assert [one.is_half_done for one in undo_plan(process.pk).steps] == [True, False]

    def test_a_step_that_stopped_half_way_is_undone_from_the_state_that_it_began_with(
        self, start: StartWorkflow
    ) -> None:
        """Its effect outside is unknown; what it was to return is not there."""
        FAILING.add("Make b")
        process = start(flow_of(makes("a"), makes("b")))
        assert sorted(NETWORK) == ["a", "b"]
        done = undo(process)
        assert (done.last_status, NETWORK) == ("completed", {})
        assert "b" not in GIVEN["b"]
        assert GIVEN["b"]["a"] == "made"

    def test_a_step_that_stopped_before_it_said_what_its_undo_needs_stays(self, start: StartWorkflow) -> None:
        def cancel(order: str) -> None:
            CALLS.append(f"cancel {order}")

        @step("Order", undo=cancel)
        def order() -> State:
            raise ConnectionError("no answer")

        process = start(flow_of(makes("a"), order))
        (half_done,) = undo_plan(process.pk).left
        assert "before it returned 'order'" in half_done.reason
        undone = undo(process)
        assert [name for name, _ in rows(undone)] == ["Undo: Make a", "Keep the lock", "Done"]
        assert state_of(undone.pk)["not_undone"] == ["Order"]

    def test_a_step_that_was_running_when_it_was_aborted_is_undone_too(self, start: StartWorkflow) -> None:
        def abort_process_of(thing: str) -> Any:
            @step(f"Make {thing}", undo=makes(thing).undo)
            def make() -> State:
                NETWORK[thing] = "made"
                with outside():
                    abort_process(step_context().process_id, user="alice")
                return {thing: "made"}

            return make

        process = start(flow_of(makes("a"), abort_process_of("b"), makes("c")))
        assert (status_of(process), sorted(NETWORK)) == ("aborted", ["a", "b"])
        assert [(one.name, one.is_half_done) for one in undo_plan(process.pk).undone] == [
            ("Make b", True),
            ("Make a", False),
        ]
        assert (undo(process).last_status, NETWORK) == ("completed", {})
        assert "b" not in GIVEN["b"]

    def test_the_number_of_statements_does_not_grow_with_the_steps(
        self, start: StartWorkflow, django_assert_max_num_queries: Any
    ) -> None:
        FAILING.add("Stop")
        few = start(flow_of(*[makes(f"few {n}") for n in range(2)], says("Stop"), name="few"))
        many = start(flow_of(*[makes(f"many {n}") for n in range(20)], says("Stop"), name="many"))
        with django_assert_max_num_queries(10):
            undo_plan(few.pk)
        with django_assert_max_num_queries(10):
            undo_plan(many.pk)


class TestRun:
    def test_it_takes_back_all_and_both_link_to_each_other(self, start: StartWorkflow) -> None:
        FAILING.add("Stop")
        process = start(flow_of(makes("a"), makes("b"), says("Stop", undo=nothing_to_undo)))
        done = undo(process)
        assert NETWORK == {}
        assert CALLS[-2:] == ["Undo: Make b", "Undo: Make a"]
        assert rows(done) == [
            ("Undo: Make b", "success"),
            ("Undo: Make a", "success"),
            ("Unlock subscriptions", "success"),
            ("Done", "complete"),
        ]
        assert (done.kind, done.last_status, done.parent_id, done.root_id, done.created_by) == (
            ProcessKind.UNDO, "completed", process.pk, process.root_id, "bob"
        )  # fmt: skip
        assert status_of(process) == "aborted"
        assert rows(process)[-1] == ("User Aborted", "abort")
        assert process_detail(process.pk)["undone_by"] == done.pk
        assert process_detail(done.pk)["undo_of"] == process.pk
        assert not Process.objects.filter(pk=done.pk).exists(), "it is in no list"

    def test_what_an_undo_step_returns_is_its_own(self, start: StartWorkflow) -> None:
        FAILING.add("Stop")
        done = undo(start(flow_of(makes("a"), makes("b"), says("Stop", undo=nothing_to_undo))))
        assert "gone" not in GIVEN["a"]
        state = state_of(done.pk)
        assert (state["Undo: Make b"], state["Undo: Make a"]) == ({"gone": "b"}, {"gone": "a"})

    def test_it_knows_the_key_that_the_step_had_and_has_one_of_its_own(self, start: StartWorkflow) -> None:
        seen: dict[str, Any] = {}

        def take_away() -> None:
            context = step_context()
            assert context.undone is not None
            seen.update(own=context.idempotency_key, undone=context.undone, before=context.undone.read_before())

        @step("Make a", undo=take_away)
        def make() -> State:
            seen["key"] = step_context().idempotency_key
            return {"a": 1}

        FAILING.add("Stop")
        undo(start(flow_of(make, says("Stop", undo=nothing_to_undo))))
        assert seen["undone"].idempotency_key == seen["key"] != seen["own"]
        assert (seen["undone"].step, seen["undone"].is_half_done) == ("Make a", False)
        assert "a" not in seen["before"]

    def test_one_that_fails_stands_still_and_is_tried_again_from_there(self, start: StartWorkflow) -> None:
        FAILING.update({"Stop", "Undo: Make a"})
        failed = undo(start(flow_of(makes("a"), makes("b"), says("Stop", undo=nothing_to_undo))))
        assert (failed.last_status, failed.last_step, sorted(NETWORK)) == ("failed", "Undo: Make a", ["a"])
        FAILING.clear()
        resume_process(failed.pk, user="carol")
        assert (status_of(failed), NETWORK) == ("completed", {})
        assert CALLS.count("Undo: Make b") == 1

    def test_after_one_that_was_given_up_another_takes_back_the_rest(self, start: StartWorkflow) -> None:
        FAILING.update({"Stop", "Undo: Make a"})
        process = start(flow_of(makes("a"), makes("b"), says("Stop", undo=nothing_to_undo)))
        first = undo(process)
        with pytest.raises(Conflict, match="being undone already"):
            undo_process(process.pk)
        abort_process(first.pk)
        assert fates(process) == [
            ("Stop", "nothing"),
            ("Make b", "before"),
            ("Make a", "undone"),
        ]
        FAILING.clear()
        second = undo(process)
        assert (second.last_status, NETWORK, CALLS.count("Undo: Make b")) == ("completed", {}, 1)
        assert process_detail(process.pk)["undone_by"] == second.pk
        with pytest.raises(Conflict, match="has been undone already"):
            undo_process(process.pk)

    def test_the_database_allows_one_at_a_time(self, start: StartWorkflow) -> None:
        FAILING.update({"Stop", "Undo: Make a"})
        process = start(flow_of(makes("a"), says("Stop")))
        first = undo(process)
        moment = first.started_at
        columns = {"kind": "undo", "root_id": process.root_id, "started_at": moment, "last_modified_at": moment}
        with pytest.raises(IntegrityError):
            Process.every.create(workflow=process.workflow, parent=process, **columns)

    def test_code_that_no_longer_has_the_undo_fails_that_step_until_it_is_back(self, start: StartWorkflow) -> None:
        FAILING.update({"Stop", "Undo: Make b"})
        flow = flow_of(makes("a"), makes("b"), says("Stop", undo=nothing_to_undo))
        failed = undo(start(flow))
        FAILING.clear()
        kept = flow.steps[1].undo
        flow.steps[1].undo = None
        resume_process(failed.pk)
        failed.refresh_from_db()
        assert (failed.last_status, failed.last_step) == ("failed", "Undo: Make a")
        assert "Bring it back and retry" in str(failed.failed_reason)
        flow.steps[1].undo = kept
        resume_process(failed.pk)
        assert (status_of(failed), NETWORK) == ("completed", {})

    def test_an_undo_may_be_any_step_that_stands_alone(self, start: StartWorkflow) -> None:
        """A callback step, one that a person answers, one that waits for another try: their parts see each other."""

        @inputstep("Say that it is unplugged", assignee="NOC")
        def unplugged() -> Any:
            class Unplugged(FormPage):
                by: str

            page = yield Unplugged
            return page.model_dump()

        @step("Order removal")
        def order(callback_route: str) -> State:
            return {"ordered": callback_route.startswith("/api/")}

        @step("Read answer")
        def read(callback_result: State, ordered: bool) -> State:
            return {"removed": callback_result["ok"] and ordered}

        @retrystep("Wait for dark")
        def dark(a: str) -> State:
            if "dark" in FAILING:
                raise TimeoutError("still light")
            return {"dark": a}

        FAILING.update({"Stop", "dark"})
        flow = flow_of(
            step("Make a", undo=unplugged)(lambda: {"a": "made"}),
            step("Make b", undo=callback_step("Remove", order, read))(nothing),
            step("Make c", undo=dark)(nothing),
            says("Stop", undo=nothing_to_undo),
        )
        process = undo(start(flow))
        assert (process.last_status, process.last_step) == ("waiting", "Wait for dark")
        FAILING.clear()
        resume_process(process.pk)
        assert status_of(process) == "awaiting_callback"
        wait = Wait.objects.get(process=process, state="open")
        arrive_callback(process.pk, waits.route(wait).rpartition("/")[2], {"ok": True})
        assert status_of(process) == "suspended"
        resume_process(process.pk, [{"by": "dave"}])
        assert status_of(process) == "completed"
        state = state_of(process.pk)
        assert (state["Wait for dark"], state["Remove"]["removed"], state["Say that it is unplugged"]) == (
            {"dark": "made"}, True, {"by": "dave"}
        )  # fmt: skip

    def test_steps_that_see_a_part_of_the_state_are_undone_in_that_part(self, start: StartWorkflow) -> None:
        FAILING.add("Stop")
        undo(start(flow_of(focussteps("end")(makes("a")), says("Stop", undo=nothing_to_undo))))
        assert GIVEN["a"] == {"a": "made"}
