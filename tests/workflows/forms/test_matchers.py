"""Each field finds its template, and product packages may put their own before ours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from enum import IntEnum
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AnyUrl, BaseModel, EmailStr, Field, create_model

from tests.workflows.forms.showcase import Few, Many, Several, Steps, Twelve
from workflows.forms import (
    Choice,
    CustomerId,
    DisplaySubscription,
    Divider,
    FormPage,
    Hidden,
    Label,
    LongText,
    OrganisationId,
    ProductId,
    SubscriptionId,
    callout,
    choice_list,
    markdown,
    migration_summary,
    read_only_field,
    read_only_list,
    timestamp,
)
from workflows.forms.matchers import DuplicateMatcher, match, matchers, register_matcher, unregister_matcher
from workflows.forms.parsing import Field as ParsedField
from workflows.forms.parsing import parse_page
from workflows.forms.protocol import page_schema


class Inner(BaseModel):
    a: int


class Level(IntEnum):
    LOW = 1
    HIGH = 2


Nothing = Choice.__call__("Nothing", [])
Cron = Annotated[str, Field(title="Cron")]


def parsed(annotation: Any, default: Any = ...) -> ParsedField:
    return parse_page(page_schema(create_model("Page", __base__=FormPage, f=(annotation, default))))[0]


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (int, "integer"),
        (int | None, "integer"),
        (float, "float"),
        (str, "text"),
        (str | None, "text"),
        (int | str, "text"),
        (bool, "checkbox"),
        (bool | None, "tristate"),
        (LongText, "textarea"),
        (LongText | None, "textarea"),
        (Label, "label"),
        (Divider, "divider"),
        (Hidden, "hidden"),
        (callout(message="x"), "callout"),
        (markdown(content="x"), "markdown"),
        (migration_summary({"labels": [], "columns": []}), "summary"),
        (migration_summary({"labels": [], "columns": []}) | None, "summary"),
        (DisplaySubscription, "subscription"),
        (read_only_field(3), "read_only"),
        (read_only_list([1]), "read_only"),
        (Steps, "accept"),
        (timestamp(), "timestamp"),
        (timestamp() | None, "timestamp"),
        (Few, "radio"),
        (Few | None, "radio"),
        (Literal["a"], "radio"),
        (Level, "radio"),
        (Several, "dropdown"),
        (Annotated[Several, Field(json_schema_extra={"format": "radio"})], "radio_format"),
        (Annotated[Several, Field(json_schema_extra={"format": "productId"})], "dropdown"),
        (Many, "search"),
        (Nothing, "no_choice"),
        (choice_list(Few), "multicheckbox"),
        (choice_list(Twelve), "multiselect"),
        (SubscriptionId, "subscription_picker"),
        (SubscriptionId | None, "subscription_picker"),
        (ProductId, "product_picker"),
        (CustomerId, "customer_picker"),
        (OrganisationId, "customer_picker"),
        (Inner, "object"),
        (Inner | None, "object"),
        (list[int], "array"),
        (list[Inner] | None, "array"),
        (list[SubscriptionId], "array"),
        (dict[str, int], "json"),
        (Any, "json"),
        (tuple[int, str], "json"),
        (date, "date"),
        (datetime, "datetime"),
        (time, "time"),
        (EmailStr, "email"),
        (AnyUrl, "uri"),
        (UUID, "code"),
        (IPv4Address, "code"),
        (Annotated[str, Field(json_schema_extra={"format": "password"})], "password"),
        (Annotated[str, Field(json_schema_extra={"uniforms": {"password": True}})], "password"),
        (Cron, "cron"),
    ],
)
def test_kind_of_field(annotation: Any, kind: str) -> None:
    assert match(parsed(annotation, None)).id == kind


@pytest.fixture
def vlan() -> Iterator[None]:
    register_matcher("vlan", lambda field: field.format == "vlan", "package/vlan.html", before="text")
    yield
    unregister_matcher("vlan")


VLAN = Annotated[str, Field(json_schema_extra={"format": "vlan"})]


def test_package_brings_a_kind_of_its_own(vlan: None) -> None:
    assert match(parsed(VLAN)).template == "package/vlan.html"
    assert [matcher.id for matcher in matchers()][-2:] == ["vlan", "text"]


def test_matcher_without_a_place_comes_first_and_wins() -> None:
    register_matcher("mine", lambda field: field.key == "f", "mine.html")
    try:
        assert match(parsed(int)).id == "mine"
    finally:
        unregister_matcher("mine")
    assert match(parsed(int)).id == "integer"


def test_taken_id_and_unknown_place_are_refused(vlan: None) -> None:
    with pytest.raises(DuplicateMatcher, match="vlan"):
        register_matcher("vlan", lambda _field: True, "x.html")
    with pytest.raises(LookupError, match="nowhere"):
        register_matcher("other", lambda _field: True, "x.html", before="nowhere")


def test_field_knows_what_its_schema_says() -> None:
    found = parsed(Annotated[list[Few], Field(min_length=1, max_length=3, title="Colours", description="Pick.")])
    assert (found.title, found.description, found.min_items, found.max_items) == ("Colours", "Pick.", 1, 3)
    assert found.item is not None
    assert [(option.value, option.label) for option in found.item.options] == [("red", "Red"), ("green", "Green")]


def test_field_of_a_definition_is_called_by_its_key() -> None:
    assert parsed(Few).title == "F"
    page = create_model("Page", __base__=FormPage, port_mode=(Few | None, None))
    (field,) = parse_page(page_schema(page))
    assert (field.title, field.nullable, field.required) == ("Port Mode", True, False)


def test_all_of_is_merged() -> None:
    schema = {
        "properties": {"f": {"allOf": [{"$ref": "#/$defs/A"}, {"maximum": 5}], "default": 3}},
        "$defs": {"A": {"type": "integer", "minimum": 1, "default": 9}},
    }
    (field,) = parse_page(schema)
    assert (field.type, field.schema["minimum"], field.schema["maximum"], field.default) == ("integer", 1, 5, 3)


def test_reference_that_leads_nowhere_is_free_text() -> None:
    (field,) = parse_page({"properties": {"f": {"$ref": "#/$defs/Gone"}}})
    assert match(field).id == "json"
