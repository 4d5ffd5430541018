#!/usr/bin/env python3
"""Run the whole test suite: on SQLite, and on PostgreSQL where there is one. Installs Chromium if it may.

With CI=true a missing PostgreSQL, Redis or browser is a failure; elsewhere what needs them is left out, and said so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
POSTGRESQL = os.environ.get("TEST_DATABASE_URL", "postgresql://root@127.0.0.1:5432/orchestrator")
# These start processes of their own, and mostly wait for them.
FAULTS = ("tests/story", "tests/faults")
# These measure, and want the machine for themselves.
BENCHMARKS = "tests/benchmarks"
IN_CI = os.environ.get("CI") == "true"


def provide_chromium() -> None:
    """Install Debian's Chromium for the browser tests, if there is none and we may."""
    if shutil.which("chromium") or shutil.which("google-chrome") or not shutil.which("apt-get") or os.geteuid() != 0:
        return
    print("Installing Chromium …", flush=True)
    subprocess.run(["apt-get", "update", "-qq"], check=False)
    subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"], check=False)


def has_postgresql() -> bool:
    import psycopg

    try:
        psycopg.connect(POSTGRESQL.rpartition("/")[0] + "/postgres", connect_timeout=3).close()
    except psycopg.OperationalError as error:
        print(f"No PostgreSQL at TEST_DATABASE_URL: {error}", flush=True)
        return False
    return True


def run(title: str, *arguments: str, **environment: str) -> bool:
    print(f"\n== {title}", flush=True)
    with tempfile.TemporaryDirectory() as data:
        settings = {**os.environ, "WFO_DATA_DIR": data, **environment}
        command = [sys.executable, "-m", "pytest", "-q", *arguments, *sys.argv[1:]]
        return subprocess.run(command, cwd=ROOT, env=settings, check=False).returncode == 0


def main() -> int:
    provide_chromium()
    databases = [("SQLite", {"DATABASE_URL": ""}, "")]
    if has_postgresql():
        databases.append(("PostgreSQL", {"DATABASE_URL": POSTGRESQL}, "not once"))
    elif IN_CI:
        print("CI needs a PostgreSQL server", flush=True)
        return 1
    parts = [*(f"--ignore={folder}" for folder in ("tests/e2e", *FAULTS, BENCHMARKS))]
    side_by_side = ["-n", "2"]
    by_module = [*side_by_side, "--dist", "loadscope"]
    results = [run("pages in a browser", "tests/e2e", *by_module, DATABASE_URL="")]
    for name, environment, chosen in databases:
        results.append(run(f"tests on {name}", *by_module, "-m", chosen, *parts, **environment))
        results.append(run(f"story and faults on {name}", *FAULTS, *side_by_side, **environment))
        results.append(run(f"benchmarks on {name}", BENCHMARKS, **environment))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
