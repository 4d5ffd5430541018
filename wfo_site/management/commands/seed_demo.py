"""Fills a database with demo data: each product package that brings `wfo_demo` makes some of its own."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Makes subscriptions and processes to look at, by running the workflows of the installed product packages."

    def handle(self, *_args: Any, **_options: Any) -> None:
        packages = [
            config
            for config in apps.get_app_configs()
            if config.name in settings.WFO_EXTENSIONS and find_spec(f"{config.name}.wfo_demo") is not None
        ]
        if not packages:
            raise CommandError("No installed product package brings a demo (a module wfo_demo with seed_demo())")
        for config in packages:
            self.stdout.write(f"Running the demo of {config.verbose_name} …")
            summary = import_module(f"{config.name}.wfo_demo").seed_demo()
            self.stdout.write(f"  {summary}")
