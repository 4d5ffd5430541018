"""One machine, nothing to configure: loopback only, a secret key generated once and kept beside the database."""

from __future__ import annotations

from django.core.management.utils import get_random_secret_key

from wfo_site.settings.base import *  # noqa: F403
from wfo_site.settings.base import ENV


def _kept_secret_key() -> str:
    path = ENV.data_dir / "secret_key"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(get_random_secret_key())
    return path.read_text()


SECRET_KEY = ENV.secret_key or _kept_secret_key()
