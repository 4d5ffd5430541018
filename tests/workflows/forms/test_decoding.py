"""What a browser posts becomes the JSON that the schema asks for."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import pytest
from django.template import Context, Template
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, create_model

from tests.workflows.forms.browser import posted, posted_by
from tests.workflows.forms.showcase import Few, Level, Port, Steps, Window
from workflows.forms import Accept, Choice, FormPage, Label, LongText, choice_list, read_only_field, timestamp
from workflows.forms.decoding import decode
from workflows.forms.protocol import page_schema

pytestmark = pytest.mark.once


def decoded(annotation: Any, *pairs: tuple[str, str], default: Any = ...) -> dict[str, Any]:
    page = create_model("Page", __base__=FormPage, f=(annotation, default))
    return decode(page_schema(page), posted(*pairs))


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (int, "12", 12),
        (int, " -3 ", -3),
        (int, "1.5", "1.5"),
        (int, "abc", "abc"),
        (float, "1.5", 1.5),
        (float, "1e400", "1e400"),
        (float, "nan", "nan"),
        (bool, "true", True),
        (str, " as typed ", " as typed "),
        (LongText, "a\r\nb", "a\nb"),
        (UUID, " e7597014-6b59-4478-b67a-12e4f616f3fe ", "e7597014-6b59-4478-b67a-12e4f616f3fe"),
        (date, "2025-02-03", "2025-02-03"),
        (int | str, "7", 7),
        (int | str, "seven", "seven"),
        (Literal[1, 2], "2", 2),
        (Level, "9", 9),
        (Few, "red", "red"),
        (Few, "forged", "forged"),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        (dict[str, int], "{", "{"),
        (Any, "[" * 5_000, "[" * 5_000),
    ],
)
def test_text_becomes_the_type_of_the_schema(annotation: Any, text: str, value: Any) -> None:
    assert decoded(annotation, ("f", text)) == {"f": value}


@pytest.mark.parametrize(
    ("annotation", "default", "expected"),
    [
        (str | None, None, {"f": None}),
        (int | None, 5, {"f": None}),
        (str, "given", {"f": ""}),
        (int, 5, {"f": ""}),
        (str, ..., {}),
        (int, ..., {}),
        (bool, True, {"f": False}),
        (bool | None, True, {"f": None}),
        (list[str], ["a"], {"f": []}),
        (list[str] | None, None, {"f": None}),
        (choice_list(Few), [], {"f": []}),
        (Window | None, None, {"f": None}),
        (dict[str, int] | None, None, {"f": None}),
    ],
)
def test_emptied_field(annotation: Any, default: Any, expected: dict[str, Any]) -> None:
    assert decoded(annotation, ("f", ""), default=default) == expected


@pytest.mark.parametrize("annotation", [str, int, bool, list[str], Few, choice_list(Few), Port, dict[str, int], Steps])
def test_field_that_was_not_posted_keeps_its_default(annotation: Any) -> None:
    assert decoded(annotation, default=None) == {}


@pytest.mark.parametrize("annotation", [Label, read_only_field("x")])
def test_what_is_only_shown_is_never_taken(annotation: Any) -> None:
    assert decoded(annotation, ("f", "forged"), default="x") == {}


def test_constant_that_is_asked_for_is_given() -> None:
    assert decoded(read_only_field(3), ("f", "4")) == {"f": 3}


def test_names_lead_into_lists_and_models() -> None:
    found = decoded(
        list[Port],
        ("f", ""),
        ("f.3.name", "second"),
        ("f.3.enabled", ""),
        ("f.0.name", "first"),
        ("f.0.enabled", ""),
        ("f.0.enabled", "true"),
        ("f.0.vlans.7.unit", "10"),
        ("f.0.vlans.7.tags.0", "a"),
        ("f.0.vlans.7.tags.1", ""),
        ("f.x.name", "no index"),
        ("f.99999999999999999999.name", "no index either"),
    )
    assert found == {
        "f": [
            {"name": "first", "enabled": True, "vlans": [{"unit": 10, "tags": ["a"]}]},
            {"name": "second", "enabled": False},
        ]
    }


def test_optional_model_is_there_when_its_box_is_ticked() -> None:
    fields = (("f", ""), ("f.begin", "2025-01-01"), ("f.end", ""))
    assert decoded(Window | None, *fields) == {"f": None}
    assert decoded(Window | None, ("f", "1"), *fields) == {"f": {"begin": "2025-01-01", "end": None}}


def test_several_boxes_become_a_list_with_the_types_of_the_options() -> None:
    assert decoded(list[Literal[1, 2, 3]], ("f", ""), ("f", "3"), ("f", "1")) == {"f": [3, 1]}


@pytest.mark.parametrize(
    ("ticked", "value"),
    [((2, 3), "ACCEPTED"), ((2,), "INCOMPLETE"), ((), "INCOMPLETE"), ((8,), "ACCEPTED"), ((2, 3, 4), "ACCEPTED")],
)
def test_checklist_is_accepted_when_all_that_must_be_ticked_is(ticked: tuple[int, ...], value: str) -> None:
    found = decoded(Steps, ("f", ""), *((f"f.{index}", "true") for index in ticked))
    assert found == {"f": value}
    assert found["f"].ticked == frozenset(ticked)


def test_checklist_without_lines_has_one_box() -> None:
    assert decoded(Accept, ("f", ""), ("f.0", "true")) == {"f": "ACCEPTED"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-02T00:00", 86_400),
        ("1970-01-02", 86_400),
        ("12", 12),
        ("1970-01-01T01:00:30", 3_630),
        ("soon", "soon"),
    ],
)
def test_moment_becomes_seconds(text: str, expected: Any) -> None:
    assert decoded(timestamp(), ("f", text)) == {"f": expected}


@override_settings(TIME_ZONE="Europe/Amsterdam")
def test_moments_are_typed_in_the_time_zone_of_the_site() -> None:
    assert decoded(datetime, ("f", "2025-01-01T12:00")) == {"f": "2025-01-01T12:00:00+01:00"}
    assert decoded(timestamp(), ("f", "1970-01-01T01:00")) == {"f": 0}


def test_key_with_a_dot_is_one_key() -> None:
    page = create_model("Page", __base__=FormPage, f=(str, Field(alias="a.b~c")))
    schema = page_schema(page)
    assert list(posted_by(drawn(schema, {"a.b~c": "x"})).items()) == [("a~1b~0c", "x")]
    assert decode(schema, posted(("a~1b~0c", "x"))) == {"a.b~c": "x"}


def test_model_that_holds_itself_becomes_text_at_some_depth() -> None:
    found = decoded(Tree, ("f", "1"), ("f.name", "a"), ("f.inner.0", "1"), ("f.inner.0.name", "b"))
    assert found == {"f": {"name": "a", "inner": [{"name": "b"}]}}


class Tree(BaseModel):
    name: str
    inner: list[Tree] = []


def test_names_of_many_dots_cost_nothing() -> None:
    assert decoded(list[str], ("f" + ".0" * 500_000, "x")) == {}


class Colour(Choice):
    RED = ("red", "Red")
    BLUE = ("blue", "Blue")


class Inner(BaseModel):
    whole: int
    part: float | None
    flags: list[bool]
    words: list[str]


class Everything(FormPage):
    text: str
    long: LongText
    maybe: str | None
    whole: int
    part: float
    flag: bool
    tri: bool | None
    colour: Colour
    colours: choice_list(Colour)  # type: ignore[valid-type]
    level: Literal[1, 2] | None
    numbers: list[int]
    inner: Inner
    inners: list[Inner]
    optional: Inner | None
    free: dict[str, int]


def drawn(schema: dict[str, Any], values: dict[str, Any]) -> str:
    """Return the HTML of a page with these values."""
    template = Template("{% load forms %}{% form_page schema values %}")
    return template.render(Context({"schema": schema, "values": values}))


# Browsers post no lone surrogates and no line breaks from a line of text; an empty text is the same as no text.
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)
long_texts = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.just("\n"), min_size=1)
numbers = st.integers(-(10**15), 10**15)
floats = st.floats(allow_nan=False, allow_infinity=False)
inners = st.fixed_dictionaries(
    {
        "whole": numbers,
        "part": st.none() | floats,
        "flags": st.lists(st.booleans(), max_size=3),
        "words": st.lists(texts, max_size=3),
    }
)
pages = st.fixed_dictionaries(
    {
        "text": texts,
        "long": long_texts,
        "maybe": st.none() | texts,
        "whole": numbers,
        "part": floats,
        "flag": st.booleans(),
        "tri": st.none() | st.booleans(),
        "colour": st.sampled_from(["red", "blue"]),
        "colours": st.sampled_from([[], ["red"], ["blue"], ["red", "blue"]]),
        "level": st.none() | st.sampled_from([1, 2]),
        "numbers": st.lists(numbers, max_size=4),
        "inner": inners,
        "inners": st.lists(inners, max_size=3),
        "optional": st.none() | inners,
        "free": st.dictionaries(texts, numbers, max_size=3),
    }
)
SCHEMA = page_schema(Everything)


@settings(max_examples=25, deadline=None)
@given(pages)
def test_what_a_drawn_page_posts_is_read_back_as_it_was(values: dict[str, Any]) -> None:
    found = decode(SCHEMA, posted_by(drawn(SCHEMA, values)))
    assert found == values
    Everything(**found)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.text(alphabet="abfinerst.01~_", max_size=30), st.text(max_size=10)), max_size=20))
def test_any_names_and_texts_are_read_without_an_error(pairs: list[tuple[str, str]]) -> None:
    assert isinstance(decode(SCHEMA, posted(*pairs)), dict)
