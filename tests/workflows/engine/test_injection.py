"""What a step or form function gets for its parameters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Annotated, Any, Optional
from uuid import UUID, uuid4

import pytest
from pytest_django.fixtures import Settings

from subscriptions.domain import ProductBlockModel, SubscriptionModel, isolated
from subscriptions.services import find_models, save_models
from tests.subscriptions.conftest import INITIAL, PROVISIONING, declare, make_circuit, make_host, stock
from wfo_site.common.json import to_json
from workflows import State, StepList, done, init, inputstep, step, workflow
from workflows.engine.injection import bind
from workflows.forms import FormGenerator, FormPage
from workflows.models import Process
from workflows.selectors import process_detail
from workflows.services import resume_process

from .conftest import StartWorkflow

SOME = uuid4()


class Vlan:
    """A wrapped primitive, as product packages have them."""

    def __init__(self, number: int) -> None:
        self.number = number

    def unwrap(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vlan) and other.number == self.number

    __hash__ = None  # type: ignore[assignment]


def taking(annotation: Any, **default: Any) -> Callable[[State], Any]:
    """Return what a function with one parameter `x` of this type gets for it from a state."""

    def function(x: Any) -> None: ...

    function.__annotations__["x"] = annotation
    if default:
        function.__defaults__ = (default["default"],)
    return lambda state: bind(function)(state)["x"]


@pytest.fixture
def shop(db: None) -> Iterator[SimpleNamespace]:
    with isolated(empty=True):
        yield stock(declare())


class TestNames:
    def test_a_missing_key_is_named_with_the_function(self) -> None:
        """Conformance 98."""

        def deliver(port: str) -> None: ...

        with pytest.raises(KeyError) as caught:
            bind(deliver)({})
        name = f"{__name__}.TestNames.test_a_missing_key_is_named_with_the_function.<locals>.deliver"
        assert caught.value.args == (f"Could not find key 'port' in state. for function {name}",)

    def test_state_is_the_whole_state_wherever_it_stands(self) -> None:
        """Conformance 99."""

        def deliver(a: int, state: State, b: int = 3) -> None: ...

        given = {"a": 1, "c": {"d": 2}}
        found = bind(deliver)(given)
        assert found == {"a": 1, "state": given, "b": 3}
        found["state"]["c"]["d"] = "changed"
        assert given["c"]["d"] == 2

    def test_stars_are_left_out_with_a_warning(self, caplog: pytest.LogCaptureFixture) -> None:
        """Conformance 99."""

        def deliver(a: int, *args: Any, **kwargs: Any) -> None: ...

        with caplog.at_level(logging.WARNING, "workflows.engine.injection"):
            assert bind(deliver)({"a": 1, "args": [1], "kwargs": {}}) == {"a": 1}
        assert "*args" in caplog.text
        assert "*kwargs" in caplog.text

    def test_plain_values_pass_as_they_stand_and_are_the_functions_own(self) -> None:
        def deliver(a: dict[str, Any], b: list[int], c: str, d) -> None: ...  # type: ignore[no-untyped-def]

        given: State = {"a": {"x": [1]}, "b": [1], "c": "text", "d": 4}
        found = bind(deliver)(given)
        assert found == given
        found["a"]["x"].append(2)
        assert given["a"] == {"x": [1]}

    def test_a_default_stands_in_for_a_missing_key_only(self) -> None:
        assert taking(int, default=5)({}) == 5
        assert taking(int, default=5)({"x": 6}) == 6
        assert taking(int, default=5)({"x": None}) is None


class TestUuid:
    """Conformance 101, 102."""

    def test_text_becomes_a_uuid_and_a_uuid_stays_one(self) -> None:
        assert taking(UUID)({"x": str(SOME)}) == SOME
        assert taking(UUID)({"x": SOME}) is SOME
        assert taking(Annotated[UUID, "of a port"])({"x": str(SOME)}) == SOME
        assert taking(list[UUID])({"x": [str(SOME), SOME]}) == [SOME, SOME]
        assert taking(Optional[UUID])({"x": str(SOME)}) == SOME  # noqa: UP045 - the older way to write it
        assert taking(UUID | None)({"x": None}) is None
        assert taking(UUID | None)({}) is None
        assert taking(list[UUID] | None)({"x": None}) is None
        assert taking(dict[str, UUID])({"x": {"port": str(SOME)}}) == {"port": SOME}

    @pytest.mark.parametrize("annotation", [UUID, list[UUID]])
    def test_missing(self, annotation: Any) -> None:
        with pytest.raises(KeyError):
            taking(annotation)({})

    @pytest.mark.parametrize(
        ("annotation", "value"),
        [(UUID, "no uuid"), (UUID, 5), (UUID, None), (list[UUID], ["no uuid"]), (list[UUID], "x"), (UUID | None, "x")],
    )
    def test_invalid(self, annotation: Any, value: Any) -> None:
        with pytest.raises(ValueError, match=r"badly formed|Expected a list"):
            taking(annotation)({"x": value})

    def test_default(self) -> None:
        other = uuid4()
        assert taking(UUID, default=other)({}) == other
        assert taking(UUID, default=other)({"x": str(SOME)}) == SOME
        assert taking(UUID, default=None)({"x": None}) is None


def test_a_datetime_is_made_from_its_text() -> None:
    moment = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
    assert taking(datetime)({"x": moment.isoformat()}) == moment
    assert taking(datetime | None)({"x": None}) is None
    assert taking(str)({"x": moment.isoformat()}) == moment.isoformat()


class TestWrappedPrimitives:
    """Conformance 104."""

    def test_they_are_made_on_the_way_in(self) -> None:
        assert taking(Vlan)({"x": 7}) == Vlan(7)
        assert taking(list[Vlan])({"x": [1, 2]}) == [Vlan(1), Vlan(2)]
        assert taking(dict[str, dict[str, list[Vlan]]])({"x": {"a": {"b": [1]}}}) == {"a": {"b": [Vlan(1)]}}
        assert taking(Vlan | None)({}) is None

    @pytest.mark.django_db(transaction=True)
    def test_they_are_unwrapped_on_the_way_out(self, start: StartWorkflow) -> None:
        @step("Choose")
        def choose() -> State:
            return {"vlan": Vlan(1), "vlans": [Vlan(2)], "by_port": {"a": {"b": Vlan(3)}}}

        @step("Use")
        def use(vlan: Vlan, vlans: list[Vlan], by_port: dict[str, dict[str, Vlan]]) -> State:
            return {"sum": vlan.number + vlans[0].number + by_port["a"]["b"].number}

        @workflow("Wrapped")
        def wrapped() -> StepList:
            return init >> choose >> use >> done

        state = process_detail(start(wrapped).pk)["current_state"]
        assert (state["vlan"], state["vlans"], state["by_port"], state["sum"]) == (1, [2], {"a": {"b": 3}}, 6)


@pytest.mark.django_db
class TestModels:
    """Conformance 100, 103, 58."""

    def test_they_are_loaded_anew_from_an_id_or_a_dump(self, shop: SimpleNamespace) -> None:
        host = make_host(shop)
        pk = host.subscription_id
        for value in (pk, str(pk), {"subscription_id": str(pk), "host": "whatever it was"}):
            found = taking(shop.Host)({"x": value})
            assert type(found) is shop.Host
            assert found.host.host_name == "alfa"
        assert type(taking(SubscriptionModel)({"x": pk})) is shop.Host

    def test_optional(self, shop: SimpleNamespace) -> None:
        pk = make_host(shop).subscription_id
        annotation = shop.Host | None
        assert taking(annotation)({}) is None
        assert taking(annotation)({"x": None}) is None
        assert taking(annotation)({"x": str(pk)}).subscription_id == pk

    def test_lists(self, shop: SimpleNamespace) -> None:
        ids = [make_host(shop, name).subscription_id for name in ("alfa", "bravo")]
        found = taking(list[shop.Host])({"x": [str(ids[0]), {"subscription_id": str(ids[1])}]})
        assert [one.subscription_id for one in found] == ids
        assert taking(list[shop.Host] | None)({"x": None}) is None

    @pytest.mark.parametrize("item", [5, None, "no uuid", [1]])
    def test_an_item_that_is_no_subscription(self, shop: SimpleNamespace, item: Any) -> None:
        with pytest.raises(ValueError, match=r"Expected a subscription or its id|badly formed"):
            taking(list[shop.Host])({"x": [item]})

    def test_a_dict_without_an_id(self, shop: SimpleNamespace) -> None:
        with pytest.raises(KeyError, match="subscription_id"):
            taking(shop.Host)({"x": {"host": {}}})

    def test_a_live_model_does_not_belong_into_a_state(self, shop: SimpleNamespace) -> None:
        host = make_host(shop)
        for annotation, value in ((shop.Host, host), (shop.Host | None, host), (list[shop.Host], [host])):
            with pytest.raises(AssertionError, match="JSON only"):
                taking(annotation)({"x": value})

    def test_a_list_of_anything_cannot_hold_models(self, shop: SimpleNamespace) -> None:
        host = {"subscription_id": str(make_host(shop).subscription_id)}
        with pytest.raises(ValueError, match="cannot be serialized from database with type 'Any'"):
            taking(list[Any])({"x": [host]})
        assert taking(list[Any])({"x": [1, "a"]}) == [1, "a"]
        assert taking(list)({"x": [host]}) == [host]

    def test_a_union_gives_the_class_of_the_actual_status(self, shop: SimpleNamespace) -> None:
        host = make_host(shop)
        raw = shop.HostInactive.from_product_id(shop.products["host small"], "customer-1")
        raw.save()
        for annotation in (shop.HostInactive | shop.Host, shop.Host | shop.HostInactive | None):
            assert type(taking(annotation)({"x": host.subscription_id})) is shop.Host
            assert type(taking(annotation)({"x": raw.subscription_id})) is shop.HostInactive

    def test_a_union_refuses_a_status_that_it_does_not_name(self, shop: SimpleNamespace) -> None:
        class HostProvisioning(shop.HostInactive, lifecycle=[PROVISIONING]):  # type: ignore[name-defined, misc]
            pass

        raw = shop.HostInactive.from_product_id(shop.products["host small"], "customer-1")
        raw.save()
        assert raw.status == INITIAL
        for pk in (raw.subscription_id, make_host(shop).subscription_id):
            with pytest.raises(ValueError, match="not a "):
                taking(HostProvisioning | _other(shop, pk, raw))({"x": pk})

    def test_a_union_of_different_products_is_refused(self, shop: SimpleNamespace) -> None:
        pk = make_host(shop).subscription_id
        with pytest.raises(TypeError, match="not lifecycle variants of one product"):
            taking(shop.Host | shop.Circuit)({"x": pk})
        with pytest.raises(TypeError, match="something else"):
            taking(shop.Host | int)({"x": pk})

    def test_a_subscription_of_another_product_is_refused(self, shop: SimpleNamespace) -> None:
        hosts = [make_host(shop, name) for name in ("alfa", "bravo")]
        circuit = make_circuit(shop, hosts)
        with pytest.raises((ValueError, TypeError)):
            taking(shop.Host)({"x": circuit.subscription_id})
        with pytest.raises(ValueError, match="is a Circuit, not a"):
            taking(shop.Host | shop.HostInactive)({"x": circuit.subscription_id})

    def test_a_class_for_another_status_is_refused_where_that_is_asked_for(
        self, shop: SimpleNamespace, settings: Settings
    ) -> None:
        raw = shop.HostInactive.from_product_id(shop.products["host small"], "customer-1")
        raw.host.host_name = "alfa"
        raw.save()
        settings.LIFECYCLE_VALIDATION_MODE = "strict"
        with pytest.raises(ValueError, match="for which HostInactive is meant"):
            taking(shop.Host)({"x": raw.subscription_id})
        settings.LIFECYCLE_VALIDATION_MODE = "ignored"
        assert type(taking(shop.Host)({"x": raw.subscription_id})) is shop.Host


class TestBlocks:
    """A block comes with the subscription that owns it, so that a step may change and return it."""

    def test_a_block_is_loaded_anew_in_the_shape_for_its_subscription(self, shop: SimpleNamespace) -> None:
        host = make_host(shop, "alfa")
        dump = to_json(host.host)
        host.host.host_name = "bravo"
        host.save()
        for annotation in (shop.HostBlock, shop.HostBlockInactive, shop.HostBlock | shop.LegBlock, ProductBlockModel):
            block = taking(annotation)({"x": dump})
            assert (type(block), block.host_name) == (shop.HostBlock, "bravo")
        assert taking(shop.HostBlock | None)({"x": None}) is None

    def test_what_a_step_returns_of_it_is_saved_with_its_subscription(self, shop: SimpleNamespace) -> None:
        host = make_host(shop, "alfa")
        block = taking(shop.HostBlock)({"x": to_json(host.host)})
        block.host_name = "bravo"
        save_models(find_models({"block": block}))
        assert SubscriptionModel.from_subscription(host.subscription_id).host.host_name == "bravo"

    def test_one_in_another_shape_or_that_is_gone_is_refused(self, shop: SimpleNamespace) -> None:
        raw = shop.HostInactive.from_product_id(shop.products["host small"], "customer-1")
        raw.save()
        dump = to_json(raw.host)
        with pytest.raises(ValueError, match="is a HostBlockInactive, not a HostBlock"):
            taking(shop.HostBlock)({"x": dump})
        with pytest.raises(ValueError, match=f"has no block {SOME} any more"):
            taking(shop.HostBlockInactive)({"x": {**dump, "subscription_instance_id": str(SOME)}})
        with pytest.raises(ValueError, match="Expected a product block as its model dumps it, got str"):
            taking(shop.HostBlock)({"x": "Host"})
        with pytest.raises(TypeError, match="something else"):
            taking(shop.HostBlock | shop.Host)({"x": dump})


def _other(shop: SimpleNamespace, pk: UUID, raw: Any) -> Any:
    """Return the class that does not belong to the status of `pk`."""
    return shop.Host if pk == raw.subscription_id else shop.HostInactive


@pytest.mark.django_db(transaction=True)
def test_a_form_that_asks_for_what_the_state_lacks_says_so(start: StartWorkflow) -> None:
    """Conformance 54."""

    @inputstep("Ask", assignee="NOC")
    def ask(speed: int) -> FormGenerator:
        class Ask(FormPage):
            name: str

        page = yield Ask
        return page.model_dump()

    @workflow("Asks too much")
    def asks_too_much() -> StepList:
        return init >> ask >> done

    process = start(asks_too_much)
    with pytest.raises(KeyError, match=r"Could not find key 'speed' in state. for function .*\.ask"):
        resume_process(process.pk, [{"name": "x"}])
    assert Process.every.get(pk=process.pk).last_status == "suspended"
