"""Run workflows in tests, in the test's own thread: answers, fakes, time and crashes as the test wants them.

Importable before `django.setup()`. `pytest_plugins = ["workflows.testing.fixtures"]` brings the fixture `engine`.
"""

from workflows.engine.fault_points import FaultPoint
from workflows.testing.engine import Engine
from workflows.testing.fakes import Call, Intercepted, swapped
from workflows.testing.faults import Crash
from workflows.testing.idle import run_until_idle
from workflows.testing.pages import Page
from workflows.testing.run import Run

__all__ = ["Call", "Crash", "Engine", "FaultPoint", "Intercepted", "Page", "Run", "run_until_idle", "swapped"]
