"""Binds fields to values and errors: what one template of a field kind needs to draw it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as fresh
from typing import Any

from workflows.forms import translations
from workflows.forms.errors import ROOT, FieldError, JsonSchema
from workflows.forms.matchers import match
from workflows.forms.names import join, name_of
from workflows.forms.parsing import MISSING, Field, Option, parse_page
from workflows.forms.wording import beside_field


@dataclass
class Control:
    """One field as it is drawn.

    `name` is what is posted, `id` what labels refer to. A nested model has `children`; a list has `rows`, and a `blank`
    row whose name holds `placeholder` where a new row's number goes.
    """

    field: Field
    name: str
    id: str
    label: str
    help: str
    value: Any
    template: str
    kind: str
    depth: int = 0
    errors: list[str] = fresh(default_factory=list)
    children: list[Control] = fresh(default_factory=list)
    rows: list[Control] = fresh(default_factory=list)
    blank: Control | None = None
    placeholder: str = ""
    disabled: bool = False
    # Which row of a list this is, from 1; 0 for what is no row.
    number: int = 0
    # Inside a model that may be left out: a browser is not to insist, the server knows whether it is there.
    lenient: bool = False

    @property
    def required(self) -> bool:
        return self.field.required and not self.field.nullable

    @property
    def options(self) -> tuple[Option, ...]:
        item = self.field.item
        return item.options if self.field.is_choice_list and item is not None else self.field.options

    @property
    def help_id(self) -> str:
        return f"{self.id}-help"

    @property
    def error_id(self) -> str:
        return f"{self.id}-error"

    @property
    def described_by(self) -> str:
        """The ids of what says more about the control: help first, then what is wrong."""
        return " ".join(part for part, there in ((self.help_id, self.help), (self.error_id, self.errors)) if there)

    @property
    def can_remove_rows(self) -> bool:
        return len(self.rows) > self.field.min_items

    @property
    def can_add_rows(self) -> bool:
        return self.field.max_items is None or len(self.rows) < self.field.max_items

    @property
    def is_fixed_length(self) -> bool:
        return self.field.max_items is not None and self.field.max_items == self.field.min_items

    def walk(self) -> Iterator[Control]:
        """Yield this control and all inside it, without the blank rows."""
        yield self
        for inner in (*self.children, *self.rows):
            yield from inner.walk()


@dataclass
class PageControls:
    """All controls of a page, and what is wrong with it as a whole."""

    controls: list[Control]
    errors: list[str]

    @property
    def flawed(self) -> list[Control]:
        """The controls that have errors, in the order of the page."""
        return [inner for control in self.controls for inner in control.walk() if inner.errors]

    @property
    def error_count(self) -> int:
        return len(self.errors) + sum(len(control.errors) for control in self.flawed)


def bind_page(
    schema: JsonSchema,
    values: Mapping[str, Any],
    errors: Sequence[FieldError] = (),
    *,
    prefix: str = "form",
    language: str = translations.DEFAULT_LANGUAGE,
    disabled: bool = False,
) -> PageControls:
    """Return the controls of a page with its values and errors. `prefix` keeps the ids of two forms on a page apart.

    An error stands at the innermost control that its path leads to; one that leads to none stands above the page.
    """
    binder = _Binder(prefix, language, disabled=disabled)
    controls = [binder.control(field, join("", field.key), values, depth=0) for field in parse_page(schema)]
    page = PageControls(controls, [])
    by_name = {inner.name: inner for control in controls for inner in control.walk()}
    for error in errors:
        _place(error, by_name, page)
    return page


def _place(error: FieldError, by_name: Mapping[str, Control], page: PageControls) -> None:
    path = [part for part in error["loc"] if part != ROOT]
    for length in range(len(path), 0, -1):
        control = by_name.get(name_of(path[:length]))
        # What cannot be seen or changed where it stands is said above the page.
        if control is not None and control.kind != "hidden":
            message = beside_field(error, control.options)
            if message not in control.errors:
                control.errors.append(message)
            return
    said = f"{name_of(path)}: {error['msg']}" if path else error["msg"]
    if said not in page.errors:
        page.errors.append(said)


class _Binder:
    def __init__(self, prefix: str, language: str, *, disabled: bool) -> None:
        self.prefix = prefix
        self.language = language
        self.disabled = disabled

    def control(self, field: Field, name: str, values: Mapping[str, Any], *, depth: int) -> Control:
        """Bind a field of a page or of a model; without a value its default is shown."""
        value = values.get(field.key, MISSING)
        if value is MISSING or field.is_display or field.read_only:
            value = field.const if field.default is MISSING else field.default
        return self.bind(field, name, None if value is MISSING else value, depth=depth)

    def bind(self, field: Field, name: str, value: Any, *, depth: int) -> Control:
        matcher = match(field)
        control = Control(
            field=field,
            name=name,
            id=f"{self.prefix}-{name}",
            label=(translations.label(field.key, self.language) if field.key else "") or field.title,
            help=(translations.help_text(field.key, self.language) if field.key else "") or field.description,
            value=value,
            template=matcher.template,
            kind=matcher.id,
            depth=depth,
            disabled=self.disabled,
        )
        if field.type == "object":
            control.children = self._children(control)
        elif field.type == "array" and field.item is not None and not field.is_choice_list and not field.read_only:
            self._bind_rows(control, field.item, value, depth)
        return control

    def _bind_rows(self, control: Control, item: Field, value: Any, depth: int) -> None:
        given = list(value) if isinstance(value, list) else []
        given += [None] * (control.field.min_items - len(given))
        control.rows = [self._row(control, item, str(index), entry) for index, entry in enumerate(given)]
        control.placeholder = f"__row{depth}__"
        control.blank = self._row(control, item, control.placeholder, None)

    def _children(self, control: Control) -> list[Control]:
        field = control.field
        inside = control.value if isinstance(control.value, Mapping) else {}
        children = [
            self.control(inner, join(control.name, inner.key), inside, depth=control.depth + 1)
            for inner in field.properties
        ]
        if field.nullable:
            for inner in (found for child in children for found in child.walk()):
                inner.lenient = True
        return children

    def _row(self, control: Control, item: Field, key: str, value: Any) -> Control:
        row = self.bind(item, join(control.name, key), value, depth=control.depth + 1)
        # The title of a model names a class; a row is called by its list and its number.
        row.label = control.label
        row.number = int(key) + 1 if key.isdecimal() else len(control.rows) + 1
        return row
