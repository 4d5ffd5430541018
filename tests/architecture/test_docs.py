"""The documentation is true: links lead somewhere, every setting is there, and its code imports or runs."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OURS = {"products", "subscriptions", "workflows", "scheduling", "wfo_site"}

FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
TITLE = re.compile(r'title="([^"]+)"')


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text())


def python_blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Yield title ("" where there is none) and source of each block of Python."""
    for language, rest, source in FENCE.findall(page.read_text()):
        if language == "python":
            title = TITLE.search(rest)
            yield (title[1] if title else ""), source


def anchors(page: Path) -> set[str]:
    """Return the fragments that headings of a page can be reached by."""
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(prose(page)))
    return {heading.strip().replace(" ", "-") for heading in words}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{target} is not there"
        assert not fragment or fragment in anchors(there), f"{target}: no such heading"


def test_every_page_can_be_reached_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / target).resolve() for target in LINK.findall(index.read_text())}
    assert {page for page in PAGES if page.is_relative_to(ROOT / "docs")} - {index} <= linked


def test_settings_names_exactly_the_variables_that_are_read() -> None:
    source = (ROOT / "wfo_site" / "settings" / "env.py").read_text()
    read = set(re.findall(r"""env\.(?:str|list|int|float|bool)\(\s*"([A-Z0-9_]+)""", source))
    assert read, "env.py reads variables in another way now"
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    assert set(re.findall(r"^\| `([A-Z0-9_]+)`", page, re.MULTILINE)) == read


@pytest.mark.parametrize("name", ["compose.yaml", "README.md", "docs/how-to/run-in-production.md"])
def test_workers_are_told_to_listen_to_every_queue_that_is_rung(name: str) -> None:
    """A worker without `--queues` listens to what the application declares: all queues, or some would never run.

    One for the queue that a step asks for listens to nothing else.
    """
    from wfo_site.celery import app
    from workflows.executors.queues import queue_of

    rung = {queue_of("", is_task=task, is_new=new) for task in (True, False) for new in (True, False)}
    assert set(app.amqp.queues.consume_from) == rung
    commands = re.findall(r"celery -A wfo_site worker([^`\n]*)", (ROOT / name).read_text())
    assert commands
    named = [set(found[1].split(",")) for options in commands if (found := re.search(r"--queues (\S+)", options))]
    assert all(names == rung or not names & rung for names in named)
    assert len(named) < len(commands) or rung in named


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_compiles_and_imports_what_there_is(page: Path) -> None:
    sources = [source for _, source in python_blocks(page)]
    sources += re.findall(r"`(from [\w.]+ import [\w, ]+)`", prose(page))
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in OURS:
                module = importlib.import_module(node.module or "")
                for alias in node.names:
                    assert hasattr(module, alias.name), f"{node.module} has no {alias.name}"


def run_in(folder: Path, *commands: list[str], **environment: str) -> None:
    """Run commands of Python on SQLite with what was written into a folder; each must end well."""
    surroundings = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "WFO_DATA_DIR": str(folder),
        "DATABASE_URL": "",
        "DJANGO_SETTINGS_MODULE": "wfo_site.settings.test",
        **environment,
    }
    for command in commands:
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


PYTEST = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "pyproject.toml"]


def test_the_package_of_the_tutorial_runs(tmp_path: Path) -> None:
    """Written as the page says, it passes the system checks and its own test."""
    (tmp_path / "transit").mkdir()
    (tmp_path / "transit" / "__init__.py").touch()
    for title, source in python_blocks(ROOT / "docs" / "tutorial" / "first-product.md"):
        (tmp_path / title).write_text(source)
    run_in(
        tmp_path,
        ["manage.py", "check", "--fail-level", "WARNING"],
        [*PYTEST, str(tmp_path / "transit" / "test_transit.py")],
        WFO_EXTENSIONS="transit",
    )


@pytest.mark.parametrize("guide", ["test-a-workflow.md", "port-from-orchestrator-core.md"])
def test_the_tests_in_a_guide_pass(guide: str, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["workflows.testing.fixtures"]')
    for title, source in python_blocks(ROOT / "docs" / "how-to" / guide):
        (tmp_path / (title or "test_step.py")).write_text(source)
    run_in(tmp_path, [*PYTEST, str(tmp_path)])
