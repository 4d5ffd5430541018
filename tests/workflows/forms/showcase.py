"""One form with every kind of field, for the tests of this folder and of the browser."""

from __future__ import annotations

from datetime import date, datetime
from enum import IntEnum
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, EmailStr, Field, model_validator

from workflows.forms import (
    Accept,
    Choice,
    CustomerId,
    DisplaySubscription,
    Divider,
    FormGenerator,
    FormPage,
    Hidden,
    Label,
    LongText,
    ProductId,
    SubmitFormPage,
    SubscriptionId,
    callout,
    choice_list,
    customer_contact_list,
    markdown,
    migration_summary,
    read_only_field,
    read_only_list,
    timestamp,
    unique_conlist,
)


class Few(Choice):
    RED = ("red", "Red")
    GREEN = ("green", "Green")


Several = Choice.__call__("Several", [(f"s{n}", (f"s{n}", f"Option {n}")) for n in range(8)])
Many = Choice.__call__("Many", [(f"m{n}", (f"m{n}", f"City {n}")) for n in range(120)])
Twelve = Choice.__call__("Twelve", [(f"t{n}", (f"t{n}", f"Tag {n}")) for n in range(12)])


class Level(IntEnum):
    LOW = 1
    HIGH = 9


class Steps(Accept):
    data = [
        ["Before you go on", "label"],
        ["The port goes down for a minute.", "warning"],
        ["Call the customer", "checkbox"],
        ["Write down the name", ">checkbox"],
        ["Order coffee", "checkbox?"],
        ["Runbook", "url", {"href": "https://example.org/runbook"}],
        ["Ticket", "value", {"value": "NOC-12"}],
        ["", "margin"],
        ["Not needed this time", "skip"],
    ]


class Vlan(BaseModel):
    unit: Annotated[int, Field(ge=0, le=4094)]
    tags: list[str] = []


class Port(BaseModel):
    name: str
    enabled: bool = True
    vlans: Annotated[list[Vlan], Field(max_length=3)] = []


class Window(BaseModel):
    begin: date
    end: date | None = None

    @model_validator(mode="after")
    def ends_after_begin(self) -> Window:
        if self.end and self.end < self.begin:
            raise ValueError("The window ends before it begins")
        return self


def everything(state: dict[str, Any]) -> FormGenerator:
    shown_subscription = state.get("subscription_id")

    class Texts(FormPage):
        model_config = ConfigDict(title="Texts and numbers")

        intro: callout(header="Showcase", message="Every kind of field.", message_type="warning")  # type: ignore[valid-type]
        note: markdown(content="# Read *this*\n- one\n- `two`")  # type: ignore[valid-type]
        about_text: Label = "Text"
        name: Annotated[str, Field(min_length=2, max_length=20, description="As on the invoice.")]
        nickname: str | None = None
        remark: LongText = "first\nsecond"
        email: EmailStr
        key: UUID | None = None
        address: IPv4Address | None = None
        divider_1: Divider
        secret_kept: Hidden = "kept"
        amount: Annotated[int, Field(ge=0, le=100, multiple_of=5)] = 10
        ratio: float = 0.5
        either: int | str = 7
        day: date | None = None
        moment: datetime | None = None
        at: timestamp(min=0) | None = None  # type: ignore[valid-type]
        fixed: read_only_field("cannot change")  # type: ignore[valid-type]
        fixed_list: read_only_list(["a", "b"])  # type: ignore[valid-type]

    texts = yield Texts

    class Choices(FormPage):
        model_config = ConfigDict(title="Choices")

        agreed: bool = False
        maybe: bool | None = None
        few: Few
        level: Level = Level.LOW
        mode: Literal["tagged", "untagged", "qinq", "link"] = "tagged"
        several: Several  # type: ignore[valid-type]
        many: Many | None = None  # type: ignore[valid-type]
        colours: choice_list(Few, min_items=1)  # type: ignore[valid-type]
        labels: choice_list(Twelve) = []  # type: ignore[valid-type]
        steps: Steps

    yield Choices

    class Structures(FormPage):
        model_config = ConfigDict(title="Lists and models")

        if shown_subscription:
            shown: DisplaySubscription = UUID(shown_subscription)
        customer: CustomerId | None = None
        product: ProductId | None = None
        subscription: SubscriptionId | None = None
        others: list[SubscriptionId] = []
        numbers: unique_conlist(int, min_items=1, max_items=3)  # type: ignore[valid-type]
        ports: list[Port] = []
        window: Window | None = None
        contacts: customer_contact_list()  # type: ignore[valid-type]
        settings: dict[str, int] = {}

    structures = yield Structures

    class Summary(SubmitFormPage):
        model_config = ConfigDict(title="Summary")

        summary: migration_summary(  # type: ignore[valid-type]
            {
                "headers": ["Before", "After"],
                "labels": ["name", "ports"],
                "columns": [["-", "0"], [texts.name, str(len(structures.ports))]],
            }
        )

    yield Summary
    return {**texts.model_dump(), **structures.model_dump()}
