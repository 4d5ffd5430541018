"""The decorators of workflows: the steps that each puts around a workflow's own, and what it refuses."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from subscriptions.domain import isolated
from workflows import (
    Step,
    StepList,
    Target,
    begin,
    create_workflow,
    done,
    init,
    modify_workflow,
    reconcile_workflow,
    step,
    store_process_subscription,
    task,
    terminate_workflow,
    unsync,
    unsync_unchecked,
    validate_workflow,
    workflow,
)
from workflows.engine.registry import Workflow, get_workflow

from .plain_steps import LINK, LOCK, UNLOCK, body


@step("More")
def more() -> None: ...


def only_body() -> StepList:
    return begin >> body


def names(made: Workflow) -> list[str]:
    return [item.name for item in made.steps]


class TestDecorators:
    @pytest.fixture(autouse=True)
    def in_a_registry_of_its_own(self) -> Iterator[None]:
        with isolated(empty=True):
            yield

    @pytest.mark.parametrize(
        ("decorator", "target", "is_task", "wanted"),
        [
            (create_workflow, Target.CREATE, False, ["Set subscription to 'active'", UNLOCK]),
            (modify_workflow, Target.MODIFY, False, [LINK, LOCK, ..., UNLOCK]),
            (
                terminate_workflow,
                Target.TERMINATE,
                False,
                [LINK, LOCK, ..., "Set subscription to 'terminated'", UNLOCK],
            ),
            (reconcile_workflow, Target.RECONCILE, False, [LINK, LOCK, ..., UNLOCK]),
            (task, Target.SYSTEM, True, []),
        ],
    )
    def test_what_each_puts_around_its_own_steps(
        self, decorator: Any, target: Target, is_task: bool, wanted: list[Any]
    ) -> None:
        """Conformance 65."""
        made = decorator("Made", additional_steps=begin >> more)(only_body)
        at = wanted.index(...) if ... in wanted else 0
        rest = [name for name in wanted if name is not ...]
        assert names(made) == ["Start", *rest[:at], "Body", "More", *rest[at:], "Done"]
        assert (made.target, made.is_task, made.name) == (target, is_task, "only_body")

    def test_a_validation_takes_the_lock_also_from_nobody(self) -> None:
        made = validate_workflow("Made")(only_body)
        assert names(made) == ["Start", LINK, LOCK, "Body", UNLOCK, "Done"]
        assert made.is_task

    @pytest.mark.parametrize(
        ("decorator", "lock"),
        [
            (modify_workflow, unsync),
            (terminate_workflow, unsync),
            (validate_workflow, unsync_unchecked),
            (reconcile_workflow, unsync_unchecked),
        ],
    )
    def test_only_what_compares_or_repairs_takes_the_lock_also_from_nobody(self, decorator: Any, lock: Step) -> None:
        """Conformance 65."""
        assert decorator("Made")(only_body).steps[2] is lock

    def test_a_workflow_is_exactly_what_its_function_returns(self) -> None:
        assert names(workflow("Made")(lambda_of(init >> body >> done))) == ["Start", "Body", "Done"]

    def test_the_last_status_of_a_creation_can_be_chosen(self) -> None:
        made = create_workflow("Made", status="provisioning")(only_body)  # type: ignore[arg-type]
        assert "Set subscription to 'provisioning'" in names(made)

    @pytest.mark.parametrize(
        "decorator",
        [workflow, task, create_workflow, modify_workflow, terminate_workflow, validate_workflow, reconcile_workflow],
    )
    def test_what_cannot_be_decorated(self, decorator: Any) -> None:
        """Conformance 65."""
        with pytest.raises(ValueError, match="takes a function that returns steps"):
            decorator("Made")("no function")
        made = decorator("Made")(only_body)
        with pytest.raises(ValueError, match="takes a function that returns steps"):
            decorator("Made again")(made)

        def takes_something(it: int) -> StepList:
            return begin

        with pytest.raises(ValueError, match="takes arguments"):
            decorator("Made")(takes_something)

        def returns_no_steps() -> Any:
            return [1]

        with pytest.raises(ValueError, match="Expected @step decorated function"):
            decorator("Made")(returns_no_steps)

    @pytest.mark.parametrize("description", ["", "Something"])
    def test_a_description_may_be_left_out_and_is_the_first_line_of_the_docstring(self, description: str) -> None:
        """Conformance 66, where a given one is no longer discouraged: it is the default of the catalogue's."""

        def made() -> StepList:
            """Deliver a port.

            In two steps.
            """
            return begin

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert task(description)(made).description == (description or "Deliver a port.")

    def test_a_workflow_is_found_by_name_and_never_called(self) -> None:
        """Conformance 69."""
        made = task("Made")(only_body)
        assert get_workflow("only_body") is made
        assert get_workflow("unknown") is None
        with pytest.raises(TypeError, match="is not called"):
            made()

    def test_the_link_needs_no_target_any_more(self) -> None:
        """Conformance 63."""
        with pytest.warns(DeprecationWarning, match="workflow_target"):
            assert store_process_subscription("MODIFY").name == LINK


def lambda_of(steps: StepList) -> Callable[[], StepList]:
    def made() -> StepList:
        return steps

    return made
