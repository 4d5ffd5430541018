"""The last page of a form: what was filled in, in tables, beside what it was before where something is modified.

page = yield InputPage
values = extract_user_input(page)
yield from base_summary(product_name, values, old_values)
return values
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NotRequired, TypeAlias, TypedDict, get_args
from uuid import UUID

from pydantic import BaseModel, ConfigDict, create_model
from pydantic.fields import FieldInfo

from workflows.forms.protocol import (
    Callout,
    Choice,
    Divider,
    FormGenerator,
    Markdown,
    MigrationSummary,
    SubmitFormPage,
    migration_summary,
    read_only_field,
)

Values: TypeAlias = Mapping[str, Any]
# The new values and, where there were any, the old ones.
Item: TypeAlias = tuple[Values, Values | None]
# Yields label and value of each line that a value becomes.
Formatter: TypeAlias = Callable[[Any], Iterable[tuple[str, Any]]]

PRODUCT_TABLE = "product_summary"
# Keys of an item that say which number its table has: the first as it is, the second counted from zero.
TABLE_NUMBER_FIELD = "__table_number"
ENDPOINT_NUMBER_FIELD = "endpoint_nr"

# Formatters for fields of these names in all tables; product packages add their own.
DEFAULT_FORMATTERS: dict[str, Formatter] = {}

_DISPLAY_MODELS = tuple(get_args(shown)[0] for shown in (Callout, Markdown, MigrationSummary))
_SHOWN_ONLY = ("label_", "divider_", "form_info_", "action_choice_")


class TableOptions(TypedDict):
    """One table: `data` holds an item for each column, or for each table where there is something to compare."""

    name: str
    data: NotRequired[Sequence[Item]]
    single_column: NotRequired[bool]
    empty_message: NotRequired[str]
    # Names of fields that are left out.
    exclude: NotRequired[Collection[str]]
    formatter: NotRequired[Mapping[str, Formatter]]
    # The heading of a column from its number.
    header: NotRequired[Callable[[int], str]]


class SummaryOptions(TypedDict):
    """A whole summary page. `after_product` are fields such as a callout: name to (type, default)."""

    product_name: str
    product: TableOptions
    after_product: NotRequired[Mapping[str, tuple[Any, Any]]]
    tables: NotRequired[Sequence[TableOptions]]


def generate_summary_form(options: SummaryOptions) -> FormGenerator:
    """Yield the page of a summary. Raises ValueError for a table of which only some items have old values."""
    fields: dict[str, Any] = dict(_table_fields(options["product"], 1))
    fields.update(options.get("after_product", {}))
    for number, table in enumerate(options.get("tables", ()), start=2):
        fields.update(_table_fields(table, number))

    class Titled(SubmitFormPage):
        model_config = ConfigDict(title=f"{options['product_name']} Summary")

    yield create_model("SummaryFormPage", __base__=Titled, **fields)
    return {}


def base_summary(
    product_name: str, new_data: Values, old_data: Values | None = None, tables: Sequence[TableOptions] = ()
) -> FormGenerator:
    """Yield a summary of one set of values, beside the old ones where given, and of further `tables`."""
    product: TableOptions = {"name": PRODUCT_TABLE, "data": [(new_data, old_data)]}
    return generate_summary_form({"product_name": product_name, "product": product, "tables": tables})


def create_summary_form(user_input: Values, product_name: str, fields: Iterable[str]) -> FormGenerator:
    """Yield a summary of the named fields of what was filled in."""
    return base_summary(product_name, {name: user_input[name] for name in fields})


def create_table(options: TableOptions, *, show_headers: bool = True) -> Any:
    """Return the field type of one table that has a column for each item."""
    items = [new for new, _ in options.get("data", ())]
    headers = [_header(options, number, str(number)) for number in range(1, len(items) + 1)] if show_headers else []
    return _table(options, items, headers)


def make_table_data(new_data: Sequence[Values], old_data: Sequence[Values | None] | None = None) -> list[Item]:
    """Pair new items with their old ones, or with None; raises ValueError when their numbers differ."""
    return list(zip(new_data, old_data if old_data is not None else [None] * len(new_data), strict=True))


def extract_user_input(page: BaseModel, exclude_types: Collection[Any] = ()) -> dict[str, Any]:
    """Return the values of a page without the fields that only show something; `exclude_types` names further types."""
    shown_only = {name for name, field in type(page).model_fields.items() if _shows_only(field, exclude_types)}
    return {name: value for name, value in page.model_dump().items() if name not in shown_only}


def exclude_summary_fields(values: Values, names: Collection[str]) -> dict[str, Any]:
    """Return `values` without some fields that the workflow needs and the summary does not show."""
    return {name: value for name, value in values.items() if name not in names}


def customer_name_summary_field(get_customer_name: Callable[[Any], str]) -> Formatter:
    """Return a formatter that shows a customer by name."""

    def formatter(value: Any) -> Iterator[tuple[str, str]]:
        yield "customer_id", get_customer_name(value)

    return formatter


def select_list_summary(field_name: str) -> Formatter:
    """Return a formatter that shows a list on one line."""

    def formatter(value: Sequence[Any] | None) -> Iterator[tuple[str, str]]:
        yield field_name, ", ".join(_text(item) for item in value or ())

    return formatter


def subscription_summary_fields(subscription_id: UUID | str) -> Iterator[tuple[str, str]]:
    """Yield the lines that tell which subscription an id stands for; "-" where it does not exist."""
    from subscriptions.models import Subscription

    row = Subscription.objects.filter(subscription_id=subscription_id).values_list("description", flat=True).first()
    yield "subscription_id", str(subscription_id)
    yield "description", row or "-"


def _shows_only(field: FieldInfo, excluded: Collection[Any]) -> bool:
    if isinstance(field.annotation, type) and issubclass(field.annotation, _DISPLAY_MODELS):
        return True
    return _format(field.json_schema_extra) in {"label", "divider"} | {
        _format(getattr(part, "json_schema_extra", None)) for shown in excluded for part in get_args(shown)
    } - {""}


def _format(extra: object) -> str:
    return str(extra.get("format", "")) if isinstance(extra, Mapping) else ""


def _table_fields(options: TableOptions, number: int) -> Iterator[tuple[str, tuple[Any, Any]]]:
    yield f"divider_{number}", (Divider, None)
    items = options.get("data", ())
    compared = {bool(old) for _, old in items}
    if len(compared) > 1:
        raise ValueError(
            f"Inconsistent table data in {options['name']!r}: either all items have old values or none has"
        )
    if not items:
        message = options.get("empty_message", "no data")
        yield options["name"], (read_only_field(message), message)
    elif True in compared:
        yield from _numbered(options, _compared)
    elif options.get("single_column"):
        yield from _numbered(options, _single)
    else:
        yield options["name"], (create_table(options, show_headers=number > 1), None)


def _numbered(
    options: TableOptions, table_of: Callable[[TableOptions, int, Item], Any]
) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Yield a table for each item, numbered; that of the product is the only one of its kind and has no number."""
    for position, item in enumerate(options.get("data", ()), start=1):
        number = table_number(item[0], position)
        name = options["name"] if options["name"] == PRODUCT_TABLE else f"{options['name']} {number}"
        yield name, (table_of(options, number, item), None)


def table_number(item: Values, default: int) -> int:
    """Return the number of an item's table: one that the item brings, else its position."""
    if ENDPOINT_NUMBER_FIELD in item:
        return int(item[ENDPOINT_NUMBER_FIELD]) + 1
    return int(item.get(TABLE_NUMBER_FIELD, default))


def _compared(options: TableOptions, number: int, item: Item) -> Any:
    new, old = item
    headers = [_header(options, number, "Before"), _header(options, number, "After")]
    return _table(options, [{key: (old or {}).get(key) for key in new}, new], headers)


def _single(options: TableOptions, number: int, item: Item) -> Any:
    return _table(options, [item[0]], [_header(options, number, "")] if "header" in options else [])


def _header(options: TableOptions, number: int, default: str) -> str:
    make = options.get("header")
    return make(number) if make is not None else default


def _table(options: TableOptions, items: Sequence[Values], headers: list[str]) -> Any:
    columns = [dict(_lines(item, options)) for item in items]
    labels = list(dict.fromkeys(label for column in columns for label in column))
    return migration_summary(
        {
            "labels": labels,
            "columns": [[column.get(label, "") for label in labels] for column in columns],
            "headers": headers,
        }
    )


def _lines(item: Values, options: TableOptions) -> Iterator[tuple[str, str]]:
    formatters = {**DEFAULT_FORMATTERS, **options.get("formatter", {})}
    hidden = {TABLE_NUMBER_FIELD, *options.get("exclude", ())}
    for name, value in item.items():
        if name in hidden or name.startswith(_SHOWN_ONLY):
            continue
        if (formatter := formatters.get(name)) is not None:
            yield from ((label, _text(shown)) for label, shown in formatter(value))
        else:
            yield name, _text(value)


def _text(value: Any) -> str:
    """Return a value as a table shows it: nothing for what is not there, the label of a choice, a list by commas."""
    match value:
        case None | [] | {} | ():
            return ""
        case Choice():
            return str(value.label)
        case list() | tuple():
            return ", ".join(_text(item) for item in value)
    return str(value)
