"""Small parts of every page: icons, badges, times, ids, JSON, sortable headers and page links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import template
from django.http import QueryDict
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from wfo_site.common.listing import ListPage

register = template.Library()

# Beyond this a date says more than a number of days.
_LONG_AGO = timedelta(days=30)
# Stands where there is no value.
DASH = "\N{EN DASH}"

# Which of the five tones a state has. Words of all layers meet here, so that one state looks the same everywhere.
_TONES = {
    "good": {"active", "completed", "complete", "success", "in sync", "running engine", "true", "enabled"},
    "bad": {"failed", "aborted", "abort", "inconsistent_data", "api_unavailable", "out of sync", "end of life"},
    "wait": {
        "suspended",
        "suspend",
        "waiting",
        "awaiting_callback",
        "migrating",
        "phase out",
        "paused",
        "pausing",
        "late",
    },
    "busy": {"running", "created", "resumed", "provisioning", "initial", "pending", "pre production"},
    "calm": {"terminated", "disabled", "skipped", "false", "deleted"},
}
_TONE_OF = {state: tone for tone, states in _TONES.items() for state in states}
_ICON_OF_TONE = {"good": "check", "bad": "alert-triangle", "wait": "hourglass", "busy": "activity", "calm": "minus"}
_TARGET_TONES = {
    "CREATE": "good",
    "MODIFY": "busy",
    "TERMINATE": "bad",
    "SYSTEM": "calm",
    "VALIDATE": "wait",
    "RECONCILE": "accent",
}


def tone_of(state: object) -> str:
    """Return good, bad, wait, busy or calm for the text of a state; calm when it is unknown."""
    return _TONE_OF.get(str(state).lower(), "calm")


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Show an icon of the sprite: decoration, or with `label` a picture that says something by itself."""
    href = f"{static('icons/sprite.svg')}#{name}"
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="{}"/></svg>', label, href)
    return format_html('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}"/></svg>', href)


@register.simple_tag
def status_badge(state: object, text: str = "") -> SafeString:
    """Show a state as a badge: words, tone and a sign, so that colour is never the only difference."""
    value = str(state)
    shown = text or value.replace("_", " ")
    tone = tone_of(value)
    return format_html(
        '<span class="badge-state tone-{}" data-status="{}">{}{}</span>', tone, value, icon(_ICON_OF_TONE[tone]), shown
    )


@register.simple_tag
def insync_badge(insync: bool) -> SafeString:
    """Show whether a subscription is in sync."""
    if insync:
        return status_badge("in sync")
    return format_html(
        '<span class="badge-state tone-bad" data-status="out of sync">{}out of sync</span>', icon("lock")
    )


@register.simple_tag
def target_badge(target: object) -> SafeString:
    """Show what a workflow does: CREATE, MODIFY, TERMINATE, VALIDATE, RECONCILE or SYSTEM."""
    value = str(target).upper()
    return format_html(
        '<span class="badge-target tone-{}">{}</span>', _TARGET_TONES.get(value, "calm"), value.capitalize()
    )


@register.simple_tag
def ago(when: datetime | None, empty: str = DASH) -> SafeString:
    """Show how long ago something was; the exact time stands in the title, and app.js keeps the words fresh."""
    if when is None:
        return format_html('<span class="muted">{}</span>', empty)
    local = timezone.localtime(when)
    full = f"{date_format(local, 'j M Y, H:i:s')} {local.tzname()}"
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>', when.isoformat(), full, relative(when, timezone.now())
    )


@register.simple_tag
def moment(when: datetime | None, empty: str = DASH) -> SafeString:
    """Show when something was as a date and time, and how long ago that is beside it."""
    if when is None:
        return ago(None, empty)
    local = timezone.localtime(when)
    exact = f"{date_format(local, 'j M Y, H:i')} {local.tzname()}"
    if abs(timezone.now() - when) >= _LONG_AGO:
        return format_html('<time datetime="{}">{}</time>', when.isoformat(), exact)
    return format_html('{} <span class="muted nowrap">({})</span>', exact, ago(when))


def relative(when: datetime, now: datetime) -> str:
    """Return "just now", "5 min ago", "in 2 h", "3 days ago" or, beyond 30 days, the date."""
    seconds = int((now - when).total_seconds())
    size = abs(seconds)
    if size < 45:
        return "just now" if seconds >= 0 else "in a moment"
    if size >= _LONG_AGO.total_seconds():
        return date_format(timezone.localtime(when), "j M Y")
    for unit, length in (("day", 86400), ("h", 3600), ("min", 60)):
        if size >= length or unit == "min":
            number = max(1, round(size / length))
            break
    words = f"{number} {unit}{'s' if unit == 'day' and number != 1 else ''}"
    return f"{words} ago" if seconds >= 0 else f"in {words}"


@register.filter
def duration(seconds: float | None) -> str:
    """Show seconds as "40 ms", "0.4 s", "12 s", "3 min 5 s" or "2 h 10 min"."""
    if seconds is None:
        return DASH
    if seconds < 0.095:
        return f"{round(seconds * 1000)} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@register.filter
def whole_words(text: str) -> SafeString:
    """Keep each word of a text on one line while it fits: names such as ams-pe-1 would break at their hyphens."""
    words = str(text).split(" ")
    return format_html_join(" ", "{}", ((_whole(word),) for word in words))


def _whole(word: str) -> str:
    return format_html('<span class="word">{}</span>', word) if "-" in word else word


@register.inclusion_tag("components/id.html")
def short_id(value: UUID | str | None, url: str = "", label: str = "id") -> dict[str, Any]:
    """Show the end of an id that tells rows apart, with a button that copies the whole.

    Ids begin with their time, so neighbours share their first half; the last group is what differs.
    """
    text = str(value or "")
    return {"value": text, "shown": f"{text[:8]}…{text[-4:]}" if len(text) > 16 else text, "url": url, "label": label}


@register.inclusion_tag("components/id.html")
def full_id(value: UUID | str | None, label: str = "id") -> dict[str, Any]:
    """Show an id whole, where there is room for it, with a button that copies it."""
    text = str(value or "")
    return {"value": text, "shown": text, "label": label}


@register.inclusion_tag("components/json_tree.html")
def json_tree(value: object, open_levels: int = 1) -> dict[str, Any]:
    """Show JSON as nested lists that open and close; the first `open_levels` are open."""
    return {"value": value, "kind": _json_kind(value), "levels": open_levels, "items": _json_items(value)}


def _json_kind(value: object) -> str:
    match value:
        case Mapping():
            return "object"
        case list() | tuple():
            return "array"
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case _:
            return "string"


def _json_items(value: object) -> list[tuple[object, object, str]]:
    match value:
        case Mapping():
            return [(key, item, _json_kind(item)) for key, item in value.items()]
        case list() | tuple():
            return [(index, item, _json_kind(item)) for index, item in enumerate(value)]
        case _:
            return []


@register.filter
def unlocalize_number(value: float) -> str:
    """Show a number as JSON writes it: no thousands separators, because it may be an id."""
    return str(value)


@register.filter
def minus(value: int, other: int) -> int:
    return value - other


@register.inclusion_tag("components/sort_header.html", takes_context=True)
def sort_header(
    context: template.Context, field: str, text: str, target: str = "#list", cls: str = ""
) -> dict[str, Any]:
    """Head a column that sorts: a link that keeps the rest of the query and returns to page one."""
    page: ListPage[Any] = context["page"]
    ascending = page.sort == field
    current = page.sort.lstrip("-") == field
    return {
        "text": text,
        "class": cls,
        "target": target,
        "url": link(context["request"].GET, sort=f"-{field}" if ascending else field, page=None),
        "direction": ("ascending" if ascending else "descending") if current else "",
    }


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: object) -> str:
    """Return the current query string with some keys changed; None or empty takes a key away."""
    return link(context["request"].GET, **changes)


def link(params: QueryDict, **changes: object) -> str:
    """Return "?…" with `changes` made to `params`; "?" alone when nothing is left."""
    result = params.copy()
    for key, value in changes.items():
        if value is None or value == "":
            result.pop(key, None)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            result.setlist(key, [str(item) for item in value])
        else:
            result[key] = str(value)
    return f"?{result.urlencode()}"


@register.inclusion_tag("components/pagination.html", takes_context=True)
def pagination(context: template.Context, target: str = "#list") -> dict[str, Any]:
    """Link to the other pages of the list in `page`, and offer other page lengths."""
    page: ListPage[Any] = context["page"]
    params: QueryDict = context["request"].GET
    return {
        "page": page,
        "target": target,
        "numbers": [(number, link(params, page=number)) if number else (None, "") for number in page.numbers],
        "previous": link(params, page=page.number - 1) if page.has_previous else "",
        "next": link(params, page=page.number + 1) if page.has_next else "",
        "lengths": [(length, link(params, per=length, page=None)) for length in page.lengths],
    }
