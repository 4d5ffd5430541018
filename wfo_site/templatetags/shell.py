"""The parts of the frame that know the apps."""

from __future__ import annotations

from typing import Any

from django import template

from wfo_site.menu import entries_for

register = template.Library()


@register.inclusion_tag("components/main_menu.html", takes_context=True)
def main_menu(context: template.Context) -> dict[str, Any]:
    """List the parts of the site that this user may enter, the current one marked."""
    request = context["request"]
    return {"items": entries_for(context["user"], request.path)}
