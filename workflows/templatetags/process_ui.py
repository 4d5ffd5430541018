"""Small parts of pages about processes: the disc of a workflow's target, the sign of a step's status."""

from __future__ import annotations

from typing import Final

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from products.enums import Target
from wfo_site.common.templatetags.ui import icon

register = template.Library()

_LETTERS: Final = {
    Target.CREATE: "C",
    Target.MODIFY: "M",
    Target.TERMINATE: "T",
    Target.SYSTEM: "S",
    Target.VALIDATE: "V",
    Target.RECONCILE: "R",
}

# Status of a step (or `pending`, `running`): its icon and what it says in words.
_SIGNS: Final = {
    "success": "check",
    "complete": "check",
    "skipped": "player-skip-forward",
    "suspend": "edit",
    "waiting": "hourglass",
    "awaiting_callback": "hourglass",
    "failed": "x",
    "abort": "ban",
}


@register.simple_tag
def target_disc(target: str) -> SafeString:
    """Show what a workflow does as one letter on a coloured disc; the word is there for those who do not see it."""
    known = Target(target) if target in Target.values else Target.SYSTEM
    return format_html(
        '<span class="target-disc target-{}" title="{}"><span aria-hidden="true">{}</span>'
        '<span class="visually-hidden">{}</span></span>',
        known.value.lower(),
        known.label,
        _LETTERS[known],
        known.label,
    )


@register.simple_tag
def step_sign(status: str) -> SafeString:
    """Show the status of a step as an icon, a spinner while it runs; nothing for one that is to come."""
    if status == "running":
        return SafeString('<span class="spinner-border spinner-border-sm step-spinner" aria-hidden="true"></span>')
    return icon(_SIGNS[status]) if status in _SIGNS else SafeString("")


@register.filter
def status_words(status: object) -> str:
    """Show a stored status as words: awaiting_callback becomes awaiting callback."""
    return str(status).replace("_", " ")
