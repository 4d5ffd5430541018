"""Tests: inline executor unless a test asks for another, fast password hashing, a database file (threads need one)."""

from __future__ import annotations

from wfo_site.settings.base import *  # noqa: F403
from wfo_site.settings.base import CACHES, DATABASES, ENV

SECRET_KEY = "a key for tests only, it signs nothing that leaves this machine"  # noqa: S105
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EXECUTOR = "inline"
AXES_ENABLED = False
CACHES["local"] = {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
if DATABASES["default"]["ENGINE"] == "wfo_site.common.db.sqlite3":
    DATABASES["default"]["NAME"] = str(ENV.data_dir / "unused.sqlite3")
    DATABASES["default"]["TEST"] = {"NAME": str(ENV.data_dir / "test.sqlite3")}
    ENV.data_dir.mkdir(parents=True, exist_ok=True)
