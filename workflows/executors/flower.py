"""Which Celery workers are online, as Flower knows it from their events: nobody is asked for it."""

from __future__ import annotations

from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from workflows.executors.monitor import OnlineWorker

_ONLINE: Final = "flower_worker_online"


def ask_flower(url: str, *, seconds: float) -> list[OnlineWorker]:
    """Read the workers that are online from Flower's metrics; how large their pools are it does not say there.

    Raises what httpx raises, and ValueError if it is not Flower that answers.
    """
    there = httpx.URL(f"{url.rstrip('/')}/metrics")
    # Apart from the address, which is logged with each request.
    auth = (there.username, there.password) if there.userinfo else None
    there = there.copy_with(username=None, password=None)
    answer = httpx.get(there, auth=auth, timeout=seconds, follow_redirects=True).raise_for_status()
    for family in text_string_to_metric_families(answer.text):
        if family.name == _ONLINE:
            names = sorted(sample.labels["worker"] for sample in family.samples if sample.value)
            return [OnlineWorker(name) for name in names]
    raise ValueError(f"there is no {_ONLINE} among its metrics")
