"""Reads the JSON schema of a page into a tree of fields, for matchers, templates and the decoder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from workflows.forms.errors import JsonSchema

# How often a model may stand inside itself before its field becomes plain JSON text.
MAX_RECURSION = 2


class _Missing:
    """There is no value; None is one."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing()


@dataclass(frozen=True)
class Option:
    """One choice: what is posted, and what a person reads."""

    value: Any
    label: str

    @property
    def text(self) -> str:
        """How the value is written in HTML."""
        return option_text(self.value)


def option_text(value: object) -> str:
    match value:
        case True:
            return "true"
        case False:
            return "false"
        case None:
            return ""
        case _:
            return str(value)


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a page, of a nested model, or the prototype of a list's items (whose `key` is empty).

    `types` are the JSON types that a value may have, without null; more than one for a union of plain values.
    `extra` is what the schema says beyond JSON schema (`extraProperties`, `uniforms`).
    """

    key: str
    title: str = ""
    description: str = ""
    types: tuple[str, ...] = ()
    format: str = ""
    required: bool = False
    nullable: bool = False
    read_only: bool = False
    default: Any = MISSING
    const: Any = MISSING
    options: tuple[Option, ...] = ()
    properties: tuple[Field, ...] = ()
    item: Field | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    schema: Mapping[str, Any] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """The JSON type; "union" of several plain ones, "any" where the schema says none."""
        return self.types[0] if len(self.types) == 1 else "union" if self.types else "any"

    @property
    def min_items(self) -> int:
        return int(self.schema.get("minItems") or 0)

    @property
    def max_items(self) -> int | None:
        limit = self.schema.get("maxItems")
        return None if limit is None else int(limit)

    @property
    def is_choice_list(self) -> bool:
        """A list of which each item is one of a few known values."""
        return self.type == "array" and self.item is not None and bool(self.item.options)

    @property
    def is_display(self) -> bool:
        """Shows something and takes no input."""
        return self.format in DISPLAY_FORMATS


DISPLAY_FORMATS = frozenset({"label", "divider", "hidden", "callout", "markdown", "summary", "subscription"})


def parse_page(schema: JsonSchema) -> tuple[Field, ...]:
    """Return the fields of a page in their order. `$ref`, `allOf`, `anyOf` and `oneOf` are resolved.

    Of a union of plain values all types are kept; of a union of models the first is offered, as other clients do.
    """
    return _Parser(schema.get("$defs") or {}).properties(schema, ())


class _Parser:
    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self.definitions = definitions

    def properties(self, schema: Mapping[str, Any], stack: tuple[str, ...]) -> tuple[Field, ...]:
        required = set(schema.get("required") or ())
        return tuple(
            self.field(key, part, stack, required=key in required)
            for key, part in (schema.get("properties") or {}).items()
        )

    def field(self, key: str, raw: Mapping[str, Any], stack: tuple[str, ...], *, required: bool) -> Field:
        schema, stack, nullable = self.resolve(raw, stack)
        extra = {**_mapping(schema.get("uniforms")), **_mapping(schema.get("extraProperties"))}
        types = _types(schema)
        recursive = any(stack.count(name) > MAX_RECURSION for name in stack)
        is_object = types == ("object",) and not recursive and bool(schema.get("properties"))
        items = schema.get("items")
        is_list = types == ("array",) and isinstance(items, dict) and not recursive
        if (types in {("object",), ("array",)}) and not (is_object or is_list):
            types = ()
        return Field(
            key=key,
            # The title of a definition names a class; the field is called by its key.
            title=str(raw.get("title") or (key.replace("_", " ").title() if key else schema.get("title") or "")),
            description=str(schema.get("description") or ""),
            types=types,
            format=str(schema.get("format") or ""),
            required=required,
            nullable=nullable,
            read_only=bool(schema.get("readOnly") or extra.get("disabled")),
            default=schema.get("default", MISSING),
            const=schema.get("const", MISSING),
            options=tuple(_options(schema)),
            properties=self.properties(schema, stack) if is_object else (),
            item=self.field("", items, stack, required=True) if is_list and isinstance(items, dict) else None,
            extra=extra,
            schema=schema,
        )

    def resolve(self, raw: Mapping[str, Any], stack: tuple[str, ...]) -> tuple[dict[str, Any], tuple[str, ...], bool]:
        """Return the schema with references and combinations put in, the references passed, and if null is allowed.

        What stands beside a reference or a combination wins over what it brings: a title, a default, a format.
        """
        schema = dict(raw)
        nullable = False
        while True:
            reference = schema.pop("$ref", None)
            name = str(reference).rpartition("/")[2] if reference is not None else ""
            if reference is not None:
                stack = (*stack, name)
                schema = {**self.definitions.get(name, {}), **schema}
                continue
            if parts := schema.pop("allOf", None):
                schema = {**_merged(parts), **schema}
                continue
            choices = schema.pop("anyOf", None) or schema.pop("oneOf", None)
            if not choices:
                break
            schema, was_nullable = self._one_of(choices, schema, stack)
            nullable = nullable or was_nullable
        kind = schema.get("type")
        if isinstance(kind, list) and "null" in kind:
            nullable = True
            rest = [item for item in kind if item != "null"]
            schema["type"] = rest[0] if len(rest) == 1 else rest
        return schema, stack, nullable or kind == "null"

    def _one_of(
        self, choices: list[Mapping[str, Any]], beside: dict[str, Any], stack: tuple[str, ...]
    ) -> tuple[dict[str, Any], bool]:
        real = [choice for choice in choices if choice.get("type") != "null"]
        nullable = len(real) < len(choices)
        resolved = [self.resolve(choice, stack)[0] for choice in real]
        plain = [found.get("type") for found in resolved]
        if len(real) > 1 and all(kind in _PLAIN for kind in plain):
            # A choice of plain values: any of their types will do, and none of their formats holds for all.
            return {"type": list(dict.fromkeys(plain)), "unionOf": resolved, **beside}, nullable
        return {**(real[0] if real else {}), **beside}, nullable


_PLAIN = {"string", "integer", "number", "boolean"}


def _merged(parts: list[Mapping[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for part in parts:
        merged.update(part)
    return merged


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    match schema.get("type"):
        case str() as kind:
            return (kind,)
        case list() as kinds:
            return tuple(str(kind) for kind in kinds)
    if values := schema.get("enum") or ([schema["const"]] if "const" in schema else None):
        return tuple(dict.fromkeys(_type_of(value) for value in values))
    return ()


def _type_of(value: object) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case _:
            return "string"


def _options(schema: Mapping[str, Any]) -> Iterator[Option]:
    values = schema.get("enum")
    if values is None and "const" in schema and not schema.get("readOnly"):
        values = [schema["const"]]
    labels = _mapping(schema.get("options"))
    for value in values or ():
        if value is not None:
            yield Option(value, str(labels.get(str(value), value)))
