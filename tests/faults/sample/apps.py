from django.apps import AppConfig


class SampleConfig(AppConfig):
    name = "tests.faults.sample"
    label = "sample"
    verbose_name = "Sample for fault tests"
