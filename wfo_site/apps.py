from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "wfo_site"
    label = "wfo_site"
    verbose_name = "Site"
