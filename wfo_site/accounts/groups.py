"""The group that every installation begins with: Operators, who may see everything in the admin and change nothing."""

from __future__ import annotations

from typing import Any

from django.apps import apps

OPERATORS = "Operators"
_VISIBLE_APPS = ("products", "subscriptions", "workflows", "scheduling")


def seed_operators(*, sender: Any, using: str, **_kwargs: Any) -> None:
    """Create the group when it is not there; what people changed in it stays. Receiver of post_migrate.

    It acts for the last app that has tables only, because each app's permissions are made just before its own signal.
    """
    if sender is not [config for config in apps.get_app_configs() if config.models_module][-1]:
        return
    from django.contrib.auth.models import Group, Permission

    group, created = Group.objects.using(using).get_or_create(name=OPERATORS)
    if created:
        group.permissions.set(
            Permission.objects.using(using).filter(
                content_type__app_label__in=_VISIBLE_APPS, codename__startswith="view_"
            )
        )
