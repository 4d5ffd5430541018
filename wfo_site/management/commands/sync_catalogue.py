"""Makes the catalogue's tables follow the product packages; every migrate does it too."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from products.sync import catalogue_drift, sync_catalogue
from products.wanted import CatalogueBroken


class Command(BaseCommand):
    help = "Makes products, blocks, fixed inputs and workflows in the database follow the product packages."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; print what differs and exit 1 if anything does"
        )

    def handle(self, *_args: Any, check: bool, **_options: Any) -> None:
        try:
            drift = catalogue_drift() if check else sync_catalogue()
        except CatalogueBroken as broken:
            raise CommandError(broken.message) from broken
        for difference in drift:
            self.stdout.write(difference.sentence)
        if check and drift:
            raise CommandError(f"The catalogue differs from code in {len(drift)} places", returncode=1)
        left = [difference for difference in drift if not difference.repairable]
        self.stdout.write(
            f"The catalogue follows code: {len(drift) - len(left)} changes made, {len(left)} left to people."
        )
