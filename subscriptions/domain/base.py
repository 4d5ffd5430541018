"""What subscription models and block models have in common: validation, lifecycle variants, equality."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, computed_field

from subscriptions.domain.fields import BlockField, Fields, ValueField, read_fields
from subscriptions.domain.lifecycle import is_suited, lookup_specialized_type
from subscriptions.enums import SubscriptionLifecycle
from wfo_site.common.json import JsonValue, to_json

# The item of a generic list type, as in `ListOfPorts = Annotated[list[SI], Len(2, 8)]`.
SI = TypeVar("SI")


class DomainModel(BaseModel):
    """A pydantic model whose attributes are values and blocks, with variants for lifecycle statuses."""

    model_config = ConfigDict(
        validate_assignment=True, validate_default=True, validate_by_name=True, validate_by_alias=True
    )

    __base_type__: ClassVar[type[DomainModel] | None] = None
    __wfo_fields__: ClassVar[Fields | None] = None
    _is_product_block_: ClassVar[bool] = False
    _common_fields_: ClassVar[frozenset[str]] = frozenset()
    # Field name to annotation; what `fields_of` says in the form that existing code reads.
    _product_block_fields_: ClassVar[dict[str, Any]] = {}
    _non_product_block_fields_: ClassVar[dict[str, Any]] = {}

    @classmethod
    def base_type(cls) -> type[Self] | None:
        """Return the class that every lifecycle variant of this product or block descends from; None when abstract."""
        return cls.__base_type__  # type: ignore[return-value]

    @classmethod
    def _prepare(cls, lifecycle: Iterable[SubscriptionLifecycle] | None) -> None:
        """Read the fields of a class just created and check that nested blocks suit its statuses."""
        cls.__wfo_fields__ = None
        if not cls.__pydantic_fields_complete__:
            return
        fields = fields_of(cls)
        for status in lifecycle or ():
            for field in fields.blocks.values():
                for block in field.blocks:
                    if not is_suited(block, status):
                        wanted = lookup_specialized_type(block, status)
                        raise AssertionError(
                            f"The type of field {field.name} of {cls.__name__}, {block.__name__} "
                            f"(based on {(block.__base_type__ or block).__name__}), is not suitable for the lifecycle "
                            f"status ({status.value}) of this model; use {wanted.__name__}"
                        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DomainModel):
            return NotImplemented
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    def stored_values(self) -> dict[str, JsonValue]:
        """Return the plain values as stored: key to JSON, types and order kept, None left out.

        Raises NotJson for a value that JSON cannot hold, naming the attribute.
        """
        fields = fields_of(type(self)).values
        if not fields:
            return {}
        dumped = self.model_dump(mode="json", by_alias=False, include=set(fields), fallback=to_json, warnings="none")
        return {
            field.key: to_json(value, path=name)
            for name, field in fields.items()
            if (value := dumped.get(name)) is not None
        }

    def check_values(self, keys: Iterable[str]) -> None:
        """Validate values that may have been changed in place, which pydantic does not see. Raises ValidationError."""
        wanted = set(keys)
        for name, field in fields_of(type(self)).values.items():
            value = getattr(self, name)
            if field.key in wanted and isinstance(value, list | dict | set):
                type(self).__pydantic_validator__.validate_assignment(self.model_copy(), name, value)


def fields_of(cls: type[DomainModel]) -> Fields:
    """Return the blocks and values that `cls` declares or inherits; read once for each class."""
    known = cls.__dict__.get("__wfo_fields__")
    if known is not None:
        return known  # type: ignore[no-any-return]
    if not cls.__pydantic_fields_complete__:
        cls.model_rebuild()
    fields = read_fields(cls, common=cls._common_fields_)
    cls.__wfo_fields__ = fields
    cls._product_block_fields_ = {field.key: cls.model_fields[name].annotation for name, field in fields.blocks.items()}
    cls._non_product_block_fields_ = {field.key: field.annotation for field in fields.values.values()}
    return fields


def typed_value(cls: type[DomainModel], field: ValueField, text: str) -> Any:
    """Turn the stored text of a fixed input into the type of its attribute. Raises ValidationError when it is none."""
    info = cls.model_fields[field.name]
    adapter: TypeAdapter[Any] = TypeAdapter(info.rebuild_annotation())
    try:
        return adapter.validate_python(text)
    except ValueError as error:
        # Literal[1000] and the like take a number only, never its text.
        try:
            return adapter.validate_json(text)
        except ValueError:
            raise error from None


def serializable_property(function: Callable[[Any], Any]) -> Any:
    """Make a method a property that is part of `model_dump()`; the older name of pydantic's `computed_field`."""
    if "return" not in getattr(function, "__annotations__", {}):
        return computed_field(return_type=Any)(property(function))
    return computed_field(property(function))


__all__ = ["SI", "BlockField", "DomainModel", "ValueField", "fields_of", "serializable_property", "typed_value"]
