"""Who may call the API: a logged-in session with its CSRF token, or everybody when OAUTH2_ACTIVE is off."""

from __future__ import annotations

from copy import copy
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import CSRFCheck, SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from wfo_site.common.context import SYSTEM_USER


class SessionOrOpen(SessionAuthentication):
    """The session of the web pages. Without one, and with OAUTH2_ACTIVE off, the caller is user SYSTEM.

    The open mode knows no CSRF token, so there a browser may only write from an origin that CORS allows: otherwise any
    page that its user visits could start workflows.
    """

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, None] | None:
        found = super().authenticate(request)
        if found is None and not settings.OAUTH2_ACTIVE and request.method not in SAFE_METHODS:
            _refuse_foreign_origin(request)
        return found

    def enforce_csrf(self, request: Request) -> None:
        """Refuse a write without the token of the session in the header X-CSRFToken.

        Of a POST the check would look into the body first, for a form with a token, and read it by the framework's own
        parser: that has other limits, and other words for what is wrong, than `rest.body`.
        """
        asked = copy(request._request)
        asked.method = "PUT" if asked.method == "POST" else asked.method
        check = CSRFCheck(_any_view)
        check.process_request(asked)
        if reason := check.process_view(asked, _any_view, (), {}):
            raise PermissionDenied(f"CSRF Failed: {reason}")


def _any_view(_request: HttpRequest) -> HttpResponse:
    """Stand for a view that asks for the token."""
    return HttpResponse()


def _refuse_foreign_origin(request: Request) -> None:
    origin = request.META.get("HTTP_ORIGIN")
    if origin is None or origin in settings.CORS_ALLOWED_ORIGINS or urlsplit(origin).netloc == request.get_host():
        return
    raise PermissionDenied(f"Origin {origin} may not write here; add it to CORS_ORIGINS if it should")


class MayUseApi(BasePermission):
    """Logged in, or nobody needs to be."""

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002 - as the framework calls it
        return not settings.OAUTH2_ACTIVE or bool(request.user and request.user.is_authenticated)


class MayChange(MayUseApi):
    """Whoever may call reads; who writes needs the permission of Django's that the view names `change_permission`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not super().has_permission(request, view):
            return False
        needed: str = view.change_permission  # type: ignore[attr-defined]
        if request.method in SAFE_METHODS or not settings.OAUTH2_ACTIVE or request.user.has_perm(needed):
            return True
        raise PermissionDenied(f"This needs the permission {needed}, which an administrator gives")


def user_name(request: Request) -> str:
    """Return the name that is recorded for what this request does."""
    user = request.user
    return user.get_username() if user and user.is_authenticated else SYSTEM_USER
