from django.apps import AppConfig


class TroubleConfig(AppConfig):
    name = "tests.faults.trouble"
    label = "trouble"
    verbose_name = "Trouble"
