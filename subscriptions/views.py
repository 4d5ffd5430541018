"""Pages of subscriptions: the list, and one subscription with its tabs."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from subscriptions import selectors
from subscriptions.domain.errors import SubscriptionNotFound
from subscriptions.models import Subscription
from subscriptions.page_selectors import detail, lists
from wfo_site.common.htmx import page
from wfo_site.common.listing import paginate

_LIST_TABS: Final = (("active", "Active"), ("transient", "Transient"), ("terminated", "Terminated"), ("all", "All"))
_TABS: Final = {
    "configuration": "Configuration",
    "general": "General",
    "processes": "Workflows",
    "related": "Related",
    "history": "History",
}


@require_safe
def subscription_list(request: HttpRequest) -> HttpResponse:
    """List subscriptions; HTMX gets the table and its count."""
    wanted = lists.SubscriptionFilter.from_query(request.GET)
    found = lists.subscription_page(wanted, request.GET)
    context = {
        "wanted": wanted,
        "page": found.page,
        "customers": found.customers,
        "tabs": _LIST_TABS,
        "products": lists.product_choices(),
        "is_unused": not found.page.rows and not lists.has_subscriptions(),
    }
    return page(request, "subscriptions/subscription_list.html", context, partial="list")


@require_safe
def subscription_detail(request: HttpRequest, subscription_id: UUID) -> HttpResponse:
    """Show one subscription; `?tab=` names the part of it that is open."""
    subscription = _subscription(subscription_id)
    tab = request.GET.get("tab", "")
    tab = tab if tab in _TABS else "configuration"
    context = {
        "subscription": subscription,
        "customer": detail.customer(subscription),
        "tabs": _TABS.items(),
        "tab": tab,
        **_CONTEXTS[tab](request, subscription),
    }
    return page(request, "subscriptions/subscription_detail.html", context, partial="live")


def _configuration(_request: HttpRequest, subscription: Subscription) -> dict[str, Any]:
    tree = selectors.subscription_tree(subscription.pk)
    return {"tree": tree, "block_count": detail.block_count(tree)}


def _general(_request: HttpRequest, subscription: Subscription) -> dict[str, Any]:
    return {"facts": detail.facts(subscription)}


def _processes(_request: HttpRequest, _subscription: Subscription) -> dict[str, Any]:
    # The panel is fetched: processes belong to a layer above this one.
    return {}


def _related(request: HttpRequest, subscription: Subscription) -> dict[str, Any]:
    with_terminated = request.GET.get("terminated") == "yes"
    found = detail.related(subscription, request.GET, with_terminated=with_terminated)
    return {"related": found, "with_terminated": with_terminated}


def _history(request: HttpRequest, subscription: Subscription) -> dict[str, Any]:
    revisions = selectors.revisions_of(subscription.pk)
    return {"page": paginate(revisions, request.GET, sorts={"number": "number"}, default="-number")}


_CONTEXTS: Final = {
    "configuration": _configuration,
    "general": _general,
    "processes": _processes,
    "related": _related,
    "history": _history,
}


def _subscription(subscription_id: UUID) -> Subscription:
    try:
        return selectors.get_subscription(subscription_id)
    except SubscriptionNotFound as error:
        raise Http404("There is no subscription with this id. It was deleted, or the link is cut off.") from error
