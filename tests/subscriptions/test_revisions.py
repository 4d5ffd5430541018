"""Each transaction leaves one revision of each subscription that it changed."""

from __future__ import annotations

from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from subscriptions import hooks
from subscriptions.domain import SubscriptionModel
from subscriptions.models import SubscriptionRevision
from subscriptions.revisions import merge, snapshots_of
from subscriptions.selectors import changes_between, revisions_of, subscription_at
from subscriptions.services import set_in_sync, unsync
from tests.subscriptions.conftest import make_circuit, make_host, reload, stock
from wfo_site.common.context import acting

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(classes: SimpleNamespace, transactional_db: None) -> SimpleNamespace:
    return stock(classes)


def revisions(model: SubscriptionModel) -> list[SubscriptionRevision]:
    return list(SubscriptionRevision.objects.filter(subscription_id=model.subscription_id).order_by("number"))


def test_creation_is_a_revision_with_a_snapshot(shop: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "_link_process", None)
    process, step = uuid4(), "Construct"
    with acting(user="alice", process_id=process, step=step):
        host = make_host(shop, ports=[1])
    (revision,) = revisions(host)
    assert (revision.number, revision.created_by, revision.process_id, revision.step) == (1, "alice", process, step)
    assert {"path": "status", "old": None, "new": "active"} in revision.changes
    assert {
        "path": "host.ports",
        "old": None,
        "new": [1],
        "subscription_instance_id": str(host.host.subscription_instance_id),
    } in revision.changes
    assert revision.snapshot == snapshots_of([host.subscription_id])[host.subscription_id]
    assert revision.snapshot["instances"][0]["root_attr"] == "host"


def test_change_names_path_old_and_new(shop: SimpleNamespace) -> None:
    circuit = reload(make_circuit(shop, [make_host(shop), make_host(shop, "bravo")]))
    circuit.circuit.legs[1].vlan = 7
    circuit.description = "renamed"
    circuit.save()
    revision = revisions(circuit)[-1]
    assert revision.number == 2
    assert revision.snapshot is None
    assert [(change["path"], change["old"], change["new"]) for change in revision.changes] == [
        ("description", "Initial subscription of A circuit", "renamed"),
        ("circuit.legs.1.vlan", 101, 7),
    ]


def test_saves_of_one_transaction_are_one_revision(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    with transaction.atomic():
        host.host.host_name = "bravo"
        host.save()
        other = reload(host)
        other.host.host_name = "charlie"
        other.note = "x"
        other.save()
    assert [(change["path"], change["old"], change["new"]) for change in revisions(host)[1].changes] == [
        ("host.host_name", "alfa", "charlie"),
        ("note", None, "x"),
    ]
    assert len(revisions(host)) == 2
    host = reload(host)
    host.note = "y"
    host.save()
    assert len(revisions(host)) == 3


def test_rolled_back_savepoint_leaves_no_trace(shop: SimpleNamespace) -> None:
    host = make_host(shop)

    class Oops(Exception):
        pass

    @transaction.atomic
    def fail() -> None:
        host.note = "lost"
        host.save()
        raise Oops

    with transaction.atomic():
        with pytest.raises(Oops):
            fail()
        host.note = "kept"
        host.save()
    assert [change["new"] for change in revisions(host)[1].changes] == ["kept"]


def test_lock_flips_are_no_revisions(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    set_in_sync(host.subscription_id)
    unsync(host.subscription_id, root_id=uuid4())
    assert len(revisions(host)) == 1


def test_unchanged_save_is_no_revision(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    reload(host).save()
    assert len(revisions(host)) == 1


def test_every_twentieth_revision_has_a_snapshot(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    for number in range(2, 42):
        host.note = f"note {number}"
        host.save()
    assert [r.number for r in revisions(host) if r.snapshot is not None] == [1, 20, 40]
    assert revisions(host)[19].snapshot["subscription"]["note"] == "note 20"


def test_past_is_told_from_snapshots_and_changes(shop: SimpleNamespace) -> None:
    """Every point in time equals what was stored then, through values, lists, blocks that come and go and move."""
    hosts = [make_host(shop, name) for name in "abc"]
    circuit = make_circuit(shop, hosts)
    seen: dict[int, object] = {}

    def look(subscription_id: UUID) -> None:
        seen[len(seen) + 1] = snapshots_of([subscription_id])[subscription_id]

    look(circuit.subscription_id)
    for change in range(5):
        model = reload(circuit)
        match change:
            case 0:
                model.circuit.legs[0].vlan, model.note, model.circuit.label = 5, "note", "label"
            case 1:
                model.circuit.legs.pop(1)
            case 2:
                spare = shop.LegBlock.new(model.subscription_id, vlan=77, host=hosts[1].host)
                model.circuit.spare = spare
            case 3:
                model.circuit.legs.insert(0, model.circuit.spare)
                model.circuit.spare = None
            case 4:
                model.circuit.legs.reverse()
                model.circuit.label = None
        model.save()
        look(circuit.subscription_id)
    for number, expected in seen.items():
        assert subscription_at(circuit.subscription_id, number) == expected
    assert [revision.number for revision in revisions_of(circuit.subscription_id)] == [6, 5, 4, 3, 2, 1]


def test_difference_between_two_points_in_time_is_merged(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    for name in ("bravo", "charlie", "alfa", "delta"):
        host.host.host_name = name
        host.save()
    assert changes_between(host.subscription_id, 1, 4) == []
    (change,) = changes_between(host.subscription_id, 1, 3)
    assert (change["old"], change["new"]) == ("alfa", "charlie")


def test_merge_keeps_the_first_old_and_the_last_new() -> None:
    first = [{"path": "a", "old": 1, "new": 2}, {"path": "b", "old": None, "new": 1}]
    second = [{"path": "a", "old": 2, "new": 3}, {"path": "b", "old": 1, "new": None}]
    assert merge(first, second) == [{"path": "a", "old": 1, "new": 3}]  # type: ignore[arg-type]
