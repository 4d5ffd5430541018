"""Where the steps of product blocks may stand, what is refused, and what the system checks find."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.core.checks import run_checks

from products.registry import DuplicateRegistration
from subscriptions.domain import ProductBlockModel
from workflows import (
    State,
    StepList,
    begin,
    branch,
    conditional,
    create_blocks,
    create_workflow,
    focussteps,
    foreach,
    parallel,
    register_block_steps,
    step,
    step_group,
)
from workflows.checks import BLOCKS_TAG, check_steps_of_blocks, check_workflows_with_blocks
from workflows.testing import Engine

from .block_workflows import EVERY_BLOCK, give_steps, go, new
from .networks import CALLS, constructs, works_on

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("way")]


class TestPlaces:
    """Where a workflow may take up the steps of blocks."""

    def test_a_condition_holds_for_all_of_them(self, engine: Engine, network: SimpleNamespace) -> None:
        give_steps(network, "Port")

        @create_workflow("Hesitant", products=["Port"])
        def hesitant() -> StepList:
            construct = constructs(lambda: new(network, "Port"))
            return begin >> construct >> conditional(lambda _: False)(create_blocks(network.Port))

        run = engine.start(hesitant, {"product": str(network.products["Port"])}).expect("completed")
        assert run.step("Create Port (port)").status == "skipped"
        assert CALLS == []

    def test_they_may_run_beside_other_steps(self, engine: Engine, network: SimpleNamespace) -> None:
        give_steps(network, "Port")

        @step("Tell")
        def tell() -> State:
            return {"told": True}

        @create_workflow("Busy", products=["Port"])
        def busy() -> StepList:
            construct = constructs(lambda: new(network, "Port"))
            side_by_side = parallel("Both", branch("Blocks", create_blocks(network.Port)), branch("Tell", tell))
            return begin >> construct >> side_by_side

        run = go(engine, busy, {"product": str(network.products["Port"])}).expect("completed")
        assert (run.subscription.port.number, run.state["told"]) == (1, True)

    def test_steps_may_be_registered_after_the_workflow_that_takes_them_up(
        self, engine: Engine, network: SimpleNamespace
    ) -> None:
        """Modules of a product package are imported in any order."""

        @create_workflow("Early", products=["Port"])
        def early() -> StepList:
            return begin >> constructs(lambda: new(network, "Port")) >> create_blocks(network.Port)

        give_steps(network, "Port")
        engine.start(early, {"product": str(network.products["Port"])}).expect("completed")
        assert CALLS == ["Create Port"]

    @pytest.mark.parametrize(
        "inside",
        [lambda steps: step_group("Group", steps), focussteps("part")],
        ids=["step_group", "focussteps"],
    )
    def test_not_where_no_branches_can_be(self, network: SimpleNamespace, inside: Any) -> None:
        with pytest.raises(
            ValueError, match="'Create blocks of Port' runs others side by side and cannot stand inside"
        ):
            inside(begin >> create_blocks(network.Port))


class TestRefusals:
    def test_a_second_list_of_steps_for_a_block_names_both_places(self, network: SimpleNamespace) -> None:
        give_steps(network, "Port")
        with pytest.raises(DuplicateRegistration, match=r"'Port' is registered twice: in .*\.py:\d+ and in .*\.py:\d+"):
            register_block_steps(network.PortBlock, create=works_on("Port", "Create"))

    def test_what_is_no_block_or_has_no_steps(self, network: SimpleNamespace) -> None:
        steps = works_on("Port", "Create")

        class Abstract(ProductBlockModel):
            pass

        with pytest.raises(ValueError, match="is no product block; name a ProductBlockModel"):
            register_block_steps(network.Port, create=steps)
        with pytest.raises(ValueError, match="Abstract is abstract; give the steps to the blocks"):
            register_block_steps(Abstract, create=steps)
        with pytest.raises(ValueError, match="Block 'Port' is given no steps"):
            register_block_steps(network.PortBlock)
        with pytest.raises(ValueError, match="cannot stand inside the steps of block 'Port'"):
            register_block_steps(network.PortBlock, create=foreach("Each", "items", steps))
        with pytest.raises(ValueError, match="name the SubscriptionModel that has them"):
            create_blocks(network.PortBlock)


class TestChecks:
    """What cannot work is a system check error that names the place."""

    def test_the_installed_product_packages_pass(self) -> None:
        assert run_checks(tags=[BLOCKS_TAG]) == []

    def test_steps_of_a_block_that_no_product_has(self, network: SimpleNamespace) -> None:
        class StrayBlock(ProductBlockModel, product_block_name="Stray"):
            pass

        give_steps(network, *EVERY_BLOCK)
        assert check_steps_of_blocks() == []
        register_block_steps(StrayBlock, create=works_on("Stray", "Create"))
        [error] = check_steps_of_blocks()
        assert error.id == "workflows.E004"
        assert error.msg.startswith(f"{__file__}:")
        assert error.msg.endswith("Product block 'Stray' is given steps, but no product has it.")

    def test_a_block_to_leave_out_that_the_product_does_not_have(self, network: SimpleNamespace) -> None:
        @create_workflow("Wrong", products=["Port"])
        def wrong() -> StepList:
            return begin >> create_blocks(network.Port, without=[network.CircuitBlock])

        [error] = check_workflows_with_blocks()
        assert error.id == "workflows.E005"
        assert error.msg.startswith(f"{__file__}:")
        assert "Port has no block CircuitBlock, so it cannot be left out (workflow 'wrong')" in error.msg

    def test_a_block_that_holds_itself_unless_it_is_left_out(self, network: SimpleNamespace) -> None:
        """How deep it goes is known only at run time."""
        give_steps(network, "Folder")

        @create_workflow("Shallow", products=["Folder"])
        def shallow() -> StepList:
            return begin >> create_blocks(network.Folder, without=[network.FolderBlock])

        assert check_workflows_with_blocks() == []

        @create_workflow("Deep", products=["Folder"])
        def deep() -> StepList:
            return begin >> create_blocks(network.Folder)

        [error] = check_workflows_with_blocks()
        assert error.id == "workflows.E005"
        assert "Block 'Folder' holds itself at folder.inner of Folder" in error.msg

    def test_the_blocks_of_another_product_than_the_workflow_is_for(self, network: SimpleNamespace) -> None:
        @create_workflow("Mixed up", products=["CIRCUIT", "Port"])
        def mixed_up() -> StepList:
            return begin >> create_blocks(network.Circuit)

        [error] = check_workflows_with_blocks()
        assert error.id == "workflows.E006"
        assert error.msg.startswith(f"{__file__}:")
        assert error.msg.endswith(
            "Workflow 'mixed_up' is for product 'Port', a Port, and asks for the blocks of Circuit."
        )
