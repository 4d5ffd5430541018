from django.apps import AppConfig


class CommonConfig(AppConfig):
    name = "wfo_site.common"
    label = "wfo_common"
