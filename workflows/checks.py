"""System checks of how processes are run."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name

from products.enums import Target

TAG = "executor"


@register(TAG)
def check_target_queues(**_kwargs: Any) -> list[CheckMessage]:
    """Check that CELERY_TARGET_QUEUES maps known targets to names: with another one, processes would wait for ever."""
    queues: Any = settings.CELERY_TARGET_QUEUES
    if not isinstance(queues, dict):
        sentence = f"CELERY_TARGET_QUEUES is {queues!r}; it must map targets to names of queues."
        return [Error(sentence, hint='{"VALIDATE": "validations"}', id="workflows.E001")]
    known = f"Targets are {', '.join(Target.values)}."
    messages: list[CheckMessage] = [
        Error(f"CELERY_TARGET_QUEUES names the target {target!r}, which there is not.", hint=known, id="workflows.E002")
        for target in queues
        if target not in Target.values
    ]
    messages += [
        Error(f"CELERY_TARGET_QUEUES gives the target {target!r} a queue without a name.", id="workflows.E003")
        for target, queue in queues.items()
        if not isinstance(queue, str) or not queue.strip()
    ]
    return messages


@register(TAG)
def check_channel_layer(**_kwargs: Any) -> list[CheckMessage]:
    """Check that live updates can leave a worker."""
    layer = settings.CHANNEL_LAYERS["default"]["BACKEND"]
    if settings.EXECUTOR != "celery" or layer != "channels.layers.InMemoryChannelLayer":
        return []
    sentence = "Celery workers cannot tell browsers what changed: live updates stay in the memory of one process."
    return [Warning(sentence, hint="Set WEBSOCKET_BROADCASTER_URL to a Redis.", id="workflows.W001")]
