"""The browser fixtures themselves work."""

from __future__ import annotations

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.e2e.conftest import LiveServer


def test_logged_in_page_sees_rows_written_by_the_test(page: Page, user: User, server: LiveServer) -> None:
    User.objects.create_user("bob")
    page.goto("/admin/auth/user/")
    expect(page.get_by_role("link", name="bob")).to_be_visible()


def test_anonymous_page_is_asked_to_log_in(anonymous_page: Page) -> None:
    anonymous_page.goto("/admin/")
    expect(anonymous_page.get_by_role("button", name="Log in")).to_be_visible()
