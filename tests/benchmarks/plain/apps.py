from django.apps import AppConfig


class PlainConfig(AppConfig):
    name = "tests.benchmarks.plain"
    label = "plain"
    verbose_name = "Plain workflows for benchmarks"
