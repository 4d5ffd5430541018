from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.apps import AppConfig
from django.db.models.signals import post_migrate


def _after_migrate(using: str, **_: Any) -> None:
    from workflows.engine import plans
    from workflows.models import EngineSettings

    plans.forget()
    EngineSettings.objects.using(using).get_or_create(pk=1)


def _owner_is_over(root_id: UUID) -> bool:
    """Say whether the process that locked a subscription has failed or ended, and all that it has started with it.

    Its parts, the workflows that it has started and its undo work under the same lock.
    """
    from workflows.models import Process
    from workflows.states import ENDED, FAILED

    return not Process.every.filter(root_id=root_id).exclude(last_status__in=ENDED | FAILED).exists()


def _link_process(process_id: UUID, subscription_ids: Collection[UUID]) -> None:
    """Note what a process works on; what a branch works on, its process works on."""
    from wfo_site.common.context import current
    from workflows.engine.tree import whole_of
    from workflows.models import ProcessSubscription

    # In one order: branches of a process that link the same at a time wait for each other, and not in a circle.
    ProcessSubscription.objects.bulk_create(
        [
            ProcessSubscription(process_id=one, subscription_id=pk)
            for one in whole_of(process_id, current().root_id)
            for pk in sorted(subscription_ids)
        ],
        ignore_conflicts=True,
    )


class WorkflowsConfig(AppConfig):
    name = "workflows"
    verbose_name = "Workflows"

    def ready(self) -> None:
        from django.conf import settings

        from products.discovery import package_names
        from subscriptions import hooks
        from workflows import checks  # noqa: F401 - importing the checks registers them
        from workflows.builtin import modify_note  # noqa: F401 - importing a workflow registers it
        from workflows.engine import captured_logs

        post_migrate.connect(_after_migrate, sender=self)
        hooks.register_owner_is_over(_owner_is_over)
        hooks.register_process_link(_link_process)
        captured_logs.listen_to(package_names(settings.WFO_EXTENSIONS))
