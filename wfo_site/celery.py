"""The Celery application: `celery -A wfo_site worker`, `celery -A wfo_site beat`."""

import os

from celery import Celery, signals
from django.conf import settings
from kombu import Exchange, Queue

from workflows.executors.queues import all_queues
from workflows.executors.reaping import Reaping

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wfo_site.settings.prod")

app = Celery("wfo_site")
app.config_from_object("django.conf:settings", namespace="CELERY")
# A worker without `--queues` listens to all of them.
app.conf.task_queues = [
    Queue(name, Exchange(name), routing_key=name) for name in all_queues(settings.CELERY_TARGET_QUEUES.values())
]
app.steps["consumer"].add(Reaping)
app.autodiscover_tasks()


@signals.setup_logging.connect
def keep_logging(**_: object) -> None:
    """Leave logging as Django has set it up: a worker's lines have their fields, hide secrets and obey LOG_LEVEL.

    While something listens to this signal, Celery puts no handlers of its own in their place.
    """
