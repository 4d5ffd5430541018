"""The Celery application: `celery -A wfo_site worker`, `celery -A wfo_site beat`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wfo_site.settings.prod")

app = Celery("wfo_site")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
