"""The conversation of forms: next page, refusal, overflow, result, and what crafted input cannot do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, ClassVar
from uuid import UUID

import pytest
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from wfo_site.common.rest.problems import SelfDescribed
from workflows.forms import (
    Choice,
    DisplaySubscription,
    FormGenerator,
    FormNotCompleteError,
    FormOverflowError,
    FormPage,
    FormValidationError,
    Hidden,
    Label,
    SubmitFormPage,
    generate_form,
    post_form,
    read_only_field,
)
from workflows.forms.limits import MAX_DEPTH, MAX_VALUES
from workflows.forms.protocol import Complete, NextPage, error_locale, walk_form

pytestmark = pytest.mark.once

GOLDEN: dict[str, Any] = json.loads(Path(__file__).with_name("golden.json").read_text())["_protocol"]


def two_pages(state: dict[str, Any]) -> FormGenerator:
    class P(FormPage):
        model_config = ConfigDict(title="Two fields")
        meta__: ClassVar[Any] = None

        a: int
        b: int = 2

        @model_validator(mode="after")
        def differ(self) -> P:
            if self.a == self.b:
                raise ValueError("a and b must differ")
            return self

    first = yield P

    class Q(SubmitFormPage):
        model_config = ConfigDict(title="page 2")

        c: str = f"sum {first.a + first.b}"

    second = yield Q
    return {**first.model_dump(), **second.model_dump()}


def plain(errors: list[Any]) -> list[dict[str, Any]]:
    """Exceptions in contexts as text, paths as lists: what JSON makes of them."""
    return [
        {
            **error,
            "loc": list(error["loc"]),
            **({"ctx": {key: str(value) for key, value in error["ctx"].items()}} if "ctx" in error else {}),
        }
        for error in errors
    ]


def ending(inputs: list[Any]) -> dict[str, Any]:
    """Return how the conversation ends, in the words of the golden file."""
    try:
        return {"result": post_form(two_pages, {}, inputs)}
    except FormNotCompleteError as page:
        return {"FormNotCompleteError": {"form": page.form, "meta": page.meta}}
    except FormValidationError as refusal:
        said = {"validator_name": refusal.validator_name, "errors": plain(refusal.errors), "str": str(refusal)}
        return {"FormValidationError": said}
    except FormOverflowError as overflow:
        return {"FormOverflowError": str(overflow)}


@pytest.mark.parametrize("inputs", list(GOLDEN))
def test_conversation_equals_the_golden_one(inputs: str) -> None:
    assert ending(json.loads(inputs)) == GOLDEN[inputs]


def test_next_page_answers_510_with_schema_and_meta() -> None:
    with pytest.raises(FormNotCompleteError) as caught:
        post_form(two_pages, {}, [{"a": 1}])
    body = caught.value.body()
    assert isinstance(caught.value, SelfDescribed)
    assert caught.value.status == 510
    assert body["detail"] == str(body["form"])
    assert {key: body[key] for key in ("type", "title", "status", "meta")} == {  # type: ignore[literal-required]
        "type": "FormNotCompleteError",
        "title": "Form not complete",
        "status": 510,
        "meta": {"hasNext": False},
    }
    json.dumps(body)


def test_form_page_announces_another_page_by_default() -> None:
    class Page(FormPage):
        a: int = 1

    page = generate_form(lambda _state: Page, {}, [])
    assert page is not None
    assert page.meta == {"hasNext": True}


def test_refusal_answers_400_with_every_error_as_json() -> None:
    with pytest.raises(FormValidationError) as caught:
        post_form(two_pages, {}, [{"a": 2}])
    body = caught.value.body()
    assert body["type"] == "FormValidationError"
    assert body["title"] == "Form not valid"
    assert (body["status"], caught.value.status) == (400, 400)
    assert body["detail"].startswith(
        "1 validation error for P\n__root__\n  a and b must differ (type=value_error; error="
    )
    (error,) = body["validation_errors"]
    assert error["loc"] == ["__root__"]
    assert error["ctx"] == {"error": "a and b must differ"}
    json.dumps(body)


def test_overflow_answers_500() -> None:
    with pytest.raises(FormOverflowError) as caught:
        post_form(two_pages, {}, [{"a": 1}, {}, {}])
    assert caught.value.body() == {
        "type": "FormOverflowError",
        "detail": "Did not process all user_inputs (1 remaining)",
        "title": "Internal Server Error",
        "status": 500,
    }


class Generic(Choice):
    A = ("A", "A")
    B = ("B", "B")
    C = ("C", "C")


def suspended(state: dict[str, Any]) -> type[FormPage]:
    class Page(FormPage):
        generic_select: Generic

    return Page


def test_schema_of_a_suspended_step() -> None:
    """Conformance 12."""
    page = generate_form(suspended, {}, [])
    assert page is not None
    assert page.form == {
        "title": "unknown",
        "type": "object",
        "additionalProperties": False,
        "required": ["generic_select"],
        "properties": {"generic_select": {"$ref": "#/$defs/Generic"}},
        "$defs": {"Generic": {"enum": ["A", "B", "C"], "title": "Generic", "type": "string"}},
    }


@pytest.mark.parametrize("value", [123, "D"])
def test_wrong_choice_names_what_was_expected(value: object) -> None:
    """Conformance 13."""
    with pytest.raises(FormValidationError) as caught:
        post_form(suspended, {}, [{"generic_select": value}])
    (error,) = caught.value.body()["validation_errors"]
    assert error["type"] == "enum"
    assert error["loc"] == ["generic_select"]
    assert error["msg"] == "Input should be 'A', 'B' or 'C'"
    assert error["ctx"] == {"expected": "'A', 'B' or 'C'"}
    assert error["input"] == value
    assert error["url"].startswith("https://errors.pydantic.dev/")


def test_unexpected_field_is_refused() -> None:
    """Conformance 16."""
    with pytest.raises(FormValidationError) as caught:
        post_form(suspended, {}, [{"generic_select": "A", "more": 1}])
    assert [(error["type"], error["loc"]) for error in caught.value.errors] == [("extra_forbidden", ("more",))]


@pytest.mark.parametrize("page", [None, 1, "text", [], [1]])
def test_page_that_is_no_object_is_refused(page: object) -> None:
    with pytest.raises(FormValidationError) as caught:
        post_form(suspended, {}, [page])
    assert caught.value.errors[0]["loc"] == ("__root__",)


def test_field_called_self_is_only_an_unexpected_field() -> None:
    with pytest.raises(FormValidationError) as caught:
        post_form(suspended, {}, [{"generic_select": "A", "self": 1}])
    assert caught.value.errors[0]["type"] == "extra_forbidden"


class Price(BaseModel):
    article: str
    price: int = Field(100, frozen=True)
    amount: int = Field(frozen=True)


class Frozen(FormPage):
    label: Label = "Text"
    hidden: Hidden = "secret"
    subscription: DisplaySubscription = UUID("e7597014-6b59-4478-b67a-12e4f616f3fe")
    total: int = Field(5, frozen=True, alias="sum")
    made: list[int] = Field(default_factory=lambda: [1], frozen=True, validation_alias=AliasChoices("one", "two"))
    single: Price
    several: list[Price] = []
    maybe: Price | None = None
    constant: read_only_field(3) = 3  # type: ignore[valid-type]


def test_crafted_post_cannot_alter_frozen_fields() -> None:
    """Conformance 185: a field that is only shown keeps its value, under any name and in nested models."""
    price = {"article": "x", "price": 0, "amount": 2}
    forged = {
        "label": "other",
        "hidden": "other",
        "subscription": "30dd431f-95a2-4c01-bd4d-edc7f301fa6c",
        "sum": 0,
        "two": [9],
        "single": price,
        "several": [price],
        "maybe": price,
    }
    result = post_form(lambda _state: Frozen, {}, [forged])
    honest = {"article": "x", "price": 100, "amount": 2}
    assert str(result.pop("subscription")) == "e7597014-6b59-4478-b67a-12e4f616f3fe"
    assert result == {
        "label": "Text",
        "hidden": "secret",
        "total": 5,
        "made": [1],
        "single": honest,
        "several": [honest],
        "maybe": honest,
        "constant": 3,
    }


def test_read_only_field_refuses_another_value() -> None:
    with pytest.raises(FormValidationError) as caught:
        post_form(lambda _state: Frozen, {}, [{"single": {"article": "x", "amount": 1}, "constant": 4}])
    assert caught.value.errors[0]["type"] == "literal_error"


def nested(depth: int) -> Any:
    value: Any = "end"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "kind"),
    [(nested(1_000), "too_deep"), (nested(100_000), "too_deep"), (["x"] * 10_000, "too_many_values")],
    ids=["depth 1,000", "depth 100,000", "10,000 items"],
)
def test_excessive_input_is_refused_before_any_code_of_the_form(value: Any, kind: str) -> None:
    def form(state: dict[str, Any]) -> FormGenerator:
        raise AssertionError("the form was called")
        yield

    with pytest.raises(FormValidationError) as caught:
        post_form(form, {}, [{"generic_select": value}])
    assert caught.value.status == 400
    assert caught.value.errors[0]["type"] == kind
    assert len(json.dumps(caught.value.body())) < 1_000


def test_input_within_the_limits_is_taken() -> None:
    class Page(FormPage):
        items: list[str]
        deep: Any = None

    given = {"items": ["x"] * (MAX_VALUES - MAX_DEPTH - 5), "deep": nested(MAX_DEPTH - 2)}
    assert post_form(lambda _state: Page, {}, [given]) == given


def test_state_of_the_caller_is_left_alone() -> None:
    state: dict[str, Any] = {"list": []}

    def form(state: dict[str, Any]) -> FormGenerator:
        state["list"].append(1)
        page = yield suspended(state)
        assert state["generic_select"] == page.generic_select
        return {}

    post_form(form, state, [{"generic_select": "A"}])
    assert state == {"list": []}


def test_form_is_closed_when_it_asks_for_another_page() -> None:
    closed: list[bool] = []

    def form(state: dict[str, Any]) -> FormGenerator:
        try:
            yield suspended(state)
        finally:
            closed.append(True)
        return {}

    assert isinstance(walk_form(form, {}, []), NextPage)
    assert closed == [True]


def test_no_form_takes_any_input() -> None:
    assert walk_form(None, {}, [{}]) == Complete({})


def test_errors_speak_the_language_asked_for() -> None:
    with pytest.raises(FormValidationError) as caught:
        post_form(suspended, {}, [{}], locale=error_locale("nl"))
    assert caught.value.errors[0]["msg"] == "Veld vereist"
    assert [error_locale(language) for language in ("de-DE", "en_GB", "xx", "", None)] == [
        "de_DE",
        "en_US",
        "en_US",
        "en_US",
        "en_US",
    ]


def test_value_that_json_cannot_hold_is_said_as_text() -> None:
    class Page(FormPage):
        amount: Annotated[float, Field(gt=0)]

    with pytest.raises(FormValidationError) as caught:
        post_form(lambda _state: Page, {}, [{"amount": float("nan")}])
    assert caught.value.body()["validation_errors"][0]["input"] == "nan"


def test_public_surface_needs_no_django() -> None:
    code = (
        "import workflows.forms, sys; assert 'workflows.models' not in sys.modules; print(len(workflows.forms.__all__))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env={"PATH": ""})
    assert ran.returncode == 0, ran.stderr


def test_only_one_module_imports_the_library() -> None:
    root = Path(__file__).parents[3]
    users = [
        path.relative_to(root).as_posix()
        for package in ("workflows", "wfo_site", "products", "subscriptions", "scheduling")
        for path in (root / package).rglob("*.py")
        if any(
            line.startswith(("import pydantic_forms", "from pydantic_forms")) for line in path.read_text().split("\n")
        )
    ]
    assert users == ["workflows/forms/protocol.py"]
