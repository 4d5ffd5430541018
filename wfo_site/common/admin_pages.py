"""What the admin pages of all apps share: rows that code or workflows make, links between objects, readable JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db.models import CharField, Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString

M = TypeVar("M", bound=Model)

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline
else:
    # Django's classes cannot be subscripted at run time.
    class ModelAdmin(admin.ModelAdmin):
        def __class_getitem__(cls, _item: object) -> type:
            return cls

    class TabularInline(admin.TabularInline):
        def __class_getitem__(cls, _item: object) -> type:
            return cls


NOTHING = "-"


class StructureAdmin(ModelAdmin[M]):
    """Rows that are made elsewhere. People change the fields in `editable` only, each by a named column.

    Saving names its columns, so that a page that stood open for an hour does not write back what was true then.
    """

    editable: tuple[str, ...] = ()
    list_per_page = 50
    show_full_result_count = False
    # The only texts that people edit here are descriptions.
    formfield_overrides = {CharField: {"widget": AdminTextareaWidget(attrs={"rows": 3})}}

    def get_readonly_fields(self, request: HttpRequest, obj: M | None = None) -> list[str]:
        shown = flatten_fieldsets(self.get_fieldsets(request, obj))
        return [str(name) for name in shown if name not in self.editable]

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return bool(self.editable) and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: M, form: Any, change: bool) -> None:  # noqa: ARG002
        if fields := [name for name in form.changed_data if name in self.editable]:
            obj.save(update_fields=fields)


class ShownInline(TabularInline[Any, Any]):
    """Rows of another table, shown and not changed."""

    extra = 0
    can_delete = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:  # noqa: ARG002
        return [str(name) for name in self.fields or ()]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


def link(row: Model | None, text: object = None) -> SafeString | str:
    """Return a link to the admin page of `row`; plain text where it has none."""
    if row is None:
        return NOTHING
    try:
        address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    except NoReverseMatch:
        return str(text or row)
    return format_html('<a href="{}">{}</a>', address, text or row)


def links(rows: Iterable[Model]) -> SafeString | str:
    """Return links to all rows, separated by commas."""
    return format_html_join(", ", "{}", ((link(row),) for row in rows)) or NOTHING


def link_to_list(table: type[Model], text: object, **filters: object) -> SafeString:
    """Return a link to the admin list of `table`, narrowed by `filters` (lookup=value)."""
    address = reverse(f"admin:{table._meta.app_label}_{table._meta.model_name}_changelist")
    query = urlencode({name: str(value) for name, value in filters.items()})
    return format_html('<a href="{}?{}">{}</a>', address, query, text)


def pretty_json(value: object) -> SafeString | str:
    """Return JSON over several lines, keys in order of the alphabet."""
    if value in (None, {}, []):
        return NOTHING
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str))
