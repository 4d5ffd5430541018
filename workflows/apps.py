from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


def _seed_engine_settings(using: str, **_: Any) -> None:
    from workflows.models import EngineSettings

    EngineSettings.objects.using(using).get_or_create(pk=1)


class WorkflowsConfig(AppConfig):
    name = "workflows"
    verbose_name = "Workflows"

    def ready(self) -> None:
        post_migrate.connect(_seed_engine_settings, sender=self)
