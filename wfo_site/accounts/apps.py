from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "wfo_site.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from wfo_site.accounts.groups import seed_operators

        post_migrate.connect(seed_operators, dispatch_uid="accounts.seed_operators")
