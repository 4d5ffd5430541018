"""Branches and items that run side by side: joins, retries of one part, and what is refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from wfo_site.common.errors import Conflict, Forbidden
from workflows import State, begin, branch, callback_step, conditional, focussteps, foreach, parallel, step, step_group
from workflows.engine.step_context import step_context
from workflows.models import InputState, Process
from workflows.selectors import why_not_running
from workflows.selectors.permissions import EVERYTHING, NOTHING
from workflows.services import resume_process

from .conftest import StartWorkflow, rows, state_of
from .fork_steps import CALLS, FAILING, asks, flow_of, parts, says, steps

pytestmark = pytest.mark.django_db(transaction=True)


class TestParallel:
    def test_branches_run_as_processes_of_their_own_and_their_changes_come_together(self, start: StartWorkflow) -> None:
        """PAR-01."""
        flow = flow_of(
            says("Before", shared=1),
            parallel("Both ends", branch("Side A", says("Set A", a=1)), branch("Side B", says("Set B", b={"x": 2}))),
            says("After"),
        )
        process = start(flow)
        process.refresh_from_db()
        assert process.last_status == "completed"
        assert rows(process) == [
            ("Start", "success"),
            ("Before", "success"),
            ("Both ends", "success"),
            ("After", "success"),
            ("Done", "complete"),
        ]
        state = state_of(process.pk)
        assert (state["a"], state["b"], state["shared"]) == (1, {"x": 2}, 1)
        assert {name: (part.kind, part.last_status) for name, part in parts(process).items()} == {
            "Side A": ("branch", "completed"),
            "Side B": ("branch", "completed"),
        }
        assert rows(parts(process)["Side A"]) == [("Set A", "success"), ("Done", "complete")]

    def test_a_branch_sees_the_state_of_its_parent_and_not_that_of_its_siblings(self, start: StartWorkflow) -> None:
        @step("Look")
        def look(state: State) -> State:
            return {"seen_by_b": sorted(state.keys() & {"shared", "a"})}

        flow = flow_of(says("Before", shared=1), parallel("Both", says("Set A", a=1), look))
        assert state_of(start(flow).pk)["seen_by_b"] == ["shared"]

    def test_a_failed_branch_alone_is_retried(self, start: StartWorkflow) -> None:
        """PAR-01, PAR-06: what has ended well is not run again."""
        FAILING.add("Set B")
        process = start(flow_of(parallel("Both", branch("A", says("Set A", a=1)), branch("B", says("Set B", b=2)))))
        process.refresh_from_db()
        assert (process.last_status, process.wait_kind) == ("waiting", "children")
        assert "1 of 2 parts done, 1 failed: B (retry to try it again)" in why_not_running(process)

        FAILING.clear()
        resume_process(process.pk, user="bob")
        process.refresh_from_db()
        assert process.last_status == "completed"
        assert CALLS == ["Set A", "Set B", "Set B"]
        assert [status for _, status in rows(parts(process)["B"])] == ["failed", "success", "complete"]

    def test_retrying_the_branch_itself_wakes_the_parent(self, start: StartWorkflow) -> None:
        FAILING.add("Set B")
        process = start(flow_of(parallel("Both", branch("A", says("Set A")), branch("B", says("Set B")))))
        FAILING.clear()
        resume_process(parts(process)["B"].pk)
        process.refresh_from_db()
        assert process.last_status == "completed"

    def test_a_retry_reaches_the_parts_of_parts(self, start: StartWorkflow) -> None:
        FAILING.update({"Set B", "Set C"})
        inner = parallel("Inner", branch("B", says("Set B", b=2)), branch("C", says("Set C", c=3)))
        process = start(flow_of(parallel("Outer", branch("A", says("Set A", a=1)), branch("West", inner))))
        assert "1 of 2 parts done, 2 failed: West / B, West / C (retry to try them again)" in why_not_running(process)
        FAILING.clear()
        resume_process(process.pk)
        process.refresh_from_db()
        assert process.last_status == "completed"
        assert CALLS == ["Set A", "Set B", "Set C", "Set B", "Set C"]

    def test_a_retry_takes_all_failed_parts_or_none(
        self, start: StartWorkflow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        FAILING.update({"Set A", "Set B"})
        process = start(flow_of(parallel("Both", branch("A", says("Set A")), branch("B", says("Set B")))))
        # The right to retry is asked for again with each part.
        policies = iter([EVERYTHING, EVERYTHING, NOTHING])
        monkeypatch.setattr("workflows.services.resume.permissions_at", lambda *_: next(policies))
        with pytest.raises(Forbidden):
            resume_process(process.pk)
        assert {part.last_status for part in parts(process).values()} == {"failed"}
        assert not InputState.objects.filter(process__parent=process, input_type="user_input").exists()

    def test_a_parent_none_of_whose_parts_failed_cannot_be_retried(self, start: StartWorkflow) -> None:
        process = start(flow_of(parallel("Ask twice", branch("A", asks("Ask A")), branch("B", asks("Ask B")))))
        with pytest.raises(Conflict, match="None of its parts has failed"):
            resume_process(process.pk)

    def test_a_branch_that_asks_suspends_only_itself(self, start: StartWorkflow) -> None:
        process = start(flow_of(parallel("Both", branch("A", asks("Ask")), branch("B", says("Set B", b=1)))))
        process.refresh_from_db()
        assert process.last_status == "waiting"
        assert parts(process)["B"].last_status == "completed"
        assert "1 waiting for input: A" in why_not_running(process)
        resume_process(parts(process)["A"].pk, [{"answer": 42}])
        assert state_of(process.pk)["answer"] == 42
        process.refresh_from_db()
        assert process.last_status == "completed"

    def test_branches_that_disagree_on_a_key_fail_the_join_and_a_new_merge_mends_it(self, start: StartWorkflow) -> None:
        branches = [branch("A", says("Set A", x=1)), branch("B", says("Set B", x=2))]
        process = start(flow_of(parallel("Both", *branches)))
        process.refresh_from_db()
        assert process.last_status == "failed"
        assert "Branches 'A' and 'B' set 'x' to different values" in (process.failed_reason or "")

        flow_of(parallel("Both", *branches, merge=lambda _, changes: {"x": changes["A"]["x"] + changes["B"]["x"]}))
        resume_process(process.pk)
        process.refresh_from_db()
        assert process.last_status == "completed"
        assert state_of(process.pk)["x"] == 3
        assert CALLS == ["Set A", "Set B"]

    def test_the_branch_that_declares_a_key_decides_it(self, start: StartWorkflow) -> None:
        flow = flow_of(parallel("Both", branch("A", says("Set A", x=1)), branch("B", says("Set B", x=2), sets=["x"])))
        assert state_of(start(flow).pk)["x"] == 2

    def test_any_goes_on_with_the_first_and_aborts_the_rest(self, start: StartWorkflow) -> None:
        process = start(flow_of(parallel("Race", branch("A", asks("Ask")), branch("B", says("B", b=1)), join="any")))
        process.refresh_from_db()
        assert process.last_status == "completed"
        assert {name: part.last_status for name, part in parts(process).items()} == {"A": "aborted", "B": "completed"}
        assert state_of(process.pk)["b"] == 1

    def test_a_number_must_end_well(self, start: StartWorkflow) -> None:
        FAILING.update({"B", "C"})
        flow = flow_of(parallel("Three", says("A", a=1), says("B"), says("C"), join=2))
        process = start(flow)
        process.refresh_from_db()
        assert process.last_status == "waiting"
        FAILING.discard("B")
        resume_process(parts(process)["B"].pk)
        process.refresh_from_db()
        assert process.last_status == "completed"
        assert parts(process)["C"].last_status == "aborted"

    def test_a_condition_that_does_not_hold_skips_all_branches(self, start: StartWorkflow) -> None:
        flow = flow_of(conditional(lambda _: False)(parallel("Both", says("A"), says("B"))))
        process = start(flow)
        assert rows(process)[1] == ("Both", "skipped")
        assert not parts(process)

    def test_branches_within_branches_three_deep(self, start: StartWorkflow) -> None:
        inner = parallel("Inner", branch("I1", says("Deep", deep=1)), branch("I2", says("Deeper", deeper=2)))
        middle = parallel("Middle", branch("M1", steps(says("M", m=1), inner)), branch("M2", says("N", n=1)))
        process = start(flow_of(parallel("Outer", branch("O1", middle), branch("O2", says("O", o=1)))))
        process.refresh_from_db()
        assert process.last_status == "completed"
        state = state_of(process.pk)
        assert {key: state[key] for key in ("deep", "deeper", "m", "n", "o")} == {
            "deep": 1, "deeper": 2, "m": 1, "n": 1, "o": 1
        }  # fmt: skip
        assert set(Process.every.values_list("root_id", flat=True)) == {process.pk}


class TestForeach:
    def test_each_item_has_a_part_and_results_come_in_their_order(self, start: StartWorkflow) -> None:
        """PAR-02."""

        @step("Configure")
        def configure(port: str, item_index: int) -> State:
            return {"config": f"{item_index}:{port}"}

        each = foreach("Configure ports", "ports", configure, item="port", max_parallel=2)
        process = start(flow_of(says("Find", ports=["xe-0", "xe-1", "xe-2", "xe-3", "xe-4"]), each))
        state = state_of(process.pk)
        assert [result["config"] for result in state["ports_results"]] == [f"{n}:xe-{n}" for n in range(5)]
        assert sorted(parts(process)) == [f"xe-{n}" for n in range(5)]
        assert "port" not in state

    def test_no_more_than_allowed_are_at_work_at_once(self, start: StartWorkflow) -> None:
        each = foreach("Ask all", "names", asks("Ask"), max_parallel=2)
        process = start(flow_of(says("Find", names=["a", "b", "c"]), each))

        def statuses() -> dict[str, str]:
            return {name: part.last_status for name, part in parts(process).items()}

        assert statuses() == {"a": "suspended", "b": "suspended", "c": "created"}
        assert "waits for its turn: 2 of “Ask all” run at once" in why_not_running(parts(process)["c"])
        resume_process(parts(process)["a"].pk, [{"answer": 1}])
        assert statuses() == {"a": "completed", "b": "suspended", "c": "suspended"}
        for name in "bc":
            resume_process(parts(process)[name].pk, [{"answer": 1}])
        process.refresh_from_db()
        assert process.last_status == "completed"

    def test_an_empty_list_is_done_at_once(self, start: StartWorkflow) -> None:
        process = start(flow_of(foreach("None", lambda _: [], says("Never"))))
        assert state_of(process.pk)["results"] == []
        assert CALLS == []

    def test_items_that_are_no_list_fail_with_the_reason(self, start: StartWorkflow) -> None:
        process = start(flow_of(says("Find", ports="xe-0"), foreach("Each", "ports", says("Never"))))
        process.refresh_from_db()
        assert process.failed_reason == "The items are str; they must be a list"

    def test_every_item_has_an_idempotency_key_of_its_own_and_keeps_it(self, start: StartWorkflow) -> None:
        keys: list[tuple[str, UUID]] = []

        @step("Order")
        def order(item: str) -> None:
            keys.append((item, step_context().idempotency_key))
            if item in FAILING:
                raise ValueError("no")

        FAILING.add("b")
        process = start(flow_of(says("Find", names=["a", "b"]), foreach("Order all", "names", order)))
        FAILING.clear()
        resume_process(process.pk)
        assert [item for item, _ in keys] == ["a", "b", "b"]
        assert keys[1][1] == keys[2][1] != keys[0][1]


class TestPlaces:
    @pytest.mark.parametrize(
        "put",
        [
            lambda fork: step_group("Group", begin >> fork),
            lambda fork: focussteps("key")(fork),
            lambda fork: callback_step("Call", fork, says("Check")),
        ],
        ids=["step_group", "focussteps", "callback_step"],
    )
    def test_refused_at_import(self, put: Any) -> None:
        with pytest.raises(ValueError, match="cannot stand inside"):
            put(parallel("Both", says("A"), says("B")))

    def test_names_must_differ(self) -> None:
        with pytest.raises(ValueError, match="names of their own"):
            parallel("Both", says("A"), says("A"))

    def test_parts_are_in_no_list(self, start: StartWorkflow) -> None:
        process = start(flow_of(parallel("Both", says("A"), says("B"))))
        assert list(Process.objects.values_list("pk", flat=True)) == [process.pk]
