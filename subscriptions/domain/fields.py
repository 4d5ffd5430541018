"""Tell the attributes that hold blocks from those that hold values, by reading a model's annotations once."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, get_args, get_origin

from annotated_types import Len, MaxLen, MinLen
from pydantic.fields import FieldInfo
from typing_extensions import TypeAliasType

if TYPE_CHECKING:
    from subscriptions.domain.base import DomainModel
    from subscriptions.domain.blocks import ProductBlockModel


@dataclass(frozen=True)
class BlockField:
    """An attribute that holds a block, or a list of blocks.

    `key` is its name in the database (the alias where there is one). `blocks` are the classes it takes, several for a
    union. `min_length` and `max_length` bound a list; max None is unbounded.
    """

    name: str
    key: str
    blocks: tuple[type[ProductBlockModel], ...]
    is_list: bool
    optional: bool
    min_length: int = 0
    max_length: int | None = None

    def accepts(self, block: object) -> bool:
        return isinstance(block, self.blocks)

    def items(self, value: Any) -> list[ProductBlockModel]:
        """Return the blocks in the attribute's value, none for None."""
        if value is None:
            return []
        return list(value) if self.is_list else [value]


@dataclass(frozen=True)
class ValueField:
    """An attribute that holds a plain value: a resource type of a block, or a fixed input of a subscription."""

    name: str
    key: str
    annotation: Any


@dataclass(frozen=True)
class Fields:
    """The attributes that a model declares beside those that every model has, inherited ones included."""

    blocks: dict[str, BlockField]
    values: dict[str, ValueField]


@dataclass
class _Shape:
    blocks: list[type[ProductBlockModel]]
    others: int = 0
    is_list: bool = False
    optional: bool = False
    min_length: int = 0
    max_length: int | None = None


def read_fields(cls: type[DomainModel], *, common: frozenset[str]) -> Fields:
    """Sort the fields of `cls` into blocks and values, leaving out those named in `common`.

    Raises TypeError for a union of blocks and plain values.
    """
    blocks: dict[str, BlockField] = {}
    values: dict[str, ValueField] = {}
    for name, info in cls.model_fields.items():
        if name in common:
            continue
        key = info.alias or name
        if field := _block_field(cls, name, key, info):
            blocks[name] = field
        else:
            values[name] = ValueField(name, key, info.annotation)
    return Fields(blocks, values)


def _block_field(cls: type[DomainModel], name: str, key: str, info: FieldInfo) -> BlockField | None:
    shape = _Shape([])
    _bound(shape, info.metadata)
    _read(info.annotation, shape)
    if not shape.blocks:
        return None
    if shape.others:
        raise TypeError(f"{cls.__name__}.{name} mixes blocks and plain values; use one or the other")
    return BlockField(name, key, tuple(shape.blocks), shape.is_list, shape.optional, shape.min_length, shape.max_length)


def _read(annotation: Any, shape: _Shape) -> None:
    if isinstance(annotation, TypeVar):
        annotation = annotation.__bound__
    origin = get_origin(annotation)
    if isinstance(annotation, TypeAliasType):
        _read(annotation.__value__, shape)
    elif origin is Annotated:
        inner, *metadata = get_args(annotation)
        _bound(shape, metadata)
        _read(inner, shape)
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            if member is type(None):
                shape.optional = True
            else:
                _read(member, shape)
    elif origin is list and _holds_blocks(get_args(annotation)[0]):
        shape.is_list = True
        _read(get_args(annotation)[0], shape)
    elif is_block_type(annotation):
        shape.blocks.append(annotation)
    else:
        shape.others += 1


def _holds_blocks(annotation: Any) -> bool:
    shape = _Shape([])
    _read(annotation, shape)
    return bool(shape.blocks)


def _bound(shape: _Shape, metadata: list[Any]) -> None:
    for mark in metadata:
        match mark:
            case Len():
                shape.min_length, shape.max_length = mark.min_length, mark.max_length
            case MinLen():
                shape.min_length = mark.min_length
            case MaxLen():
                shape.max_length = mark.max_length
            case FieldInfo():
                _bound(shape, mark.metadata)


def is_block_type(annotation: Any) -> bool:
    return isinstance(annotation, type) and bool(getattr(annotation, "_is_product_block_", False))
