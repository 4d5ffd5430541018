"""The parts of the frame that know the apps."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse

from wfo_site.menu import entries_for

register = template.Library()


@register.inclusion_tag("components/main_menu.html", takes_context=True)
def main_menu(context: template.Context, part_of: str = "") -> dict[str, Any]:
    """List the parts of the site that this user may enter, the current one marked.

    `part_of`: the URL name of the entry that a page belongs to where its own address does not tell, as with a task
    that is shown at the address of any process.
    """
    path = reverse(part_of) if part_of else context["request"].path
    return {"items": entries_for(context["user"], path)}
