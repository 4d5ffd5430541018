"""The wizard leads through pages, keeps what was typed, and believes nothing that a browser sends."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.http import QueryDict
from django.template import Context, Template
from pydantic import Field

from tests.workflows.forms.browser import posted, posted_by
from wfo_site.common.errors import Conflict, NotFound
from workflows.forms import FormGenerator, FormPage, FormValidationError, SubmitFormPage
from workflows.forms.wizard import ACTION, MAX_TOKEN, ROW, TOKEN, Step, Wizard

PRODUCT = {"product": "e7597014-6b59-4478-b67a-12e4f616f3fe"}


class World:
    """What the form looks at outside of itself."""

    free = 10


def order(state: dict[str, Any]) -> FormGenerator:
    class Product(FormPage):
        product: UUID

    yield Product

    class Port(FormPage):
        name: str
        speed: int = Field(10, le=World.free)
        tags: list[str] = []

    port = yield Port

    class Vlan(SubmitFormPage):
        vlan: int = Field(ge=1)
        note: str = f"for {port.name}"

    vlan = yield Vlan
    return {"asked": state.get("asked"), **port.model_dump(), **vlan.model_dump()}


def wizard(data: QueryDict | None = None, *, form: Any = order, purpose: str = "order:1", **options: Any) -> Wizard:
    options.setdefault("fixed_inputs", [PRODUCT])
    return Wizard(form, {"asked": "by"}, purpose=purpose, posted=data, **options)


def fill(step: Step, *pairs: tuple[str, str], action: str = "next") -> QueryDict:
    return posted((TOKEN, step.token), (ACTION, action), *pairs)


def first() -> Step:
    return wizard().step()


def second() -> Step:
    return wizard(fill(first(), ("name", "p1"), ("speed", "5"))).step()


def test_fixed_pages_are_not_shown() -> None:
    step = first()
    assert (step.kind, step.page_number, step.status) == ("page", 1, 200)
    assert list(step.schema["properties"]) == ["name", "speed", "tags"]
    assert step.has_next
    assert not step.has_previous


def test_pages_follow_each_other_until_the_form_is_complete() -> None:
    step = second()
    assert (step.page_number, step.has_next, step.has_previous) == (2, False, True)
    assert step.schema["properties"]["note"]["default"] == "for p1"
    done = wizard(fill(step, ("vlan", "7"), ("note", "x"))).step()
    assert done.kind == "complete"
    assert done.inputs == [PRODUCT, {"name": "p1", "speed": 5}, {"vlan": 7, "note": "x"}]
    assert done.result == {"asked": "by", "name": "p1", "speed": 5, "tags": [], "vlan": 7, "note": "x"}


def test_refused_page_is_shown_again_with_what_was_typed() -> None:
    step = wizard(fill(first(), ("name", "p1"), ("speed", "fast"))).step()
    assert (step.kind, step.page_number, step.status) == ("page", 1, 422)
    assert [error["loc"] for error in step.errors] == [("speed",)]
    assert step.values == {"name": "p1", "speed": "fast"}


def test_back_keeps_what_was_typed_but_not_defaults() -> None:
    back = wizard(fill(second(), ("vlan", "abc"), ("note", "for p1"), action="previous")).step()
    assert back.page_number == 1
    assert back.values == {"name": "p1", "speed": 5}
    assert back.errors == ()
    again = wizard(fill(back, ("name", "p2"), ("speed", "5"))).step()
    assert again.values == {"vlan": "abc"}
    assert again.schema["properties"]["note"]["default"] == "for p2"


def test_back_on_the_first_page_stays_there() -> None:
    step = wizard(fill(first(), ("name", "p1"), action="previous")).step()
    assert (step.page_number, step.values) == (1, {"name": "p1"})


def test_page_that_is_no_longer_valid_is_shown_again(monkeypatch: pytest.MonkeyPatch) -> None:
    step = second()
    monkeypatch.setattr(World, "free", 1)
    stopped = wizard(fill(step, ("vlan", "7"))).step()
    assert (stopped.kind, stopped.page_number) == ("page", 1)
    assert stopped.values == {"name": "p1", "speed": 5}
    assert stopped.errors[0]["loc"] == ("speed",)


@pytest.mark.parametrize("purpose", ["order:2", "other"])
def test_page_of_another_purpose_begins_anew(purpose: str) -> None:
    step = wizard(fill(second(), ("vlan", "7")), purpose=purpose).step()
    assert (step.page_number, step.status) == (1, 422)
    assert step.errors[0]["type"] == "form_expired"


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "x" * (MAX_TOKEN + 1)])
def test_forged_token_begins_anew(token: str) -> None:
    step = wizard(posted((TOKEN, token), ("vlan", "7"))).step()
    assert step.errors[0]["type"] == "form_expired"


def test_fixed_input_that_is_refused_is_an_error_that_says_why() -> None:
    step = wizard(fixed_inputs=[{"product": "none"}]).step()
    assert (step.kind, step.status) == ("error", 422)
    assert "valid UUID" in step.message


def test_error_of_the_domain_is_said() -> None:
    def form(state: dict[str, Any]) -> FormGenerator:
        raise NotFound("There is no such node")
        yield

    assert wizard(form=form).step().message == "There is no such node"


def test_double_click_has_one_key_and_another_input_another() -> None:
    step = second()
    keys = [wizard(fill(step, ("vlan", vlan))).step().idempotency_key for vlan in ("7", "7", "8")]
    assert keys[0] == keys[1] != keys[2]
    assert wizard(fill(second(), ("vlan", "7"))).step().idempotency_key != keys[0]


def ends_suddenly(state: dict[str, Any]) -> FormGenerator:
    class Page(FormPage):
        name: str
        secret: str = Field(json_schema_extra={"format": "password"})

    page = yield Page
    return {"name": page.name}


def test_next_never_completes_without_a_confirmation() -> None:
    step = wizard(form=ends_suddenly, fixed_inputs=[]).step()
    assert step.has_next
    confirm = wizard(fill(step, ("name", "p1"), ("secret", "s")), form=ends_suddenly, fixed_inputs=[]).step()
    assert (confirm.kind, confirm.is_confirmation, confirm.page_number) == ("page", True, 2)
    assert [(line.label, line.text) for line in confirm.review] == [("Name", "p1"), ("Secret", "••••••••")]
    back = wizard(fill(confirm, action="previous"), form=ends_suddenly, fixed_inputs=[]).step()
    assert back.values == {"name": "p1", "secret": "s"}
    done = wizard(fill(confirm), form=ends_suddenly, fixed_inputs=[]).step()
    assert (done.kind, done.inputs) == ("complete", [{"name": "p1", "secret": "s"}])


def test_form_of_one_page_completes_at_once_where_no_confirmation_is_wanted() -> None:
    step = wizard(form=ends_suddenly, fixed_inputs=[]).step()
    done = wizard(
        fill(step, ("name", "p1"), ("secret", "s")), form=ends_suddenly, fixed_inputs=[], confirm=False
    ).step()
    assert done.kind == "complete"


@pytest.mark.parametrize("form", [None, lambda _state: FormPage])
def test_form_without_fields_is_confirmed_once(form: Any) -> None:
    step = wizard(form=form, fixed_inputs=[]).step()
    assert (step.kind, step.has_next) == ("page", False)
    assert wizard(fill(step), form=form, fixed_inputs=[]).step().kind == "complete"


def test_refusal_of_the_service_is_shown_where_it_belongs() -> None:
    last = wizard(fill(second(), ("vlan", "7")))
    last.step()
    shown = last.refused(FormValidationError("Port", [{"type": "x", "loc": ("name",), "msg": "Taken"}], index=1))
    assert (shown.page_number, shown.values) == (1, {"name": "p1", "speed": 5})
    assert shown.errors[0]["msg"] == "Taken"
    again = wizard(fill(shown, ("name", "p2"), ("speed", "5"))).step()
    assert again.values == {"vlan": 7}


def test_conflict_of_the_service_is_shown_on_the_last_page() -> None:
    last = wizard(fill(second(), ("vlan", "7")))
    last.step()
    shown = last.refused(Conflict("Somebody was faster"))
    assert (shown.kind, shown.page_number, shown.values) == ("page", 2, {"vlan": 7})
    assert shown.errors[0]["msg"] == "Somebody was faster"


def test_draft_is_drawn_again_without_being_judged() -> None:
    step = wizard(fill(second(), ("vlan", "abc"), action="restore")).step()
    assert (step.page_number, step.values, step.errors) == (2, {"vlan": "abc"}, ())
    assert step.is_restored
    assert step.draft_key == first().draft_key != wizard(purpose="order:2").step().draft_key


def test_prefilled_values_are_shown() -> None:
    assert wizard(values={"name": "given"}).step().values == {"name": "given"}


def drawn(step: Step) -> str:
    return Template("{% load forms %}{% form_wizard step submit='Go' %}").render(Context({"step": step}))


def press(step: Step, name: str, value: str, *more: tuple[str, str]) -> Step:
    data = posted_by(drawn(step), button=(name, value))
    for key, text in more:
        data[key] = text
    return wizard(data).step()


def test_rows_come_and_go_without_scripts() -> None:
    step = press(first(), ROW, "add:tags", ("name", "p1"))
    assert step.values == {"name": "p1", "speed": 10, "tags": [None]}
    step = press(step, ROW, "add:tags", ("tags.0", "red"))
    step = press(step, ROW, "add:tags", ("tags.1", "blue"))
    assert step.values["tags"] == ["red", "blue", None]
    step = press(step, ROW, "remove:tags.0")
    assert step.values["tags"] == ["blue"]
    step = press(step, ROW, "remove:tags.0")
    assert step.values["tags"] == []


@pytest.mark.parametrize("change", ["add:", "add:nothing.there.0", "remove:tags.99", "other:tags", "add:speed.1", "x"])
def test_odd_row_changes_are_harmless(change: str) -> None:
    assert press(first(), ROW, change).kind == "page"


def test_form_that_grows_too_large_says_so() -> None:
    big = "".join(chr(33 + index * 7919 % 50_000) for index in range(300_000))
    step = wizard(fill(first(), ("name", big), ("speed", "5"))).step()
    assert step.kind == "error"
    assert "enter less" in step.message
