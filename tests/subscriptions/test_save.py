"""A save writes the difference between the model as loaded and now, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pydantic import ValidationError

from products.models import ResourceType
from subscriptions import hooks
from subscriptions.domain import BlockInUse, ProductBlockModel, SaveConflict, SubscriptionModel
from subscriptions.models import Subscription, SubscriptionInstance, SubscriptionInstanceRelation
from subscriptions.services import collect_subscription_ids, find_models, save_models
from tests.subscriptions.conftest import TERMINATED, make_circuit, make_host, reload
from wfo_site.common.context import acting
from wfo_site.common.errors import Conflict

Queries = Callable[[int], Any]


def stored(block: ProductBlockModel) -> dict[str, Any]:
    values: dict[str, Any] = SubscriptionInstance.objects.get(pk=block.subscription_instance_id).values
    return values


def test_unchanged_save_runs_no_statement(shop: SimpleNamespace, django_assert_num_queries: Queries) -> None:
    host = reload(make_host(shop, ports=[1, 2]))
    with django_assert_num_queries(0):
        host.save()
    host.host.host_name = "bravo"
    host.save()
    with django_assert_num_queries(0):
        host.save()


def test_same_value_assigned_again_is_no_change(shop: SimpleNamespace, django_assert_num_queries: Queries) -> None:
    host = reload(make_host(shop, ports=[1, 2]))
    host.host.ports = [1, 2]
    host.host.ports.append(3)
    host.host.ports.pop()
    with django_assert_num_queries(0):
        host.save()


def test_list_changed_in_place_is_saved(shop: SimpleNamespace) -> None:
    host = reload(make_host(shop, ports=[1, 2]))
    host.host.ports.append(3)
    host.save()
    assert stored(host.host)["ports"] == [1, 2, 3]


def test_list_changed_in_place_keeps_the_type_of_its_items(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    host.host.ports.append("not a port")
    with pytest.raises(ValidationError, match="ports"):
        host.save()
    fresh = shop.HostInactive.from_product_id(shop.products["host small"], "c")
    fresh.host.ports.append("not a port")
    with pytest.raises(ValidationError, match="ports"):
        fresh.save()


def test_none_removes_the_value(shop: SimpleNamespace) -> None:
    host = make_host(shop, address="10.0.0.1")
    host.host.address = None
    host.save()
    assert "address" not in stored(host.host)
    assert reload(host).host.address is None


def test_value_that_the_class_does_not_know_stays(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    SubscriptionInstance.objects.update(values={**stored(host.host), "legacy": [1]})
    loaded = reload(host)
    loaded.host.host_name = "bravo"
    loaded.save()
    assert stored(host.host) == {"host_name": "bravo", "legacy": [1], "ports": [], "racks": []}


def test_writers_of_different_keys_both_survive(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    one, other = reload(host), reload(host)
    one.host.host_name, other.host.address = "bravo", "10.0.0.9"
    one.description, other.note = "by one", "by other"
    one.host.label = "labelled"
    one.save()
    other.save()
    loaded = reload(host)
    assert (loaded.host.host_name, str(loaded.host.address), loaded.host.label) == ("bravo", "10.0.0.9", "labelled")
    assert (loaded.description, loaded.note) == ("by one", "by other")


@pytest.mark.parametrize(
    ("change", "path", "mine", "theirs"),
    [
        (lambda model, text: setattr(model.host, "host_name", text), "host.host_name", "mine", "theirs"),
        (lambda model, text: setattr(model.host, "label", text), "host.label", "mine", "theirs"),
        (lambda model, text: setattr(model, "description", text), "description", "mine", "theirs"),
    ],
)
def test_two_writers_of_one_value_conflict(
    shop: SimpleNamespace, change: Callable[[Any, str], None], path: str, mine: str, theirs: str
) -> None:
    host = make_host(shop)
    one, other = reload(host), reload(host)
    change(one, theirs)
    change(other, mine)
    one.save()
    with pytest.raises(SaveConflict) as caught:
        other.save()
    assert (caught.value.field, caught.value.mine, caught.value.theirs) == (path, mine, theirs)
    assert isinstance(caught.value, Conflict)
    for part in (path, repr(mine), repr(theirs), str(host.subscription_id)):
        assert part in str(caught.value)


def test_two_writers_of_the_same_new_value_agree(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    one, other = reload(host), reload(host)
    one.host.host_name = other.host.host_name = "bravo"
    one.save()
    other.save()
    assert reload(host).host.host_name == "bravo"


def test_conflict_leaves_nothing_of_the_loser(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    one, other = reload(host), reload(host)
    one.host.host_name = "one"
    one.save()
    other.host.host_name, other.description, other.host.address = "other", "other", "10.0.0.2"
    with pytest.raises(SaveConflict):
        other.save()
    assert reload(host) == reload(one)


def test_two_writers_of_one_list_of_blocks_conflict(shop: SimpleNamespace) -> None:
    hosts = [make_host(shop, name) for name in "ab"]
    circuit = make_circuit(shop, hosts)
    one, other = reload(circuit), reload(circuit)
    for model in (one, other):
        model.circuit.legs.append(shop.LegBlock.new(model.subscription_id, vlan=7, host=hosts[0].host))
    one.save()
    with pytest.raises(SaveConflict, match=r"circuit\.legs"):
        other.save()


def test_change_of_a_deleted_block_conflicts(shop: SimpleNamespace) -> None:
    circuit = make_circuit(shop, [make_host(shop, name) for name in "abc"])
    one, other = reload(circuit), reload(circuit)
    one.circuit.legs.pop()
    one.save()
    other.circuit.legs[2].vlan = 9
    with pytest.raises(SaveConflict, match=r"circuit\.legs\.2"):
        other.save()


def test_only_blocks_that_the_model_knew_are_deleted(shop: SimpleNamespace) -> None:
    hosts = [make_host(shop, name) for name in "abc"]
    circuit = make_circuit(shop, hosts)
    stale = reload(circuit)
    circuit.circuit.spare = shop.LegBlock.new(circuit.subscription_id, vlan=7, host=hosts[0].host)
    circuit.save()
    stale.circuit.legs.pop()
    stale.save()
    loaded = reload(circuit)
    assert loaded.circuit.spare is not None
    assert len(loaded.circuit.legs) == 2


def test_dropped_block_that_another_holds_is_refused(shop: SimpleNamespace) -> None:
    """Deleting it would silently change the other subscription."""
    host = make_host(shop)
    circuit = make_circuit(shop, [host, make_host(shop, "bravo")])
    host = reload(host)
    host.host = shop.HostBlock.new(host.subscription_id, host_name="new")
    with pytest.raises(BlockInUse, match=str(circuit.subscription_id)):
        host.save()
    assert SubscriptionInstance.objects.filter(subscription_id=host.subscription_id).count() == 1


def test_values_of_foreign_blocks_are_not_written(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    circuit = reload(make_circuit(shop, [host, make_host(shop, "bravo")]))
    circuit.circuit.legs[0].host.host_name = "meddled"
    circuit.circuit.legs[0].vlan = 5
    circuit.save()
    assert stored(host.host)["host_name"] == "alfa"
    assert reload(circuit).circuit.legs[0].vlan == 5


def test_foreign_block_directly_below_is_refused(shop: SimpleNamespace) -> None:
    other = make_host(shop)
    host = shop.HostInactive.from_product_id(shop.products["host small"], "customer-1")
    host.host = other.host
    with pytest.raises(ValueError, match="Attempting to save a Foreign `Subscription Instance` directly below"):
        host.save()


def test_list_changed_in_place_keeps_its_bounds_and_types(shop: SimpleNamespace) -> None:
    circuit = make_circuit(shop, [make_host(shop), make_host(shop, "bravo")])
    last = circuit.circuit.legs.pop()
    with pytest.raises(ValueError, match="holds 1 blocks, but takes 2 to 8"):
        circuit.save()
    circuit.circuit.legs.extend([last, last.host])
    with pytest.raises(ValueError, match="holds a HostBlock, not a LegBlock"):
        circuit.save()


def test_missing_resource_type_is_named(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    ResourceType.objects.get(resource_type="address").delete()
    host.host.address = "10.0.0.1"
    with pytest.raises(ValueError, match=r"no resource types \['address'\] for product block 'Host'"):
        host.save()


def test_date_without_time_zone_is_refused(shop: SimpleNamespace) -> None:
    from datetime import datetime

    host = make_host(shop)
    host.start_date = datetime(2026, 1, 1)
    with pytest.raises(ValueError, match=r"start_date .* has no time zone"):
        host.save()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda host: setattr(host, "description", "x" * 2001), r"description .* has 2001 characters, .* 2000 fit"),
        (lambda host: setattr(host, "note", "x" * 5001), r"note .* has 5001 characters, .* 5000 fit"),
        (lambda host: setattr(host, "customer_id", "x" * 256), r"customer_id .* has 256 characters, .* 255 fit"),
        (lambda host: setattr(host.host, "label", "x" * 256), r"host\.label .* has 256 characters, .* 255 fit"),
    ],
)
def test_text_that_does_not_fit_is_refused_by_name(
    shop: SimpleNamespace, change: Callable[[Any], None], sentence: str
) -> None:
    host = make_host(shop)
    change(host)
    with pytest.raises(ValueError, match=sentence):
        host.save()
    assert reload(host).description == "Initial subscription of A small host"


def test_true_is_not_the_one_that_another_wrote(shop: SimpleNamespace) -> None:
    """Values are compared as JSON does: Python takes True for 1 and would overwrite it silently."""
    host = make_host(shop, ports=[1])
    mine = reload(host)
    mine.host.ports = [2]
    SubscriptionInstance.objects.filter(pk=host.host.subscription_instance_id).update(
        values={**stored(host.host), "ports": [True]}
    )
    with pytest.raises(SaveConflict, match=r"host\.ports"):
        mine.save()


def test_several_models_are_saved_together(shop: SimpleNamespace) -> None:
    hosts = [shop.HostInactive.from_product_id(shop.products["host small"], f"c{n}") for n in range(3)]
    circuit = shop.CircuitInactive.from_product_id(shop.products["circuit"], "customer-2")
    for leg, host in zip(circuit.circuit.legs, hosts, strict=False):
        leg.host = host.host
    result = {"circuit": circuit, "more": [hosts[0], {"deep": (hosts[1], hosts[0])}], "other": hosts[2], "n": 1}
    models = find_models(result)
    assert len(models) == 4
    assert set(collect_subscription_ids(result)) == {model.subscription_id for model in models}
    save_models(models)
    assert reload(circuit).circuit.legs[1].host == hosts[1].host


def test_two_models_of_one_subscription_are_merged(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    one, other = reload(host), reload(host)
    one.host.host_name, other.host.address = "bravo", "10.0.0.9"
    save_models([one, other])
    assert (reload(host).host.host_name, str(reload(host).host.address)) == ("bravo", "10.0.0.9")


def test_chain_of_lifecycles_saves_once(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    terminated = SubscriptionModel.from_other_lifecycle(reload(host), TERMINATED)
    terminated.host.host_name = None
    terminated.save()
    loaded = reload(host)
    assert (loaded.status, loaded.host.host_name) == (TERMINATED, None)


def test_block_loaded_by_itself_can_be_put_back(shop: SimpleNamespace) -> None:
    host = make_host(shop)
    model = reload(host)
    block = shop.HostBlock.from_db(host.host.subscription_instance_id)
    block.host_name = "bravo"
    model.host = block
    model.save()
    assert reload(host).host.host_name == "bravo"


def test_block_moves_between_attributes(shop: SimpleNamespace) -> None:
    circuit = reload(make_circuit(shop, [make_host(shop, name) for name in "abc"]))
    circuit.circuit.spare = circuit.circuit.legs.pop()
    circuit.save()
    loaded = reload(circuit)
    assert loaded == circuit
    assert SubscriptionInstanceRelation.objects.filter(domain_model_attr="legs").count() == 2


def test_save_inside_a_process_links_it(shop: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    links: list[tuple[Any, set[Any]]] = []
    monkeypatch.setattr(hooks, "_link_process", lambda process, ids: links.append((process, set(ids))))
    process, other = uuid4(), uuid4()
    host = shop.HostInactive.from_product_id(shop.products["host small"], "c", process_id=other)
    with acting(process_id=process):
        host.save()
        assert sorted(links) == sorted([(process, {host.subscription_id}), (other, {host.subscription_id})])
        links.clear()
        host.save()
    assert not links
    assert Subscription.objects.get(pk=host.subscription_id).locked_by == process


@pytest.mark.django_db(transaction=True)
def test_model_can_be_saved_again_after_a_rollback(classes: SimpleNamespace) -> None:
    """What was rolled back is not taken for saved: with savepoints, and with the whole transaction."""
    from tests.subscriptions.conftest import stock

    shop = stock(classes)
    host = make_host(shop)
    host.host.host_name = "bravo"

    class Oops(Exception):
        pass

    def fail(*, inside: bool) -> None:
        with transaction.atomic():
            host.save()
            if inside:
                raise Oops

    with pytest.raises(Oops):
        fail(inside=True)
    assert reload(host).host.host_name == "alfa"
    with transaction.atomic():
        with pytest.raises(Oops):
            fail(inside=True)
        host.save()
    assert reload(host).host.host_name == "bravo"
    fresh = shop.HostInactive.from_product_id(shop.products["host small"], "c")

    @transaction.atomic
    def fail_fresh() -> None:
        fresh.save()
        raise Oops

    with pytest.raises(Oops):
        fail_fresh()
    fresh.save()
    assert reload(fresh) == fresh
    # The class that `fresh` had before the first save is the one after it: it is stored once.
    with CaptureQueriesContext(connection) as queries:
        fresh.save()
    assert len(queries) == 0
