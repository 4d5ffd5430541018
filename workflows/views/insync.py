"""Call a subscription in sync by hand, from its page."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from wfo_site.common.errors import DomainError
from workflows.services.insync import set_subscription_in_sync
from workflows.views.feedback import go_to, sentence


@require_POST
def set_in_sync(request: HttpRequest, subscription_id: UUID) -> HttpResponse:
    """Free the subscription's lock and go back to its page, which says so or why not."""
    level, text = "success", "The subscription is in sync."
    try:
        set_subscription_in_sync(subscription_id)
    except DomainError as error:
        level, text = "error", sentence(error)
    url = reverse("subscriptions:subscription-detail", args=[subscription_id])
    return go_to(request, url, level=level, text=text)
