"""What the side menu offers, and where each entry leads."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True)
class Entry:
    """One line of the menu. `section`: the start of the addresses for which it is the current one."""

    text: str
    icon: str
    url_name: str
    section: str = ""
    staff_only: bool = False


ENTRIES: tuple[Entry, ...] = (
    Entry("Start", "home", "home"),
    Entry("Subscriptions", "packages", "subscriptions:subscription-list", "/subscriptions/"),
    Entry("Workflows", "route", "workflows:process-list", "/processes/"),
    Entry("Tasks", "list-check", "workflows:task-list", "/tasks/"),
    Entry("Administration", "settings", "admin:index", "/admin/", staff_only=True),
)


@dataclass(frozen=True)
class Shown:
    """An entry as a page shows it."""

    text: str
    icon: str
    url: str
    is_current: bool


def entries_for(user: AbstractBaseUser | AnonymousUser, path: str) -> list[Shown]:
    """Return the entries that `user` may follow, the one that holds the page at `path` marked.

    An entry whose address is not served, because its app is not installed, is left out.
    """
    shown = []
    for entry in ENTRIES:
        if entry.staff_only and not getattr(user, "is_staff", False):
            continue
        try:
            url = reverse(entry.url_name)
        except NoReverseMatch:
            continue
        current = path.startswith(entry.section) if entry.section else path == url
        shown.append(Shown(entry.text, entry.icon, url, current))
    return shown
