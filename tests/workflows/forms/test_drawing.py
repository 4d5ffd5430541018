"""What is drawn says what it is, where it is wrong, and nothing that a text smuggles in."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Annotated, Any

import pytest
from django.template import Context, Template
from django.test import override_settings
from pydantic import BaseModel, Field, create_model, model_validator

from tests.workflows.forms.showcase import Few, Steps, Window, everything
from workflows.forms import (
    Choice,
    FormPage,
    FormValidationError,
    Label,
    ListOfTwo,
    SubmitFormPage,
    callout,
    markdown,
    migration_summary,
    post_form,
    read_only_field,
    timestamp,
    unique_conlist,
)
from workflows.forms import translations as texts
from workflows.forms.controls import Control, PageControls, bind_page
from workflows.forms.decoding import Ticks
from workflows.forms.markdown_text import render
from workflows.forms.protocol import page_schema, walk_form
from workflows.forms.widgets import attributes, summary_table, text_value, timestamp_limits

EVIL = "<script>alert(1)</script>\"'&"


def draw(page: type[BaseModel], values: dict[str, Any] | None = None, errors: Any = ()) -> str:
    template = Template("{% load forms %}{% form_page schema values errors %}")
    return template.render(Context({"schema": page_schema(page), "values": values or {}, "errors": errors}))


def page_of(**fields: Any) -> type[FormPage]:
    pairs = {name: field if isinstance(field, tuple) else (field, ...) for name, field in fields.items()}
    return create_model("Page", __base__=FormPage, **pairs)


def control(annotation: Any, value: Any = None, default: Any = ...) -> Control:
    return bind_page(page_schema(page_of(f=(annotation, default))), {} if value is None else {"f": value}).controls[0]


def refused(page: type[FormPage], values: dict[str, Any]) -> PageControls:
    """Return the controls of a page after the server refused these values."""
    with pytest.raises(FormValidationError) as caught:
        post_form(lambda _state: page, {}, [values])
    return bind_page(page_schema(page), values, caught.value.errors)


def by_name(page: PageControls) -> dict[str, list[str]]:
    return {control.name: control.errors for control in page.flawed}


class Port(BaseModel):
    name: str
    window: Window | None = None


def test_errors_stand_at_the_innermost_control() -> None:
    page = page_of(
        ports=list[Port], few=list[Few], both=int | str, pair=unique_conlist(int, min_items=1), free=dict[str, int]
    )
    window = {"begin": "2025-01-02", "end": "2025-01-01"}
    found = refused(
        page,
        {"ports": [{"window": window}, {}], "few": ["x"], "both": None, "pair": [1, 1], "free": {"a": "b"}, "more": 1},
    )
    assert by_name(found) == {
        "ports.0.name": ["field required"],
        "ports.0.window": ["The window ends before it begins"],
        "ports.1.name": ["field required"],
        "few": ["Input should be 'red' or 'green'"],
        "both": ["Input should be a valid integer", "Input should be a valid string"],
        "pair": ["List must be unique"],
        "free": ["Input should be a valid integer, unable to parse string as an integer"],
    }
    assert found.errors == ["more: Extra inputs are not permitted"]


def test_error_of_the_page_stands_above_it() -> None:
    class Page(FormPage):
        a: int = 1

        @model_validator(mode="after")
        def never(self) -> Page:
            raise ValueError("These do not go together")

    found = refused(Page, {})
    assert (found.errors, found.error_count) == (["These do not go together"], 1)


class Relations(HTMLParser):
    """Collects ids and what refers to them."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: set[str] = set()
        self.labelled: set[str] = set()
        self.controls: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.ids.append(given["id"])
        self.references |= {
            part for name in ("aria-describedby", "aria-labelledby") for part in given.get(name, "").split()
        }
        if tag == "label":
            self.labelled.add(given["for"])
        if tag in {"input", "select", "textarea"} and given.get("type") != "hidden" and "aria-label" not in given:
            self.controls.add(given.get("id", f"a {tag} without an id"))
        for name in ("style", "onclick"):
            assert name not in given, f"{tag} has {name}"


def everything_filled() -> list[tuple[type[BaseModel], dict[str, Any]]]:
    values: list[dict[str, Any]] = [
        {"name": "p1", "email": "a@example.org"},
        {"few": "red", "several": "s1", "colours": ["red"], "steps": "ACCEPTED"},
        {"numbers": [1], "ports": [{"name": "x", "vlans": [{"unit": 1, "tags": ["a"]}]}], "contacts": []},
    ]
    pages = [walk_form(everything, {}, values[:count]) for count in range(4)]
    return [(found.page, shown) for found, shown in zip(pages, [*values, {}], strict=True)]  # type: ignore[union-attr]


@pytest.mark.django_db
def test_every_control_has_a_label_and_every_reference_leads_somewhere() -> None:
    for page, values in everything_filled():
        errors = [{"type": "x", "loc": (name,), "msg": "Wrong"} for name in page.model_fields]
        found = Relations()
        found.feed(draw(page, values, errors).replace("<template", "<div").replace("</template", "</div"))
        assert len(found.ids) == len(set(found.ids))
        assert found.references <= set(found.ids)
        assert found.controls <= found.labelled
        assert found.labelled <= set(found.ids)


def test_wrong_control_is_marked_and_described_by_its_message() -> None:
    page = page_of(name=Annotated[str, Field(description="As on the invoice")])
    html = draw(page, {"name": "x"}, [{"type": "x", "loc": ("name",), "msg": "Taken"}])
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="form-name-help form-name-error"' in html
    assert "Taken" in html


def test_texts_are_escaped_wherever_they_stand() -> None:
    page = page_of(
        title=Annotated[str, Field(title=EVIL, description=EVIL)],
        label=(Label, EVIL),
        note=callout(header=EVIL, message=EVIL),
        text=markdown(content=EVIL),
        fixed=read_only_field(EVIL),
        table=migration_summary({"headers": [EVIL, EVIL], "labels": [EVIL], "columns": [[EVIL], ["x"]]}),
        free=dict[str, str],
        some=list[str],
    )
    html = draw(
        page,
        {"title": EVIL, "free": {EVIL: EVIL}, "some": [EVIL]},
        [{"type": "x", "loc": ("title",), "msg": EVIL}, {"type": "x", "loc": (EVIL,), "msg": EVIL}],
    )
    assert "<script" not in html


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (Annotated[int, Field(ge=0, le=10)], {"min": "0", "max": "10", "step": "1"}),
        (Annotated[int, Field(gt=0, lt=10)], {"min": "1", "max": "9", "step": "1"}),
        (Annotated[int, Field(ge=1, multiple_of=5)], {"min": "5", "step": "5"}),
        (Annotated[float, Field(ge=0.5)], {"min": "0.5", "step": "any"}),
        (Annotated[str, Field(min_length=2, max_length=3)], {"minlength": "2", "maxlength": "3"}),
        (Annotated[str, Field(pattern="^a+$")], {"pattern": "a+"}),
        (Annotated[str, Field(pattern="a")], {}),
    ],
)
def test_limits_are_told_to_the_browser(annotation: Any, expected: dict[str, str]) -> None:
    found = attributes(control(annotation))
    limits = {
        name: found[name] for name in ("min", "max", "step", "minlength", "maxlength", "pattern") if name in found
    }
    assert limits == expected


def test_optional_model_does_not_let_the_browser_insist() -> None:
    drawn = control(Window | None, default=None)
    assert attributes(drawn.children[0])["required"] is False
    assert attributes(control(Window).children[0])["required"] is True


@override_settings(TIME_ZONE="Europe/Amsterdam")
def test_moments_are_shown_in_the_time_zone_of_the_site() -> None:
    assert text_value(control(timestamp(), 0)) == "1970-01-01T01:00"
    assert text_value(control(timestamp(show_time_select=False), 90_061)) == "1970-01-02"
    assert text_value(control(timestamp(), "soon")) == "soon"
    assert timestamp_limits(control(timestamp(min=0, max=90_061))) == {"max": "1970-01-02T02:01:01"} | {
        "min": "1970-01-01T01:00"
    }


def test_list_shows_as_many_rows_as_it_must_have() -> None:
    pair = control(ListOfTwo[str], ["a"])
    assert [row.name for row in pair.rows] == ["f.0", "f.1"]
    assert pair.is_fixed_length
    assert not pair.can_add_rows
    assert not pair.can_remove_rows
    assert pair.blank is not None
    assert pair.blank.name == "f.__row0__"


def test_frozen_fields_show_their_default_whatever_was_typed() -> None:
    assert control(Label, "forged", default="kept").value == "kept"
    assert control(read_only_field(3), 4).value == 3


def test_ticked_boxes_stay_ticked_on_a_refused_page() -> None:
    page = page_of(f=Steps)
    html = draw(page, {"f": Ticks.of("INCOMPLETE", frozenset({2}))})
    assert html.count(" checked") == 1
    assert draw(page, {"f": "ACCEPTED"}).count(" checked") == 2


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "JAVASCRIPT:alert(1)", " javascript:x", "data:text/html,x", "http://["]
)
def test_link_of_a_checklist_leads_nowhere_dangerous(href: str) -> None:
    class Linked(Steps):
        data = [["Read this", "url", {"href": href}]]

    assert "href=" not in draw(page_of(f=Linked)).replace("use href", "")


def test_summary_marks_what_changes() -> None:
    table = migration_summary(
        {"headers": ["Before", "After"], "labels": ["a", "b"], "columns": [["1", "2"], ["1", "3"]]}
    )
    rows = summary_table(control(table, default=None))["rows"]
    assert [row["changed"] for row in rows] == [False, True]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# Title #", "<h3>Title</h3>"),
        ("one\ntwo\n\nthree", "<p>one\ntwo</p>\n<p>three</p>"),
        ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
        ("1. a\n2) b", "<ol><li>a</li><li>b</li></ol>"),
        ("**a** _b_ *c*", "<p><strong>a</strong> <em>b</em> <em>c</em></p>"),
        ("snake_case_name 2*3*4", "<p>snake_case_name 2*3*4</p>"),
        ("`**x** <b>`", "<p><code>**x** &lt;b&gt;</code></p>"),
        ("```\n<b>\n```", "<pre><code>&lt;b&gt;</code></pre>"),
        ("[a](https://x.org/?a=1&b=2)", '<p><a href="https://x.org/?a=1&amp;b=2" rel="noopener noreferrer">a</a></p>'),
        ("[a](javascript:alert)", "<p>[a](javascript:alert)</p>"),
        ("[a](//evil.org)", "<p>[a](//evil.org)</p>"),
        ("", ""),
    ],
)
def test_markdown(text: str, html: str) -> None:
    assert render(text) == html


@pytest.mark.parametrize("text", ["*" * 5_000, "[" * 5_000, "x`" * 5_001, "_a" * 5_000, "**a" * 3_000, "- " * 5_000])
def test_odd_markdown_takes_no_time(text: str) -> None:
    assert len(render(text)) >= len(text)


@pytest.fixture
def translated(tmp_path: Path) -> Any:
    def write(language: str, content: object) -> None:
        (tmp_path / f"{language}.json").write_text(content if isinstance(content, str) else json.dumps(content))

    write("en-GB", {"forms": {"fields": {"port_mode": "Mode of the port", "port_mode_info": "How it carries VLANs"}}})
    write("nl-NL", {"forms": {"fields": {"port_mode": "Poortmodus"}}})
    write("de-DE", "[1]")
    write("fr-FR", "{")
    with override_settings(TRANSLATIONS_DIR=tmp_path):
        texts.translations.cache_clear()
        yield
    texts.translations.cache_clear()


def test_labels_come_from_translations(translated: None) -> None:
    html = draw(page_of(port_mode=str, speed=int))
    assert "Mode of the port" in html
    assert "How it carries VLANs" in html
    assert "Speed" in html


def test_other_languages_fall_back_to_english(translated: None) -> None:
    assert texts.label("port_mode", "nl-NL") == "Poortmodus"
    assert texts.help_text("port_mode", "nl-NL") == "How it carries VLANs"
    assert texts.label("unknown_field_name", "nl-NL") == ""
    for language in ("de-DE", "fr-FR", "xx-XX", "../../etc", "nl"):
        assert texts.translations(language) == {}


def test_buttons_say_what_the_page_wants() -> None:
    class Page(SubmitFormPage):
        meta__ = {"hasNext": False, "customButtons": {"next": {"text": "Order now", "color": "danger"}}}

        a: int = 1

    from workflows.forms.wizard import Wizard

    step = Wizard(lambda _state: Page, {}, purpose="x").step()
    html = Template("{% load forms %}{% form_wizard step %}").render(Context({"step": step}))
    assert "Order now" in html
    assert "btn-danger" in html


def test_a_choice_that_is_gone_is_not_told_by_ids() -> None:
    ports = Choice.__call__("Ports", [("17", ("17", "ethernet-1/1")), ("18", ("18", "ethernet-1/2"))])
    assert by_name(refused(page_of(port=ports), {"port": "19"})) == {
        "port": ["Not one of the choices, or not any more; choose again"]
    }
