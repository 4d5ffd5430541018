from django.apps import AppConfig
from django.db.models.signals import post_migrate

from subscriptions.triggers import install_after_migrate


class SubscriptionsConfig(AppConfig):
    name = "subscriptions"
    verbose_name = "Subscriptions"

    def ready(self) -> None:
        from subscriptions.domain import describe  # noqa: F401 - it answers the catalogue's questions about models

        post_migrate.connect(install_after_migrate, sender=self, dispatch_uid="subscriptions.triggers")
