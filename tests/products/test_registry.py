"""What code may register, and what is refused with file and line."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from products import ProductLifecycle, ProductSpec, Target, register
from products import registry as catalogue
from products.registry import DuplicateRegistration, RegistryError, WorkflowSpec, register_workflow
from tests.products.conftest import Network


def test_the_public_surface_is_importable_without_settings_and_imports_no_model() -> None:
    program = (
        "import sys, products, products.registry, products.description; "
        "from django.conf import settings; assert not settings.configured; "
        "assert 'products.models' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env={"PATH": ""}, timeout=60)


def test_a_product_takes_its_type_from_the_class_unless_given(network: Network) -> None:
    given = ProductSpec("a", network.Port, tag="PORT", description="", product_type="Interface")
    assert ProductSpec("b", network.Port, tag="PORT", description="").product_type == "Port"
    assert given.product_type == "Interface"


def test_a_product_is_found_with_its_place_in_code(network: Network) -> None:
    spec = register(ProductSpec("port", network.Port, tag="PORT", description="", fixed_inputs={"port_speed": 1}))
    assert catalogue.products()["port"] is spec
    assert spec.source.file == __file__
    assert spec.status == ProductLifecycle.ACTIVE
    assert dict(spec.fixed_inputs) == {"port_speed": 1}


def test_the_same_name_from_two_places_is_refused_naming_both(network: Network) -> None:
    first = register(ProductSpec("port", network.Port, tag="PORT", description=""))
    with pytest.raises(DuplicateRegistration) as refused:
        register(ProductSpec("port", network.Port, tag="PORT", description=""))
    assert str(first.source) in str(refused.value)
    assert str(refused.value).count(__file__) == 2
    assert catalogue.products()["port"] is first


def test_a_module_imported_again_may_register_again(network: Network) -> None:
    for _ in range(2):
        spec = register(ProductSpec("port", network.Port, tag="PORT", description=""))
    assert list(catalogue.products().values()) == [spec]


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"name": " "}, "needs a name"),
        ({"name": "x" * 256}, "needs a name"),
        ({"tag": ""}, "needs a tag"),
        ({"tag": "X" * 21}, "needs a tag"),
        ({"description": "x" * 2001}, "description of product 'port' has 2001 characters"),
        ({"model": "Port"}, "needs a SubscriptionModel class"),
    ],
)
def test_what_the_tables_cannot_hold_is_refused(network: Network, values: dict[str, Any], complaint: str) -> None:
    good = {"name": "port", "model": network.Port, "tag": "PORT", "description": "A port"}
    with pytest.raises(RegistryError, match=complaint):
        ProductSpec(**{**good, **values})


def test_a_model_with_a_field_that_cannot_be_stored_is_refused(registry: None) -> None:
    """Conformance 133."""
    from pydantic import BaseModel

    from subscriptions.domain import SubscriptionModel

    class Loose(BaseModel):
        speed: int

    class Odd(SubscriptionModel, is_base=True):
        port: Loose

    with pytest.raises(TypeError, match=r"Odd\.port is a Loose"):
        register(ProductSpec("odd", Odd, tag="ODD", description=""))
    assert "odd" not in catalogue.products()


def test_a_workflow_knows_where_its_function_stands(registry: None) -> None:
    def create_port() -> None: ...

    spec = register_workflow(
        WorkflowSpec(name="create_port", target=Target.CREATE, description="", factory=create_port)
    )
    assert spec.source.file == __file__
    assert spec.source.line == create_port.__code__.co_firstlineno
    assert spec.description == "Create port"


def test_workflows_are_meant_for_products_by_name_by_tag_and_by_default(registered: Network) -> None:
    port = catalogue.products()["port 10G"]
    assert [spec.name for spec in catalogue.workflows_for(port)] == ["create_port"]
    assert [spec.name for spec in catalogue.workflows_for(port, ["modify_note"])] == ["create_port", "modify_note"]


def test_listeners_hear_of_what_was_and_of_what_comes_and_may_refuse() -> None:
    slot: catalogue.Slot[Any] = catalogue.Slot("thing")
    heard = []

    def listen(spec: WorkflowSpec) -> None:
        if spec.name == "bad":
            raise TypeError("no")
        heard.append(spec.name)

    def spec(name: str) -> WorkflowSpec:
        return WorkflowSpec(name=name, target=Target.SYSTEM, description="", factory=print)

    slot.add(spec("early"))
    slot.listen(listen)
    slot.add(spec("late"))
    with pytest.raises(TypeError):
        slot.add(spec("bad"))
    assert heard == ["early", "late"]
    assert list(slot.view()) == ["early", "late"]
