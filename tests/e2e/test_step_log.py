"""What a step says, in a real browser: under the running step without a swap of the page, and in a panel afterwards."""

from __future__ import annotations

import threading
from typing import Any

from playwright.sync_api import Page, expect

from products import registry
from products.models import Workflow as WorkflowRow
from tests.e2e.conftest import LiveServer
from workflows import StepList, begin, step, step_log, step_progress, task
from workflows.executors.threadpool import ThreadPool
from workflows.models import Process
from workflows.services import start_process


def test_lines_and_progress_come_live_and_stay(server: LiveServer, page: Page, settings: Any) -> None:
    settings.EXECUTOR = "threadpool"
    ports, counted = threading.Semaphore(0), 0

    @step("Count ports")
    def count_ports() -> None:
        nonlocal counted
        while counted < 2:
            ports.acquire(timeout=30)
            counted += 1
            step_log(f"port {counted}")
            step_progress(counted, 4, "ports")
        ports.acquire(timeout=30)

    with registry.isolated(empty=False):

        @task("Count")
        def task_count() -> StepList:
            return begin >> count_ports

        WorkflowRow.objects.create(name="task_count", target="SYSTEM", description="Count", is_task=True)
        process = Process.every.get(pk=start_process("task_count"))
        pool = ThreadPool(1)
        pool.start()
        try:
            page.goto(f"/processes/{process.pk}/")
            expect(page.get_by_role("button", name="Live updates are on")).to_be_visible()
            expect(page.locator(".step-card.step-running")).to_contain_text("Count ports")
            swaps: list[str] = []
            page.on("request", lambda request: swaps.append(request.url) if "/live/" in request.url else None)
            live = page.locator("#step-live")
            for number in (1, 2):
                ports.release()
                expect(live.locator(".log-text").last).to_have_text(f"port {number}")
                expect(live).to_contain_text(f"{number} of 4 ports")
                expect(live.get_by_role("progressbar")).to_have_attribute("value", str(25.0 * number))
            assert swaps == []
            ports.release()
            expect(page.locator("#process-status")).to_contain_text("completed")
        finally:
            for _ in range(3):
                ports.release()
            pool.stop(10)
    page.locator("summary", has_text="Count ports").click()
    panel = page.locator("#log-2")
    expect(panel).to_contain_text("2 lines")
    expect(panel.locator(".log-text")).to_have_count(0)
    panel.locator("summary").click()
    expect(panel.locator(".log-text")).to_have_text(["port 1", "port 2"])
