"""The settings of a real installation, with a process that can be stopped at a named place and leases that end soon."""

from __future__ import annotations

from wfo_site.settings.dev import *  # noqa: F403
from wfo_site.settings.dev import INSTALLED_APPS as _APPS

INSTALLED_APPS = [*_APPS, "tests.faults.stopper"]
