"""Product packages are found by module name; a broken one is named with file and line and takes nothing down."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.apps import AppConfig, apps

from products import checks, discovery
from products import registry as catalogue

Package = Callable[[dict[str, str]], str]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: None) -> Iterator[Package]:
    """Write a product package from {path: source}, install it as an app, and return its name."""
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"shop_{tmp_path.name.replace('-', '_')}"
    known = apps.get_app_configs

    def write(files: dict[str, str]) -> str:
        root = tmp_path / name
        for path, source in {"__init__.py": "", **files}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(source)
        config = AppConfig.create(name)
        monkeypatch.setattr(apps, "get_app_configs", lambda: [*known(), config])
        return name

    yield write
    discovery._failures.clear()
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        del sys.modules[module]


WORKFLOW = """
from products import Target
from products.registry import WorkflowSpec, register_workflow
def {name}(): ...
register_workflow(WorkflowSpec(name="{name}", target=Target.SYSTEM, description="", factory={name}, is_task=True))
"""


def test_modules_and_packages_are_imported_products_first_then_in_the_order_of_the_alphabet(package: Package) -> None:
    name = package(
        {
            "wfo_products.py": "order = ['products']",
            "wfo_workflows/__init__.py": "from {name}.wfo_products import order; order.append('workflows')",
            "wfo_workflows/zebra.py": WORKFLOW.format(name="zebra"),
            "wfo_workflows/port/__init__.py": "",
            "wfo_workflows/port/create.py": WORKFLOW.format(name="create_port"),
        }
    )
    init = Path(str(sys.path[0])) / name / "wfo_workflows" / "__init__.py"
    init.write_text(init.read_text().replace("{name}", name))
    assert discovery.discover([name]) == []
    assert sys.modules[f"{name}.wfo_products"].order == ["products", "workflows"]
    assert list(catalogue.workflows()) == ["create_port", "zebra"]


def test_a_package_without_products_or_workflows_is_fine(package: Package) -> None:
    assert discovery.discover([package({})]) == []


def test_a_package_off_the_list_is_not_imported(package: Package) -> None:
    name = package({"wfo_products.py": "raise RuntimeError"})
    assert discovery.discover([]) == []
    assert f"{name}.wfo_products" not in sys.modules


@pytest.mark.parametrize(
    ("source", "line", "complaint"),
    [
        ("import os\nimport nowhere_to_be_found", 2, "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("def broken(:\n    pass", 1, "SyntaxError"),
        ("\n\nspeed = fast", 3, "NameError: name 'fast' is not defined"),
        (WORKFLOW.format(name="a") + WORKFLOW.format(name="a"), 10, "registered twice"),
    ],
)
def test_a_broken_module_is_named_with_file_and_line(package: Package, source: str, line: int, complaint: str) -> None:
    """Conformance 69: when it is found, and not when somebody starts the workflow."""
    name = package({"wfo_products.py": source, "wfo_workflows.py": WORKFLOW.format(name="fine")})
    discovery.discover([name])
    [message] = checks.check_product_packages()
    assert message.id == "products.E001"
    assert complaint in message.msg
    assert message.msg.partition(": ")[0].endswith(f"{name}/wfo_products.py:{line}")
    assert "fine" in catalogue.workflows()


def test_modules_that_import_a_broken_one_do_not_repeat_it(package: Package) -> None:
    name = package(
        {"wfo_products/a.py": "from . import z", "wfo_products/z.py": "speed = fast", "wfo_products/__init__.py": ""}
    )
    assert [failure.source.line for failure in discovery.discover([name])] == [1]


def test_an_extension_that_is_no_app_is_named(registry: None) -> None:
    discovery.discover(["not.installed"])
    [message] = checks.check_product_packages()
    assert "not.installed" in message.msg
    discovery._failures.clear()


def test_an_extension_may_be_named_by_its_app_config() -> None:
    assert discovery.discover(["products.apps.ProductsConfig"]) == []
