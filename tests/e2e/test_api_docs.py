"""The documentation of the API works without another host and under the content security policy of every page."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def test_the_documentation_shows_operations_and_tries_one(page: Page) -> None:
    page.goto("/api/docs")
    expect(page.locator(".info .title")).to_contain_text("Workflow Orchestrator")
    operation = page.locator("#operations-processes-process_status_counts")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table .response-col_status").nth(1)).to_contain_text("200")
    expect(operation.locator(".live-responses-table")).to_contain_text("process_counts")


def test_writing_from_the_documentation_carries_the_token(page: Page) -> None:
    page.goto("/api/docs")
    operation = page.locator("#operations-settings-set_global_status")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.locator("textarea").fill('{"global_lock": false}')
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table")).to_contain_text("RUNNING")
