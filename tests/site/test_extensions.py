"""A product package is taken off by its name and put back by it; nothing else knows the example."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]

MIGRATE = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
"""
DELIVER = """
from tests.examples.network.ordering import delivered, order_node, run
from wfo_site.examples.network.wfo_seed import seed
seed()
run("task_bootstrap_netbox", {})
print(delivered(order_node("ams-pe")).description)
"""
LOOK = """
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from subscriptions.models import Subscription
from workflows.models import Process
call_command("sync_catalogue")
settings.ALLOWED_HOSTS = ["testserver"]
client = Client()
client.force_login(User.objects.create_superuser("alice"))
node, process = Subscription.objects.get(), Process.objects.exclude(subscriptions=None).get()
for path in ("/", "/subscriptions/", f"/subscriptions/{node.pk}/", "/processes/", f"/processes/{process.pk}/",
             "/admin/products/product/", f"/admin/subscriptions/subscription/{node.pk}/change/",
             f"/api/processes/{process.pk}", f"/api/subscriptions/workflows/{node.pk}", "/api/products/"):
    print("GET", client.get(path).status_code, path)
print("blocks shown:", "ams-pe" in client.get(f"/subscriptions/{node.pk}/").content.decode())
"""
LOAD = """
from subscriptions.domain import SubscriptionModel
from subscriptions.models import Subscription
call_command("sync_catalogue", check=True)
print(SubscriptionModel.from_subscription(Subscription.objects.get().pk).node.title)
"""


def in_installation(data: Path, extensions: str, script: str) -> str:
    """Run a script in a program with these product packages, after it has migrated; return what it prints."""
    environment = {
        **os.environ,
        "WFO_DATA_DIR": str(data),
        "WFO_EXTENSIONS": extensions,
        "DATABASE_URL": "",
        "EXECUTOR": "inline",
        "DJANGO_SETTINGS_MODULE": "wfo_site.settings.dev",
    }
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", MIGRATE + script]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_package_is_taken_off_and_put_back(tmp_path: Path) -> None:
    """What it delivered stays to look at meanwhile, and goes on afterwards as if nothing had been."""
    example = "wfo_site.examples.network"
    assert "node ams-pe (active)" in in_installation(tmp_path, example, DELIVER)

    seen = in_installation(tmp_path, "", LOOK)
    assert "Product 'node Nokia' is in the tables but in no product package" in seen
    assert "0 changes made" in seen
    assert {line.split()[1] for line in seen.splitlines() if line.startswith("GET ")} == {"200"}
    assert "blocks shown: True" in seen

    back = in_installation(tmp_path, example, LOAD)
    assert "0 changes made, 0 left to people" in back
    assert "node ams-pe status active" in back


def test_the_framework_does_not_know_the_example() -> None:
    """But for the default of WFO_EXTENSIONS."""
    named = []
    for folder in ("products", "subscriptions", "workflows", "scheduling", "wfo_site", "templates", "static"):
        for file in sorted((ROOT / folder).rglob("*")):
            if "examples" in file.parts or file.suffix not in {".py", ".html", ".js"}:
                continue
            named += [
                f"{file.relative_to(ROOT)}: {line.strip()}"
                for line in file.read_text().splitlines()
                if re.search(r"examples[./]network|netbox", line, re.IGNORECASE)
            ]
    assert len(named) == 1, named
    assert named[0].startswith('wfo_site/settings/env.py: extensions=env.list("WFO_EXTENSIONS"')
