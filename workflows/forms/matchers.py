"""Chooses the template of a field: an ordered list of questions, of which the first that says yes decides.

A product package puts its own before others when its app is ready:

    from workflows.forms.matchers import register_matcher
    register_matcher("vlan", lambda field: field.format == "vlan", "my_package/vlan.html", before="text")
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from workflows.forms.parsing import Field

Predicate: TypeAlias = Callable[[Field], bool]

RADIO_LIMIT = 3
# Beyond this a list of options is searched, not read.
SEARCH_LIMIT = 50
CHECKBOX_LIMIT = 5


@dataclass(frozen=True)
class Matcher:
    """`template` gets a `control` (workflows.forms.controls.Control)."""

    id: str
    matches: Predicate
    template: str


class DuplicateMatcher(ValueError):
    """Two matchers of one id: the second would hide behind the first."""


def _template(kind: str) -> str:
    return f"forms/fields/{kind}.html"


def _format(*names: str) -> Predicate:
    return lambda field: field.format in names


def _typed(kind: str, *formats: str) -> Predicate:
    return lambda field: field.type == kind and (not formats or field.format in formats)


def _options(low: int, high: int | None) -> Predicate:
    def matches(field: Field) -> bool:
        return field.type != "array" and low <= len(field.options) and (high is None or len(field.options) <= high)

    return matches


def _is_list_of(low: int, high: int | None) -> Predicate:
    def matches(field: Field) -> bool:
        count = len(field.item.options) if field.is_choice_list and field.item else 0
        return low <= count and (high is None or count <= high)

    return matches


def _defaults() -> list[Matcher]:
    rules: list[tuple[str, Predicate, str]] = [
        ("label", _format("label"), "label"),
        ("divider", _format("divider"), "divider"),
        ("hidden", _format("hidden"), "hidden"),
        ("callout", _format("callout"), "callout"),
        ("markdown", _format("markdown"), "markdown"),
        ("summary", _format("summary"), "summary"),
        ("subscription", _format("subscription"), "subscription"),
        ("read_only", lambda field: field.read_only, "read_only"),
        ("accept", _format("accept"), "accept"),
        ("timestamp", _format("timestamp"), "timestamp"),
        ("no_choice", lambda field: field.schema.get("enum") == [], "no_choice"),
        ("radio_format", lambda field: field.format == "radio" and bool(field.options), "radio"),
        ("radio", _options(1, RADIO_LIMIT), "radio"),
        ("dropdown", _options(RADIO_LIMIT + 1, SEARCH_LIMIT), "select"),
        ("search", _options(SEARCH_LIMIT + 1, None), "search"),
        ("subscription_picker", _format("subscriptionId"), "picker"),
        ("product_picker", _format("productId"), "picker"),
        ("customer_picker", _format("customerId", "organisationId"), "picker"),
        ("integer", _typed("integer"), "number"),
        ("textarea", _typed("string", "long"), "textarea"),
        ("tristate", lambda field: field.type == "boolean" and field.nullable, "tristate"),
        ("checkbox", _typed("boolean"), "checkbox"),
        ("multicheckbox", _is_list_of(1, CHECKBOX_LIMIT), "checkboxes"),
        ("multiselect", _is_list_of(CHECKBOX_LIMIT + 1, None), "checkboxes"),
        ("object", _typed("object"), "object"),
        ("array", _typed("array"), "array"),
        ("json", _typed("any"), "json"),
        ("float", _typed("number"), "number"),
        ("date", _typed("string", "date"), "date"),
        ("datetime", _typed("string", "date-time"), "datetime"),
        ("time", _typed("string", "time"), "time"),
        ("password", lambda field: field.format == "password" or bool(field.extra.get("password")), "password"),
        ("email", _typed("string", "email"), "email"),
        ("uri", _typed("string", "uri"), "url"),
        ("code", _typed("string", "uuid", "ipv4", "ipv6", "ipvanyaddress", "ipv4network", "ipv6network"), "code"),
        ("cron", lambda field: field.schema.get("title") == "Cron", "cron"),
        ("text", lambda _field: True, "text"),
    ]
    return [Matcher(name, matches, _template(kind)) for name, matches, kind in rules]


_matchers: list[Matcher] = _defaults()


def register_matcher(matcher_id: str, predicate: Predicate, template: str, *, before: str | None = None) -> Matcher:
    """Put a matcher before the one named `before`, or first of all.

    Raises DuplicateMatcher for an id that is taken and LookupError when there is no matcher `before`.
    """
    if any(known.id == matcher_id for known in _matchers):
        raise DuplicateMatcher(f"There is a form matcher {matcher_id!r} already; give yours another id")
    index = 0
    if before is not None:
        ids = [known.id for known in _matchers]
        if before not in ids:
            raise LookupError(f"There is no form matcher {before!r}; there are {', '.join(ids)}")
        index = ids.index(before)
    matcher = Matcher(matcher_id, predicate, template)
    _matchers.insert(index, matcher)
    return matcher


def unregister_matcher(matcher_id: str) -> None:
    """Take a matcher away again, for tests and for packages that replace a default."""
    _matchers[:] = [known for known in _matchers if known.id != matcher_id]


def matchers() -> tuple[Matcher, ...]:
    return tuple(_matchers)


def match(field: Field) -> Matcher:
    """Return the first matcher that takes the field. The last of the defaults takes everything."""
    return next(matcher for matcher in _matchers if matcher.matches(field))
