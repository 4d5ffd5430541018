"""The start page: cards that each fetch themselves, so that a slow one holds up none of the others."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from wfo_site import home_selectors


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the frame of the start page."""
    return render(request, "home.html", {"has_products": home_selectors.has_products()})


@require_safe
def out_of_sync(request: HttpRequest) -> HttpResponse:
    """Show the newest subscriptions that are not in sync."""
    return render(request, "home.html#out-of-sync", {"card": home_selectors.out_of_sync()})


@require_safe
def active_subscriptions(request: HttpRequest) -> HttpResponse:
    """Show the newest active subscriptions."""
    return render(request, "home.html#subscriptions", {"card": home_selectors.active_subscriptions()})


@require_safe
def products(request: HttpRequest) -> HttpResponse:
    """Show what can be ordered and how much of it there is."""
    return render(request, "home.html#products", {"card": home_selectors.products_in_use()})
