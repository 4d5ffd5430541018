from __future__ import annotations

from django.apps import AppConfig


class ObservabilityConfig(AppConfig):
    name = "wfo_site.observability"
    label = "observability"
    verbose_name = "Observability"

    def ready(self) -> None:
        from wfo_site.observability import logs

        logs.configure()
