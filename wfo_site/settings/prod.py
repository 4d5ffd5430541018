"""A deployment behind TLS. Refuses to start without a secret key of its own."""

from __future__ import annotations

from wfo_site.settings.base import *  # noqa: F403
from wfo_site.settings.base import ENV, LOGGING
from wfo_site.settings.env import SettingsError

if len(ENV.secret_key) < 50:
    raise SettingsError("SECRET_KEY must be set to at least 50 random characters")

SECURE_SSL_REDIRECT = True
# Whoever watches the container asks it directly, without the proxy that speaks TLS.
SECURE_REDIRECT_EXEMPT = [r"^api/health/?$"]
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken"
if ENV.secure_proxy:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "servestatic.storage.CompressedManifestStaticFilesStorage"},
}
SERVESTATIC_USE_FINDERS = False
LOGGING["handlers"]["console"]["formatter"] = "json"
