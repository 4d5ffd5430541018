from django.apps import AppConfig


class ObservabilityConfig(AppConfig):
    name = "wfo_site.observability"
    label = "observability"
    verbose_name = "Observability"
