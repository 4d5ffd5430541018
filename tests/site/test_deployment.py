"""What a deployment needs is documented, and the production settings pass Django's own check."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from wfo_site.settings.env import BASE_DIR

pytestmark = pytest.mark.once

ENV_SOURCE = (BASE_DIR / "wfo_site" / "settings" / "env.py").read_text()
EXAMPLE = (BASE_DIR / ".env.example").read_text()


def manage(tmp_path: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    given = {"PATH": os.environ["PATH"], "WFO_DATA_DIR": str(tmp_path), "WFO_EXTENSIONS": "", **env}
    return subprocess.run(
        [sys.executable, "manage.py", *args],
        cwd=BASE_DIR,
        env=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_every_variable_that_is_read_is_in_the_example_with_a_sentence() -> None:
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', ENV_SOURCE))
    assert len(read) > 20
    lines = EXAMPLE.splitlines()
    shown = {match[1]: number for number, line in enumerate(lines) if (match := re.match(r"#?([A-Z0-9_]+)=", line))}
    assert read - shown.keys() == set()
    for name in read:
        above = [line for line in lines[: shown[name]] if line.startswith("# ")]
        assert above, f"{name} has no sentence"


def test_the_example_names_nothing_that_is_not_read() -> None:
    compose = (BASE_DIR / "compose.yaml").read_text()
    shown = set(re.findall(r"^#?([A-Z0-9_]+)=", EXAMPLE, re.MULTILINE))
    assert {name for name in shown if f'"{name}"' not in ENV_SOURCE and f"${{{name}" not in compose} == set()


def test_the_production_settings_pass_the_check_for_deployments(tmp_path: Path) -> None:
    result = manage(
        tmp_path,
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
        DJANGO_SETTINGS_MODULE="wfo_site.settings.prod",
        SECRET_KEY=secrets.token_urlsafe(60),
        ALLOWED_HOSTS="orchestrator.example.org",
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("key", ["", "short"])
def test_production_refuses_to_start_without_a_key_of_its_own(tmp_path: Path, key: str) -> None:
    result = manage(tmp_path, "check", DJANGO_SETTINGS_MODULE="wfo_site.settings.prod", SECRET_KEY=key)
    assert result.returncode != 0
    assert "SECRET_KEY must be set" in result.stderr


def test_the_compose_file_has_every_part_and_waits_for_the_tables() -> None:
    services = yaml.safe_load((BASE_DIR / "compose.yaml").read_text())["services"]
    assert set(services) == {"web", "worker", "beat", "migrate", "postgres", "redis"}
    assert services["postgres"]["image"].startswith("postgres:17")
    for name in ("web", "worker", "beat"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
        assert services[name]["environment"]["EXECUTOR"] == "celery"
