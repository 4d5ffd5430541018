"""Missing references in the catalogue are system checks that name file and line."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.checks import run_checks
from pytest_django.fixtures import Settings

from products import ProductSpec, Target, register
from products.checks import TAG, check_products, check_workflows
from products.registry import WorkflowSpec
from subscriptions.domain import ProductBlockModel, SubscriptionModel
from tests.products.conftest import Network

AddWorkflow = Callable[..., WorkflowSpec]


def test_the_installed_product_packages_pass() -> None:
    """Conformance 70, for everything that this installation registers."""
    assert run_checks(tags=[TAG]) == []


def test_a_complete_catalogue_passes(registered: Network) -> None:
    assert check_products() == []
    assert check_workflows() == []


def test_a_workflow_for_an_unknown_product_is_an_error_with_its_place(
    registered: Network, add_workflow: AddWorkflow
) -> None:
    spec = add_workflow("create_node", products=["PORT", "node"])
    [error] = check_workflows()
    assert error.id == "products.E003"
    assert error.msg.startswith(f"{spec.source}: Workflow 'create_node' is for 'node'")
    assert "PORT" in str(error.hint)


def test_a_workflow_that_nobody_can_start_is_a_warning(registered: Network, add_workflow: AddWorkflow) -> None:
    add_workflow("modify_speed", Target.MODIFY)
    assert [message.id for message in check_workflows()] == ["products.W001"]


def test_a_product_without_a_creating_workflow_is_a_warning(registered: Network) -> None:
    spec = register(ProductSpec("port X", registered.Circuit, tag="OTHER", description=""))
    [warning] = check_workflows()
    assert warning.id == "products.W003"
    assert str(spec.source) in warning.msg


def test_a_default_workflow_that_is_not_registered_is_a_warning(registered: Network, settings: Settings) -> None:
    settings.DEFAULT_PRODUCT_WORKFLOWS = ["modify_note", "nowhere"]
    assert [message.id for message in check_workflows()] == ["products.W002"]


@pytest.mark.parametrize(
    ("fixed_inputs", "number"),
    [({}, ["products.E004"]), ({"port_speed": 1, "colour": "red"}, ["products.E005"]), ({"port_speed": 1}, [])],
)
def test_fixed_inputs_must_be_those_of_the_model(
    network: Network, fixed_inputs: dict[str, object], number: list[str]
) -> None:
    register(ProductSpec("port", network.Port, tag="PORT", description="", fixed_inputs=fixed_inputs))  # type: ignore[arg-type]
    assert [message.id for message in check_products()] == number


def test_two_block_classes_of_one_name_are_an_error_naming_both(network: Network) -> None:
    class Impostor(ProductBlockModel, product_block_name="TestPort"):
        speed: int | None = None

    class Other(SubscriptionModel, is_base=True):
        port: Impostor

    register(ProductSpec("port", network.Port, tag="PORT", description="", fixed_inputs={"port_speed": 1}))
    register(ProductSpec("other", Other, tag="OTHER", description=""))
    [error] = check_products()
    assert error.id == "products.E006"
    assert "'TestPort' is declared twice" in error.msg
    assert __file__ in error.msg


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"product_block_name": "x" * 256}, "needs a name of 1 to 255 characters"),
        ({"tag": "X" * 21}, "needs a tag of at most 20 characters"),
        ({"description": "x" * 2001}, "needs a description of at most 2000 characters"),
    ],
)
def test_a_block_that_the_tables_cannot_hold_is_an_error_with_its_place(
    registry: None, values: dict[str, str], complaint: str
) -> None:
    class Wide(ProductBlockModel, **{"product_block_name": "Wide", **values}):  # type: ignore[arg-type]
        speed: int | None = None

    class Wider(SubscriptionModel, is_base=True):
        wide: Wide

    register(ProductSpec("wide", Wider, tag="WIDE", description=""))
    [error] = check_products()
    assert error.id == "products.E002"
    assert complaint in error.msg
    assert f"{__file__}:" in error.msg


def test_a_model_that_nobody_can_describe_is_an_error(network: Network) -> None:
    class Later(ProductBlockModel):
        """Abstract: it has no name."""

    class Odd(SubscriptionModel, is_base=True):
        port: Later

    from products import registry

    # As the registry refuses it, one can only get in before the layer above listens.
    registry._products._entries["odd"] = ProductSpec("odd", Odd, tag="ODD", description="")
    [error] = check_products()
    assert error.id == "products.E002"
    assert "Odd.port" in error.msg
    assert f"{__file__}:" in error.msg
