"""The demo runs the real workflows and leaves something of everything to look at."""

from __future__ import annotations

from collections import Counter

import pytest
from django.core.management import call_command

from subscriptions.models import Subscription
from wfo_site.examples.network import models, wfo_demo
from workflows.enums import ProcessStatus
from workflows.models import Process

pytestmark = pytest.mark.django_db(transaction=True)


def test_demo_is_lively_and_changes_nothing_when_run_again(capsys: pytest.CaptureFixture[str]) -> None:
    wfo_demo.seed_demo()
    delivered = Counter(
        Subscription.objects.filter(status="active", insync=True).values_list("product__product_type", flat=True)
    )
    assert delivered == {"Node": 5, "Port": 8, "CoreLink": 3, "L2vpn": 4}
    statuses = Counter(Process.objects.values_list("last_status", flat=True))
    assert statuses[ProcessStatus.FAILED] == 3
    assert statuses[ProcessStatus.SUSPENDED] == 1
    assert statuses[ProcessStatus.AWAITING_CALLBACK] == 1
    assert statuses[ProcessStatus.ABORTED] == 1
    assert statuses[ProcessStatus.WAITING] == 1, "one of the nodes that were checked differs"
    assert sum(statuses.values()) == statuses[ProcessStatus.COMPLETED] + 7
    before = Process.objects.count(), Subscription.objects.count(), models.Device.objects.count()
    call_command("seed_demo")
    assert "there already" in capsys.readouterr().out
    assert (Process.objects.count(), Subscription.objects.count(), models.Device.objects.count()) == before
