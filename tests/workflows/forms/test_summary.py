"""Summaries: Conformance 187."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from workflows.forms import (
    Choice,
    Divider,
    FormPage,
    Hidden,
    Label,
    LongText,
    TableOptions,
    base_summary,
    callout,
    create_summary_form,
    create_table,
    exclude_summary_fields,
    extract_user_input,
    generate_summary_form,
    make_table_data,
    select_list_summary,
)
from workflows.forms.protocol import page_schema


def tables(form: Any) -> dict[str, Any]:
    """Return the data of each table of a summary, the text where there is none."""
    schema = page_schema(next(form))
    shown = {name: part for name, part in schema["properties"].items() if not name.startswith("divider_")}
    return {name: part["uniforms"].get("data", part["uniforms"].get("value")) for name, part in shown.items()}


def test_one_set_of_values_is_one_column() -> None:
    form = base_summary("Port", {"speed": 10, "note": None, "tags": ["a", "b"], "label_x": 1, "divider_1": None})
    assert tables(form) == {
        "product_summary": {"labels": ["speed", "note", "tags"], "columns": [["10", "", "a, b"]], "headers": []}
    }


def test_page_is_a_last_page_named_after_the_product() -> None:
    page = next(base_summary("Port", {"speed": 10}))
    assert page.model_config["title"] == "Port Summary"
    assert page.form_meta() == {"hasNext": False}


def test_old_values_stand_before_the_new_ones() -> None:
    assert tables(base_summary("Port", {"speed": 10, "new": 1}, {"speed": 1, "gone": 2})) == {
        "product_summary": {
            "labels": ["speed", "new"],
            "columns": [["1", ""], ["10", "1"]],
            "headers": ["Before", "After"],
        }
    }


def summary(**table: Any) -> dict[str, Any]:
    options: TableOptions = {"name": "port", **table}  # type: ignore[typeddict-item]
    made = tables(
        generate_summary_form(
            {
                "product_name": "P",
                "product": {"name": "product_summary", "data": [({"a": 1}, None)]},
                "tables": [options],
            }
        )
    )
    del made["product_summary"]
    return made


def test_tables_that_compare_are_numbered() -> None:
    made = summary(data=make_table_data([{"a": 1}, {"a": 2}], [{"a": 0}, {"a": 2}]))
    assert list(made) == ["port 1", "port 2"]
    assert made["port 1"]["columns"] == [["0"], ["1"]]


def test_items_side_by_side_have_a_column_each() -> None:
    made = summary(data=make_table_data([{"a": 1}, {"a": 2, "b": 3}]))
    assert made == {"port": {"labels": ["a", "b"], "columns": [["1", ""], ["2", "3"]], "headers": ["1", "2"]}}


def test_single_column_makes_a_table_for_each_item() -> None:
    made = summary(
        data=make_table_data([{"a": 1}, {"a": 2, "__table_number": 7}, {"endpoint_nr": 3}]), single_column=True
    )
    assert list(made) == ["port 1", "port 7", "port 4"]
    assert made["port 7"] == {"labels": ["a"], "columns": [["2"]], "headers": []}


def test_mixed_old_data_is_refused() -> None:
    with pytest.raises(ValueError, match="Inconsistent table data in 'port'"):
        summary(data=[({"a": 1}, None), ({"a": 2}, {"a": 1})])


def test_table_without_data_says_so_in_its_own_words() -> None:
    assert summary() == {"port": "no data"}
    assert summary(data=[], empty_message="No ports") == {"port": "No ports"}


def test_headings_and_formatters_are_those_of_the_table() -> None:
    def pair(value: Any) -> Iterator[tuple[str, Any]]:
        yield "first", value[0]
        yield "second", value[1]

    data = [({"pair": (1, 2), "list": ["x", "y"], "out": 1}, None)]
    table = create_table(
        {
            "name": "t",
            "data": data,
            "formatter": {"pair": pair, "list": select_list_summary("all")},
            "header": lambda number: f"Port {number}",
            "exclude": {"out"},
        }
    )
    assert table.__origin__.data == {
        "labels": ["first", "second", "all"],
        "columns": [["1", "2", "x, y"]],
        "headers": ["Port 1"],
    }


def test_fields_may_follow_the_product() -> None:
    options: Any = {
        "product_name": "P",
        "product": {"name": "product_summary", "data": [({"a": 1}, None)]},
        "after_product": {"note": (str, "x")},
    }
    assert list(next(generate_summary_form(options)).model_fields) == ["divider_1", "product_summary", "note"]


class Speed(Choice):
    FAST = ("10", "10 Gbit/s")


class Page(FormPage):
    about: Label = "Text"
    line: Divider
    note: callout(message="x")  # type: ignore[valid-type]
    hidden: Hidden = "kept"
    speed: Speed = Speed.FAST
    remark: LongText = "long"


def test_only_named_fields_are_shown_and_choices_by_label() -> None:
    form = create_summary_form(Page().model_dump(), "Port", ["speed"])
    assert tables(form)["product_summary"] == {"labels": ["speed"], "columns": [["10 Gbit/s"]], "headers": []}


def test_user_input_is_what_takes_input() -> None:
    assert extract_user_input(Page()) == {"hidden": "kept", "speed": Speed.FAST, "remark": "long"}
    assert extract_user_input(Page(), exclude_types=[Hidden]) == {"speed": Speed.FAST, "remark": "long"}
    assert exclude_summary_fields({"a": 1, "b": 2}, {"b"}) == {"a": 1}
