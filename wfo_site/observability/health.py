"""Says whether this process can serve: a load balancer and the container ask it, without a login."""

from __future__ import annotations

import logging
from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

logger = logging.getLogger(__name__)


@login_not_required
@never_cache
@require_safe
def health(_request: HttpRequest) -> JsonResponse:
    """Answer the JSON text "OK", or 500 when the database does not answer. One query."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError as error:
        # The reason goes to the log only: it may name hosts and users.
        logger.error("Health check: the database does not answer: %s", error)  # noqa: TRY400
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        return JsonResponse(
            {"detail": "The database does not answer", "status": status, "title": status.phrase}, status=status
        )
    return JsonResponse("OK", safe=False)
