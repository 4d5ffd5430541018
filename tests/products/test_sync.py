"""The tables follow the registry: once, again, back and forth, and never against people."""

from __future__ import annotations

import threading
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from products import ProductLifecycle, ProductSpec, Target, discovery, register
from products import registry as catalogue
from products.discovery import DiscoveryFailure
from products.models import FixedInput, Product, ProductBlock, ProductBlockRelation, ResourceType, Workflow
from products.registry import Source, WorkflowSpec
from products.sync import catalogue_drift, sync_catalogue
from products.wanted import CatalogueBroken
from tests.products.conftest import Network

pytestmark = pytest.mark.usefixtures("empty_catalogue")


def test_a_sync_makes_everything_that_code_declares(registered: Network) -> None:
    sync_catalogue()
    port = Product.objects.get(name="port 10G")
    assert (port.tag, port.product_type, port.status, port.description) == ("PORT", "Port", "active", "A port")
    assert [str(fixed) for fixed in port.fixed_inputs.all()] == ["port_speed: 10"]
    assert [block.name for block in port.product_blocks.all()] == ["TestPort"]
    assert {workflow.name for workflow in port.workflows.all()} == {"create_port", "modify_note"}
    task = Workflow.objects.get(name="task_clean")
    assert (task.target, task.is_task, list(task.products.all())) == ("SYSTEM", True, [])


def test_blocks_carry_what_their_classes_say(registered: Network) -> None:
    """Conformance 132: name, tag and description; attributes of all lifecycle variants together."""
    sync_catalogue()
    port = ProductBlock.objects.get(name="TestPort")
    assert (port.description, port.tag) == ("A port of a node.", "TEST_PORT")
    assert {str(row) for row in port.resource_types.all()} == {"name_of_port", "speed", "serial"}
    assert ResourceType.objects.get(resource_type="name_of_port").description == "As printed on the device"
    circuit = ProductBlock.objects.get(name="TestCircuit")
    assert (circuit.description, circuit.tag) == ("Joins ports", "CIRC")
    relation = ProductBlockRelation.objects.get(in_use_by=circuit, depends_on=port)
    # Two to four ends and perhaps a spare.
    assert (relation.min, relation.max) == (2, 5)


def test_an_attribute_described_once_stays_described_in_later_lifecycles(network: Network) -> None:
    """A class for a later status says the type again and seldom the description."""
    register(ProductSpec("port", network.Port, tag="PORT", description="A port", fixed_inputs={"port_speed": 1}))
    sync_catalogue()
    assert ResourceType.objects.get(resource_type="name_of_port").description == "As printed on the device"


def test_a_second_sync_finds_nothing_and_costs_nine_queries(
    registered: Network, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Conformance 140: no difference when equal."""
    assert sync_catalogue()
    with django_assert_max_num_queries(12):
        assert sync_catalogue() == []
    assert catalogue_drift() == []


def test_the_number_of_queries_does_not_grow_with_the_catalogue(network: Network) -> None:
    def queries(number: int) -> int:
        for index in range(number):
            register(
                ProductSpec(
                    f"port {number}-{index}",
                    network.Port,
                    tag="PORT",
                    description="A port",
                    fixed_inputs={"port_speed": index},
                )
            )
        with CaptureQueriesContext(
            connection,
        ) as captured:
            sync_catalogue()
        return len(captured)

    queries(1)
    assert queries(2) == queries(20)


def test_looking_for_drift_writes_nothing_and_reports_all_that_is_missing(registered: Network) -> None:
    """Conformance 140: every missing part is reported."""
    sentences = [difference.sentence for difference in catalogue_drift()]
    assert not Product.objects.exists()
    for part in ("Product 'port 10G' is not", "'TestCircuit' does not hold 'TestPort'", "fixed input 'port_speed'"):
        assert any(part in sentence for sentence in sentences), part
    assert "Workflow 'create_port' is not in the tables" in sentences


def test_descriptions_and_statuses_edited_by_people_survive(registered: Network) -> None:
    sync_catalogue()
    Product.objects.update(description="By a person", status=ProductLifecycle.PHASE_OUT)
    ProductBlock.objects.update(description="By a person")
    ResourceType.objects.update(description="By a person")
    Workflow.objects.update(description="By a person")
    assert sync_catalogue() == []
    for table in (Product, ProductBlock, ResourceType, Workflow):
        assert not table.objects.exclude(description="By a person").exists()


def test_structure_that_was_changed_by_hand_is_put_right(registered: Network) -> None:
    sync_catalogue()
    port = Product.objects.get(name="port 10G")
    Product.objects.filter(pk=port.pk).update(tag="OTHER", product_type="Other")
    FixedInput.objects.update(value="40")
    FixedInput.objects.create(product=port, name="colour", value="red")
    port.workflows.set([Workflow.objects.get(name="create_circuit")])
    port.product_blocks.clear()
    ProductBlock.objects.update(tag="X")
    ProductBlock.objects.get(name="TestPort").resource_types.add(ResourceType.objects.create(resource_type="odd"))
    ProductBlockRelation.objects.update(max=99)
    Workflow.objects.update(target="MODIFY", is_task=True)
    assert len(sync_catalogue()) >= 12
    assert catalogue_drift() == []
    port.refresh_from_db()
    assert (port.tag, port.fixed_inputs.get().value) == ("PORT", "10")
    assert {workflow.name for workflow in port.workflows.all()} == {"create_port", "modify_note"}


def test_a_workflow_removed_from_code_is_marked_and_comes_back_as_itself(registered: Network) -> None:
    sync_catalogue()
    row = Workflow.objects.get(name="create_port")
    port = Product.objects.get(name="port 10G")
    with catalogue.isolated():
        for spec in [*catalogue.products().values()]:
            register(spec)
        sync_catalogue()
        row.refresh_from_db()
        assert row.deleted_at is not None
        assert row in port.workflows.all()
    sync_catalogue()
    row.refresh_from_db()
    assert row.deleted_at is None
    assert catalogue_drift() == []


def test_a_product_without_code_stays_and_is_reported_until_it_is_ended(registered: Network) -> None:
    sync_catalogue()
    with catalogue.isolated():
        left = [difference for difference in sync_catalogue() if not difference.repairable]
        assert {"Product 'circuit' is in", "Product 'port 10G' is in"} <= {
            difference.sentence[: difference.sentence.index(" the tables")] for difference in left
        }
        assert Product.objects.count() == 2
        Product.objects.update(status=ProductLifecycle.END_OF_LIFE)
        ProductBlock.objects.update(status=ProductLifecycle.END_OF_LIFE)
        assert catalogue_drift() == []


def test_a_broken_package_leaves_the_tables_alone(registered: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    sync_catalogue()
    failure = DiscoveryFailure("shop.wfo_products", Source("/shop/wfo_products.py", 7), NameError("speed"))
    monkeypatch.setattr(discovery, "_failures", [failure])
    with catalogue.isolated():
        with pytest.raises(CatalogueBroken, match=r"/shop/wfo_products\.py:7"):
            sync_catalogue()
        with pytest.raises(CommandError, match="NameError: speed"):
            call_command("sync_catalogue")
    assert not Workflow.objects.filter(deleted_at__isnull=False).exists()


def test_the_command_repairs_and_with_check_only_tells(registered: Network) -> None:
    out = StringIO()
    with pytest.raises(CommandError) as drifted:
        call_command("sync_catalogue", "--check", stdout=out)
    assert drifted.value.returncode == 1
    assert "Product 'circuit' is not in the tables" in out.getvalue()
    assert not Product.objects.exists()
    call_command("sync_catalogue", stdout=out)
    call_command("sync_catalogue", "--check", stdout=out)
    assert "0 changes made, 0 left to people" in out.getvalue()


def test_migrating_syncs(registered: Network) -> None:
    call_command("migrate", verbosity=0)
    assert Product.objects.filter(name="circuit").exists()
    assert catalogue_drift() == []


def test_workflows_and_products_agree_with_the_tables(registered: Network) -> None:
    """Conformance 70."""
    sync_catalogue()
    for workflow in Workflow.objects.all():
        assert workflow.target == catalogue.workflows()[workflow.name].target
        assert workflow.products.exists() or workflow.target == Target.SYSTEM
    for product in Product.objects.all():
        assert product.workflows.filter(name="modify_note").exists()
        assert product.workflows.filter(target=Target.CREATE).exists()


def test_several_fixed_input_combinations_share_a_model(
    network: Network, add_workflow: Callable[..., WorkflowSpec]
) -> None:
    for speed in (10, 100):
        register(
            ProductSpec(
                f"port {speed}G", network.Port, tag="PORT", description="A port", fixed_inputs={"port_speed": speed}
            )
        )
    sync_catalogue()
    assert {str(fixed) for fixed in FixedInput.objects.all()} == {"port_speed: 10", "port_speed: 100"}
    assert ProductBlock.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_that_sync_at_the_same_moment_take_turns(registered: Network) -> None:
    results: list[object] = []

    def sync() -> None:
        try:
            results.append(len(sync_catalogue()))
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=sync) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(results) == 3
    assert sorted(results, key=str)[:2] == [0, 0]
    assert Product.objects.count() == 2
