"""The field of each golden entry, by the name it has there."""

from __future__ import annotations

import warnings
from datetime import date, datetime
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, EmailStr, Field

from workflows.forms import (
    Accept,
    AcceptItemType,
    Callout,
    Choice,
    ContactPerson,
    ContactPersonName,
    DisplaySubscription,
    Divider,
    Hidden,
    Label,
    ListOfOne,
    ListOfTwo,
    LongText,
    Markdown,
    OrganisationId,
    callout,
    choice_list,
    contact_person_list,
    markdown,
    migration_summary,
    read_only_field,
    read_only_list,
    timestamp,
    unique_conlist,
)

KEY = UUID("e7597014-6b59-4478-b67a-12e4f616f3fe")


class Sub(BaseModel):
    a: int
    b: str = "q"


class MyChoice(Choice):
    a = ("a", "Label A")
    b = ("b", "Label B")


class PlainChoice(Choice):
    a = "a"
    b = "b"


class One(Choice):
    a = ("a", "Only")


class Empty(Choice):
    pass


class Checked(Accept):
    data = [
        ("Intro", AcceptItemType.INFO),
        ("Do it", AcceptItemType.CHECKBOX),
        ("opt", AcceptItemType.OPTIONAL_CHECKBOX),
        ("link", AcceptItemType.URL, {"href": "x"}),
    ]


E = Choice.__call__("E", {"k1": ("k1", "L1"), "k2": ("k2", "L2")})
REQUIRED: Any = ...

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    _contacts = contact_person_list(KEY, "organisation", min_items=1, max_items=2)
    _contacts_by_default = contact_person_list()

# Name of the entry: (annotation, default).
FIELDS: dict[str, tuple[Any, Any]] = {
    "str": (str, REQUIRED),
    "str_optional": (str | None, None),
    "str_default": (str, "dflt"),
    "int": (int, REQUIRED),
    "int_ge_le_multiple": (Annotated[int, Field(ge=1, le=10, multiple_of=2)], REQUIRED),
    "float": (float, REQUIRED),
    "bool": (bool, REQUIRED),
    "bool_default": (bool, False),
    "date": (date, REQUIRED),
    "datetime": (datetime, REQUIRED),
    "UUID": (UUID, REQUIRED),
    "EmailStr": (EmailStr, REQUIRED),
    "IPv4Address": (IPv4Address, REQUIRED),
    "constr_pattern": (Annotated[str, Field(min_length=2, max_length=3, pattern="^a+$")], REQUIRED),
    "Literal": (Literal["a", "b"], REQUIRED),
    "list_str": (list[str], REQUIRED),
    "list_int_len": (Annotated[list[int], Field(min_length=1, max_length=3)], REQUIRED),
    "default_factory_list": (list[str], Field(default_factory=list)),
    "default_factory_list_required_schema_note": (list[str], Field(default_factory=lambda: ["x"])),
    "nested_model": (Sub, REQUIRED),
    "list_of_nested_model": (list[Sub], REQUIRED),
    "Union_int_str": (int | str, REQUIRED),
    "Accept": (Accept, REQUIRED),
    "Accept_subclass_with_data": (Checked, REQUIRED),
    "Choice_labels": (MyChoice, REQUIRED),
    "Choice_plain": (PlainChoice, REQUIRED),
    "Choice_single_member": (One, REQUIRED),
    "Choice_default": (MyChoice, MyChoice.a),
    "Choice_functional": (E, REQUIRED),
    "Choice_empty": (Empty, REQUIRED),
    "choice_list_min1_max2": (choice_list(MyChoice, min_items=1, max_items=2), REQUIRED),
    "choice_list_unique": (choice_list(MyChoice, min_items=2, max_items=2, unique_items=True), REQUIRED),
    "choice_list_nolimit": (choice_list(MyChoice), REQUIRED),
    "unique_conlist": (unique_conlist(str, min_items=1, max_items=3), REQUIRED),
    "contact_person_list": (_contacts, REQUIRED),
    "contact_person_list_defaults": (_contacts_by_default, REQUIRED),
    "ContactPerson": (ContactPerson, REQUIRED),
    "ContactPersonName": (ContactPersonName, REQUIRED),
    "LongText": (LongText, REQUIRED),
    "LongText_default": (LongText, "line\nline"),
    "DisplaySubscription": (DisplaySubscription, KEY),
    "Divider": (Divider, REQUIRED),
    "Label": (Label, REQUIRED),
    "Hidden": (Hidden, REQUIRED),
    "Hidden_default": (Hidden, "secret"),
    "ListOfOne": (ListOfOne[str], REQUIRED),
    "ListOfTwo": (ListOfTwo[MyChoice], REQUIRED),
    "OrganisationId": (OrganisationId, REQUIRED),
    "read_only_field_str": (read_only_field("v"), REQUIRED),
    "read_only_field_int": (read_only_field(3), REQUIRED),
    "read_only_field_float": (read_only_field(1.5), REQUIRED),
    "read_only_field_bool": (read_only_field(default=True), REQUIRED),
    "read_only_field_none": (read_only_field(None), REQUIRED),
    "read_only_field_uuid": (read_only_field(KEY), REQUIRED),
    "read_only_field_strEnum": (read_only_field(AcceptItemType.INFO), REQUIRED),
    "read_only_field_merge_LongText": (read_only_field("multi\nline", LongText), REQUIRED),
    "read_only_list_str": (read_only_list(["a", "b"]), REQUIRED),
    "read_only_list_int": (read_only_list([1, 2]), REQUIRED),
    "read_only_list_empty": (read_only_list([]), REQUIRED),
    "timestamp_default": (timestamp(), REQUIRED),
    "timestamp_full": (
        timestamp(
            show_time_select=False, locale="nl-nl", min=10, max=20, date_format="DD-MM-YYYY", time_format="HH:mm"
        ),
        REQUIRED,
    ),
    "timestamp_novalidate": (timestamp(validate=False, min=10), REQUIRED),
    "migration_summary": (
        migration_summary({"headers": ["Before", "After"], "labels": ["a", "b"], "columns": [["1", "2"], ["3", "4"]]}),
        REQUIRED,
    ),
    "migration_summary_no_headers": (migration_summary({"labels": ["a"], "columns": [["1"]]}), REQUIRED),
    **{
        f"callout_{tone}": (callout(header="H", message="M", message_type=tone), REQUIRED)
        for tone in ("primary", "success", "warning", "danger", "accent")
    },
    "callout_iconless_no_default": (callout(header="H", message="M", icon_type=None), REQUIRED),
    "Callout_bare": (Callout, REQUIRED),
    "markdown": (markdown(content="# Hi\n*x*"), REQUIRED),
    "Markdown_bare": (Markdown, REQUIRED),
}
