"""Draws forms from their JSON schema: `{% load forms %}`, then `{% form_page … %}` or `{% form_wizard step … %}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.forms.utils import flatatt
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from workflows.forms import translations, widgets
from workflows.forms.controls import Control, bind_page
from workflows.forms.errors import FieldError, JsonSchema
from workflows.forms.markdown_text import render
from workflows.forms.parsing import option_text
from workflows.forms.pickers import describe, picker_url
from workflows.forms.review import said
from workflows.forms.wizard import ACTION, ROW, TOKEN, Step

register = template.Library()

_CALLOUT_ICONS = {"success": "circle-check", "warning": "alert-triangle", "danger": "alert-triangle"}
_TONES = {"primary": "busy", "success": "good", "warning": "wait", "danger": "bad", "accent": "accent"}


@register.simple_tag
def form_assets() -> SafeString:
    """Link the stylesheet and the script that forms need; belongs in the head of a page that may show one."""
    return format_html(
        '<link rel="stylesheet" href="{}"><script src="{}" type="module"></script>',
        static("css/forms.css"),
        static("js/forms.js"),
    )


@register.inclusion_tag("forms/page.html")
def form_page(
    schema: JsonSchema,
    values: Mapping[str, Any] | None = None,
    errors: Sequence[FieldError] = (),
    prefix: str = "form",
    language: str = translations.DEFAULT_LANGUAGE,
) -> dict[str, Any]:
    """Draw all fields of a page, without the form around them."""
    return {"page": bind_page(schema, values or {}, errors, prefix=prefix, language=language), "row_button": ROW}


@register.inclusion_tag("forms/wizard.html", takes_context=True)
def form_wizard(  # noqa: PLR0917 - a template tag has positional arguments
    context: template.Context,
    step: Step,
    submit: str = "Submit",
    cancel: str = "",
    action: str = "",
    prefix: str = "wizard",
    language: str = translations.DEFAULT_LANGUAGE,
    target: str = "",
) -> dict[str, Any]:
    """Draw a page of a wizard: its fields, buttons, and what travels with it.

    `submit` is the text of the last page's button, `cancel` an address to leave to, `action` where to post to. With
    `target`, the selector of what the answer replaces, HTMX posts it; without scripts the browser does.
    """
    buttons = step.meta.get("customButtons") or {}
    forward, back = buttons.get("next") or {}, buttons.get("previous") or {}
    return {
        "step": step,
        "page": bind_page(step.schema, step.values, step.errors, prefix=prefix, language=language),
        "prefix": prefix,
        "cancel": cancel,
        "action": action,
        "target": target,
        "forward_text": forward.get("text") or ("Next" if step.has_next else submit),
        "forward_icon": "arrow-right" if step.has_next else "",
        "forward_tone": forward.get("color") or "primary",
        "back_text": back.get("text") or "Back",
        "names": {"token": TOKEN, "action": ACTION},
        "row_button": ROW,
        "csrf_token": context.get("csrf_token"),
    }


@register.simple_tag
def control_attributes(control: Control, **more: str | bool) -> SafeString:
    """Write the attributes of a control's input; `name_` stands for names that Python or Django keep for themselves."""
    given = {name.rstrip("_").replace("_", "-"): value for name, value in more.items()}
    return flatatt(widgets.attributes(control, **given))


@register.simple_tag
def timestamp_attributes(control: Control) -> SafeString:
    kind = "datetime-local" if widgets.has_time(control) else "date"
    limits = {"min": False, "max": False, **widgets.timestamp_limits(control)}
    step: str | bool = "1" if len(widgets.text_value(control)) > 16 else False
    return flatatt(widgets.attributes(control, type=kind, **{**limits, "step": step}))


@register.simple_tag
def picker_attributes(control: Control) -> SafeString:
    """Write what the script needs to make a search of the input: where to ask, and what the value is called."""
    offer = describe(control.field.format, control.value)
    return flatatt(
        {
            "data-picker": picker_url(control.field.format, control.field.extra),
            "data-picker-label": offer.label if offer else False,
        }
    )


@register.filter
def text_value(control: Control) -> str:
    return widgets.text_value(control)


@register.filter
def is_chosen(control: Control, option: str) -> bool:
    """Whether the option of this text is the value, or among the values."""
    chosen = control.value if isinstance(control.value, list) else [control.value]
    return any(value is not None and option_text(value) == option for value in chosen)


@register.filter
def checklist(control: Control) -> list[dict[str, Any]]:
    return widgets.checklist(control)


@register.filter
def summary_table(control: Control) -> dict[str, Any]:
    table = widgets.summary_table(control)
    for row in table["rows"]:
        name = row["label"]
        spoken = name.replace("_", " ").capitalize() if name.isidentifier() and name.islower() else name
        row["label"] = translations.label(name) or spoken
    return table


@register.filter
def callout_data(control: Control) -> dict[str, Any]:
    """Return header, message, icon and tone of a callout."""
    data = control.value if isinstance(control.value, Mapping) else {"message": control.value}
    kind = str(data.get("message_type") or "primary")
    return {
        "header": data.get("header") or "",
        "message": data.get("message") or "",
        "icon": _CALLOUT_ICONS.get(kind, "info-circle") if data.get("icon_type") else "",
        "tone": _TONES.get(kind, "busy"),
    }


@register.filter
def markdown_data(control: Control) -> dict[str, Any]:
    """Return the text as HTML and the tone of a piece of Markdown, which is text or {"content", "color"}."""
    data = control.value if isinstance(control.value, Mapping) else {"content": control.value}
    return {"html": render(str(data.get("content") or "")), "tone": _TONES.get(str(data.get("color")), "busy")}


@register.filter
def said_value(control: Control) -> str | list[str]:
    """Return the value of a read-only field in words; a list line by line."""
    if control.value is None:
        return "–"  # noqa: RUF001 - as all pages show nothing
    if isinstance(control.value, list):
        item = control.field.item or control.field
        return [said(item, value) for value in control.value]
    return said(control.field, control.value)


@register.filter
def subscription_text(control: Control) -> str:
    """Return what the subscription of a field is called, or its id."""
    offer = describe("subscriptionId", control.value)
    return offer.label if offer else option_text(control.value)


@register.simple_tag
def time_zone_name() -> str:
    """Name the time zone in which moments are typed and shown."""
    return timezone.get_current_timezone_name()
