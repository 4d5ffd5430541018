from __future__ import annotations

import logging
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.db.models.signals import post_migrate

logger = logging.getLogger(__name__)


class ProductsConfig(AppConfig):
    name = "products"
    verbose_name = "Catalogue"

    def ready(self) -> None:
        from products import checks, discovery  # noqa: F401 - importing the checks registers them

        discovery.discover(settings.WFO_EXTENSIONS)
        post_migrate.connect(follow_registry, sender=self, dispatch_uid="products.follow_registry")


def follow_registry(*, using: str, **kwargs: Any) -> None:
    """Make the catalogue follow the registry after every migrate.

    A broken product package is logged, not raised: its system check has said so already, and the tables must come up
    for the rest.
    """
    from products.sync import sync_catalogue
    from products.wanted import CatalogueBroken

    if not _tables_are_current(kwargs.get("apps", apps)):
        return
    try:
        sync_catalogue(using=using)
    except CatalogueBroken as broken:
        logger.error("%s", broken)  # noqa: TRY400 - the sentence names file and line; the traceback would be ours


def _tables_are_current(migrated: Any) -> bool:
    """Say whether the migrations that ran reach the models of today; `migrate products zero` does not."""
    for model in apps.get_app_config("products").get_models(include_auto_created=True):
        try:
            known = migrated.get_model("products", model.__name__)
            for field in model._meta.concrete_fields:
                known._meta.get_field(field.name)
        except (LookupError, FieldDoesNotExist):
            return False
    return True
