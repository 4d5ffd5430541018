"""Parts of pages about subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from subscriptions.customers import CustomerName
from subscriptions.selectors import BlockNode, BlockUser
from wfo_site.common.json import JsonValue

register = template.Library()


@register.simple_tag
def customer(customer_id: str, names: Mapping[str, CustomerName]) -> SafeString:
    """Show a customer by name, with the id in the title; an id that nobody knows as it is."""
    name = names.get(customer_id)
    if name is None:
        return format_html('<code class="clip customer" title="{}">{}</code>', customer_id, customer_id)
    return format_html('<span class="clip customer" title="{}">{}</span>', customer_id, name.fullname)


@register.filter
def words(name: str) -> str:
    """Show the name of an attribute as words: "ims_circuit_id" as "ims circuit id"."""
    return name.replace("_", " ")


@register.filter
def other_users(node: BlockNode) -> list[BlockUser]:
    """Return the blocks of other subscriptions that hold this one."""
    return [user for user in node.in_use_by if user.subscription.subscription_id != node.owner.subscription_id]


@register.filter
def is_wide(value: JsonValue) -> bool:
    """Say whether a value needs a line of its own: trees, long texts and long lists."""
    match value:
        case dict():
            return True
        case list():
            return len(value) > 4 or any(isinstance(item, list | dict) for item in value)
    return len(str(value)) > 120


@register.inclusion_tag("components/value.html")
def value(value: JsonValue) -> dict[str, Any]:
    """Show a value as people read it: texts plain, truth as yes or no, short lists in one line, the rest as a tree."""
    match value:
        case None:
            return {"kind": "none"}
        case bool():
            return {"kind": "truth", "value": value}
        case list() if all(isinstance(item, str | int | float) for item in value):
            return {"kind": "list", "value": [str(item) for item in value]}
        case list() | dict():
            return {"kind": "tree", "value": value}
    return {"kind": "text", "value": str(value)}
