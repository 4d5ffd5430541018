from django.apps import AppConfig


class NetworkConfig(AppConfig):
    name = "wfo_site.examples.network"
    label = "network"
    verbose_name = "Example network"
