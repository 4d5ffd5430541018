"""`manage.py port_imports` writes the imports of a package for orchestrator-core, and names what is left to do."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from wfo_site.management.porting.names import MOVED, destination
from wfo_site.management.porting.rewrite import Rewritten, rewrite

ROOT = Path(__file__).resolve().parents[2]


def rewritten(source: str) -> str:
    return rewrite(source).source


def left(result: Rewritten) -> dict[str, str]:
    return {each.what: each.sentence for each in result.by_hand}


@pytest.mark.parametrize("root", ["orchestrator", "orchestrator.core"])
def test_names_go_where_the_table_says(root: str) -> None:
    assert rewritten(f"from {root}.domain.base import ProductBlockModel, SubscriptionModel\n") == (
        "from subscriptions.domain import ProductBlockModel, SubscriptionModel\n"
    )
    assert rewritten(f"from {root} import step, workflow\n") == "from workflows import step, workflow\n"
    assert rewritten(f"from {root}.forms.validators.product_id import product_id\n") == (
        "from workflows.forms import product_id\n"
    )


def test_names_of_one_statement_may_go_to_several_places() -> None:
    source = "from orchestrator.types import SI, FormGenerator, State, SubscriptionLifecycle, UUIDstr, strEnum\n"
    assert rewritten(source) == (
        "from subscriptions.domain import SI, SubscriptionLifecycle\n"
        "from workflows.forms import FormGenerator\n"
        "from workflows import State, UUIDstr\n"
        "from enum import StrEnum as strEnum\n"
    )


def test_names_without_a_place_stay_and_are_named_with_advice() -> None:
    result = rewrite(
        "from orchestrator.db import db\nfrom orchestrator.workflow import StepList, make_workflow as mw\n"
    )
    assert result.source == (
        "from orchestrator.db import db\n"
        "from orchestrator.workflow import make_workflow as mw\n"
        "from workflows import StepList\n"
    )
    assert result.count == 1
    assert [each.line for each in result.by_hand] == [1, 2]
    assert "products.models" in left(result)["orchestrator.db: db"]
    assert "@workflow" in left(result)["orchestrator.workflow: make_workflow"]


def test_modules_star_imports_and_texts_are_left_to_people() -> None:
    source = (
        "import orchestrator.workflow\n"
        "from orchestrator.types import *\n"
        "patched = 'orchestrator.services.products.get_product_by_id'\n"
        "prose = 'the orchestrator.core package is old'\n"
    )
    result = rewrite(source)
    assert (result.source, result.count) == (source, 0)
    assert [each.line for each in result.by_hand] == [1, 2, 3]


def test_every_other_byte_stays() -> None:
    source = (
        '"""Märchen."""\r\n'
        "if True:\r\n"
        "    from orchestrator.workflow import (  # the engine\r\n"
        "        StepList as Steps,\r\n"
        "        begin,  # noqa: F401\r\n"
        "    )  # end\r\n"
        "x = 'é'; from orchestrator.types import State, SubscriptionLifecycle; y = 1\r\n"
    )
    assert rewritten(source) == (
        '"""Märchen."""\r\n'
        "if True:\r\n"
        "    # the engine\r\n"
        "    # noqa: F401\r\n"
        "    from workflows import StepList as Steps, begin  # end\r\n"
        "x = 'é'; from workflows import State; from subscriptions.domain import SubscriptionLifecycle; y = 1\r\n"
    )


def test_long_statements_are_wrapped() -> None:
    names = "Accept, Choice, ContactPerson, DisplaySubscription, Divider, Label, ListOfOne, LongText, MigrationSummary"
    written = rewritten(f"def f():\n    from pydantic_forms.validators import {names}\n")
    assert written.startswith("def f():\n    from workflows.forms import (\n        Accept,\n")
    assert written.endswith("        MigrationSummary,\n    )\n")


def test_what_is_not_from_there_is_not_touched() -> None:
    source = (
        "from orchestrator_optical.products import Port\n"
        "from pydantic_forms.core.translations import translations\n"
        "from .types import State\n"
        "from other.orchestrator.types import State\n"
        "import json, uuid\n"
    )
    result = rewrite(source)
    assert (result.source, result.by_hand) == (source, [])


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package that still stands at the top of its program, where `products` and `workflows` are its own."""
    files = {
        "products/__init__.py": "from products.product_types.hut import Hut\n",
        "products/product_types/hut.py": (
            "from orchestrator.domain.base import SubscriptionModel\n"
            "from products.product_blocks.hut import HutBlock\n\n\n"
            "class Hut(SubscriptionModel, is_base=True):\n    hut: HutBlock\n"
        ),
        "products/product_blocks/hut.py": (
            "from orchestrator.domain.base import ProductBlockModel\n\n\n"
            "class HutBlock(ProductBlockModel, product_block_name='Hut'):\n    beds: int | None = None\n"
        ),
        "workflows/__init__.py": "from workflows.shared import beds\n",
        "workflows/shared.py": (
            "import services.bookings as bookings\n\n\ndef beds() -> int:\n    return bookings.BEDS\n"
        ),
        "workflows/create_hut.py": (
            "from orchestrator.workflow import StepList, begin\n"
            "from products import Hut\n"
            "from services import bookings\n"
            "from workflows.shared import beds\n"
            "from types import SimpleNamespace\n"
        ),
        "services/bookings.py": "BEDS = 4\n",
        "types.py": "",
        ".venv/lib/site.py": "from orchestrator.types import State\n",
        "broken.py": "from orchestrator.types import (\n",
    }
    folder = tmp_path / "huts"
    for path, source in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(source)
    return folder


def port(folder: Path, *options: str) -> str:
    out = StringIO()
    call_command("port_imports", str(folder), *options, stdout=out, stderr=out)
    return out.getvalue()


def test_modules_of_the_package_are_imported_below_its_name(package: Path) -> None:
    out = port(package)
    assert (package / "workflows" / "create_hut.py").read_text() == (
        "from workflows import StepList, begin\n"
        "from huts.products import Hut\n"
        "from huts.services import bookings\n"
        "from huts.workflows.shared import beds\n"
        "from types import SimpleNamespace\n"
    )
    assert "import huts.services.bookings as bookings\n" in (package / "workflows" / "shared.py").read_text()
    assert (
        "from huts.products.product_blocks.hut import HutBlock"
        in (package / "products" / "product_types" / "hut.py").read_text()
    )
    assert "orchestrator" in (package / ".venv" / "lib" / "site.py").read_text()
    assert "broken.py: not read" in out
    assert "10 imports in 6 files rewritten, 1 things left to do by hand." in out


def test_a_second_run_changes_nothing(package: Path) -> None:
    port(package)
    before = {file: file.read_bytes() for file in package.rglob("*.py")}
    assert "0 imports in 0 files rewritten" in port(package)
    assert {file: file.read_bytes() for file in package.rglob("*.py")} == before


def test_a_dry_run_shows_and_writes_nothing(package: Path) -> None:
    before = {file: file.read_bytes() for file in package.rglob("*.py")}
    out = port(package, "--dry-run", "--package", "apps.huts")
    assert "-from orchestrator.workflow import StepList, begin\n" in out
    assert "+from workflows import StepList, begin\n" in out
    assert "+from apps.huts.products import Hut" in out
    assert "10 imports in 6 files would be rewritten" in out
    assert {file: file.read_bytes() for file in package.rglob("*.py")} == before


def test_a_folder_that_cannot_be_a_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "my-huts").mkdir()
    with pytest.raises(CommandError, match="'my-huts' cannot be imported"):
        port(tmp_path / "my-huts")
    with pytest.raises(CommandError, match="is no folder"):
        port(tmp_path / "nowhere")


def test_other_encodings_survive(tmp_path: Path) -> None:
    file = tmp_path / "huts" / "names.py"
    file.parent.mkdir()
    file.write_bytes("# coding: latin-1\nname = 'Hütte'\nfrom orchestrator.types import State\n".encode("latin-1"))
    file.chmod(0o640)
    port(file.parent)
    assert file.read_bytes() == "# coding: latin-1\nname = 'Hütte'\nfrom workflows import State\n".encode("latin-1")
    assert file.stat().st_mode & 0o777 == 0o640


def test_every_name_of_the_table_is_there() -> None:
    for moved in MOVED:
        module = importlib.import_module(moved.new)
        for name in moved.names:
            assert hasattr(module, moved.renamed.get(name, name)), f"{moved.new} has no {name}"


def test_the_documentation_shows_the_same_table() -> None:
    """Each row of the page is what the rewriting does, and nothing that it does is missing from the page."""
    page = (ROOT / "docs" / "how-to" / "port-from-orchestrator-core.md").read_text()
    shown: set[tuple[str, str]] = set()
    for old, new in re.findall(r"^\| (`[^|]+`[^|]*) \| `from ([\w.]+) import", page, re.MULTILINE):
        for module, names in re.findall(r"`([\w.]+): ([\w, ]+)`", old):
            old_module = module if module.startswith("pydantic_forms") else f"orchestrator.{module}"
            for name in names.split(", "):
                there = destination(old_module, name)
                assert there is not None, f"{module}: {name}"
                assert there[0] == new, f"{module}: {name} is in {there[0]}"
                shown.add((new, name))
    rewritten_names = {(moved.new, name) for moved in MOVED for name in moved.names if moved.new != "workflows.forms"}
    assert rewritten_names - shown == set()


OLD_PACKAGE = {
    "__init__.py": "",
    "product_blocks.py": """
from orchestrator.domain.base import ProductBlockModel
from orchestrator.types import SubscriptionLifecycle


class MooringBlockInactive(ProductBlockModel, product_block_name="Mooring"):
    length: int | None = None
    buoy: int | None = None


class MooringBlock(MooringBlockInactive, lifecycle=[SubscriptionLifecycle.ACTIVE]):
    length: int
    buoy: int
""",
    "product_types.py": """
from orchestrator.domain.base import SubscriptionModel
from orchestrator.types import SubscriptionLifecycle

from moorings.product_blocks import MooringBlock, MooringBlockInactive


class MooringInactive(SubscriptionModel, is_base=True):
    mooring: MooringBlockInactive


class Mooring(MooringInactive, lifecycle=[SubscriptionLifecycle.ACTIVE]):
    mooring: MooringBlock
""",
    "wfo_workflows.py": """
from orchestrator.config.assignee import Assignee
from orchestrator.forms import FormPage, SubmitFormPage
from orchestrator.forms.validators import CustomerId, Label
from orchestrator.targets import Target
from orchestrator.types import FormGenerator, State, SubscriptionLifecycle, UUIDstr
from orchestrator.utils.errors import ProcessFailureError
from orchestrator.workflow import StepList, begin, inputstep, step
from orchestrator.workflows.steps import set_status, store_process_subscription
from orchestrator.workflows.utils import create_workflow
from pydantic_forms.validators import Choice

from moorings.product_types import Mooring, MooringInactive


def initial_input_form_generator(product_name: str) -> FormGenerator:
    class OrderMooring(FormPage):
        customer_id: CustomerId
        about: Label
        length: int

    order = yield OrderMooring
    return order.model_dump()


@step("Construct Subscription model")
def construct(product: UUIDstr, customer_id: UUIDstr, length: int) -> State:
    subscription = MooringInactive.from_product_id(
        product_id=product, customer_id=customer_id, status=SubscriptionLifecycle.INITIAL
    )
    subscription.mooring.length = length
    return {"subscription": subscription, "subscription_id": subscription.subscription_id}


@inputstep("Choose a buoy", assignee=Assignee.SYSTEM)
def choose(subscription_id: UUIDstr) -> FormGenerator:
    class ChooseBuoy(SubmitFormPage):
        buoy: Choice("Buoys", [("1", "1"), ("2", "2")])

    page = yield ChooseBuoy
    return page.model_dump()


@step("Lay the buoy")
def lay(subscription: MooringInactive, buoy: str) -> State:
    if subscription.mooring.length > 100:
        raise ProcessFailureError("Too long for any buoy", {"length": subscription.mooring.length})
    subscription.mooring.buoy = int(buoy)
    return {"subscription": subscription}


@create_workflow("Create mooring", initial_input_form=initial_input_form_generator)
def create_mooring() -> StepList:
    return (
        begin
        >> construct
        >> store_process_subscription(Target.CREATE)
        >> choose
        >> lay
    )
""",
}

# A column of the package's own on subscriptions.
OWN_TABLE = {
    "models.py": """
from django.db import models

from subscriptions.models import Subscription


class Berth(models.Model):
    subscription = models.OneToOneField(Subscription, primary_key=True, on_delete=models.CASCADE, related_name="berth")
    quay = models.CharField(max_length=20)
""",
    "migrations/__init__.py": "",
    "migrations/0001_initial.py": """
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("subscriptions", "0001_initial")]
    operations = [
        migrations.CreateModel(
            "Berth",
            [
                (
                    "subscription",
                    models.OneToOneField(
                        "subscriptions.Subscription",
                        primary_key=True,
                        serialize=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="berth",
                    ),
                ),
                ("quay", models.CharField(max_length=20)),
            ],
        )
    ]
""",
}

# What the page says to do by hand.
NEW_PRODUCTS = """
from products import ProductSpec, register

from moorings.product_types import Mooring

register(ProductSpec("mooring", Mooring, tag="MOORING", description="A place for a boat"))
"""

TEST = """
import pytest

from moorings.models import Berth
from products.models import Product
from subscriptions.domain import SubscriptionModel
from subscriptions.models import Subscription
from workflows.models import Process
from workflows.services import resume_process, start_process
from workflows.testing import run_until_idle

pytestmark = pytest.mark.django_db


def test_a_mooring_is_delivered():
    product = {"product": str(Product.objects.get(name="mooring").pk)}
    order = {"customer_id": "6f3f2b9e-6f0e-4f5e-9f5d-0d9f7a3c1d11", "length": 12}
    process_id = start_process("create_mooring", [product, order])
    run_until_idle(process_id)
    resume_process(process_id, [{"buoy": "2"}])
    run_until_idle(process_id)
    process = Process.objects.get(pk=process_id)
    assert process.last_status == "completed", process.failed_reason
    model = SubscriptionModel.from_subscription(process.subscriptions.get().subscription_id)
    assert (model.status, model.insync, model.mooring.length, model.mooring.buoy) == ("active", True, 12, 2)

    Berth.objects.create(subscription_id=model.subscription_id, quay="west")
    row = Subscription.objects.select_related("berth").filter(berth__quay="west").order_by("berth__quay").get()
    assert (row.pk, row.berth.quay) == (model.subscription_id, "west")
    model.description = "moved"
    model.save()
    assert Berth.objects.get().quay == "west"
"""


@pytest.mark.once
def test_a_ported_package_runs(tmp_path: Path) -> None:
    """Imports by the command; by hand only what the page names: the product is registered, the workflow names it.

    Conformance 147, in the form that fits here: columns of the package's own on subscriptions, usable in queries.
    """
    folder = tmp_path / "moorings"
    (folder / "migrations").mkdir(parents=True)
    for name, source in {**OLD_PACKAGE, **OWN_TABLE}.items():
        (folder / name).write_text(source)
    assert "left to do by hand" in port(folder)
    assert "orchestrator" not in "".join(file.read_text() for file in folder.glob("*.py"))
    (folder / "wfo_products.py").write_text(NEW_PRODUCTS)
    workflow = folder / "wfo_workflows.py"
    workflow.write_text(workflow.read_text().replace('"Create mooring",', '"Create mooring", products=["MOORING"],'))
    (folder / "test_moorings.py").write_text(TEST)
    environment = {
        **os.environ,
        "PYTHONPATH": str(tmp_path),
        "WFO_EXTENSIONS": "moorings",
        "WFO_DATA_DIR": str(tmp_path),
        "DATABASE_URL": "",
        "DJANGO_SETTINGS_MODULE": "wfo_site.settings.test",
    }
    pytest_call = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "pyproject.toml"]
    for command in (
        ["manage.py", "check", "--fail-level", "WARNING"],
        ["manage.py", "makemigrations", "--check", "--dry-run"],
        [*pytest_call, str(folder / "test_moorings.py")],
    ):
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
