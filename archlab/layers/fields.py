"""Field types shared by the layers: bounded sizes, and PyTorch's "an integer, or one for each axis"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from archlab.layers.shape import AXIS_NAMES

MAX_SIZE = 2**24
"""Bound on channels, features, kernel sizes and the like: far above any network, small enough that
products of a few of them stay cheap integers."""

Positive = Annotated[int, Field(ge=1, le=MAX_SIZE)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]

Sizes = tuple[int, ...]
"""A number for each axis."""
JsonSchema = dict[str, Any]


@dataclass(frozen=True)
class PerAxis:
    """Marks a field with a value for each axis; the class's `rank` says how many there are.

    Attributes:
        read: a written value and the rank to a value for each axis.
        schema: the rank to the JSON Schema of what may be written.
    """

    read: Callable[[Any, int], Any]
    schema: Callable[[int], JsonSchema]


def give_rank(fields: dict[str, FieldInfo], rank: int) -> None:
    """Make the fields of a family those of a class with so many axes: types, defaults and descriptions.

    A default of one value stands for every axis; `{axes}` in a description for their names.
    """
    for field in fields.values():
        marks = [mark for mark in field.metadata if isinstance(mark, PerAxis)]
        for mark in marks:
            place = field.metadata.index(mark)
            made = [BeforeValidator(partial(_read, mark, rank)), WithJsonSchema(mark.schema(rank))]
            field.metadata[place : place + 1] = made
            if isinstance(field.default, tuple):
                field.default *= rank
            if field.description:
                field.description = field.description.replace("{axes}", axes_text(rank))


def _read(mark: PerAxis, rank: int, value: Any) -> Any:
    return mark.read(value, rank)


def axes_text(rank: int) -> str:
    """`[height, width]`."""
    return f"[{', '.join(AXIS_NAMES[rank])}]"


def times_text(rank: int) -> str:
    """`a pair`: as many values as there are axes, where there are several."""
    return {2: "a pair", 3: "three"}[rank]


def listed_schema(item: JsonSchema, count: int) -> JsonSchema:
    """A list of so many."""
    return {"type": "array", "items": item, "minItems": count, "maxItems": count}


def _or_each(item: JsonSchema, rank: int) -> JsonSchema:
    return {"anyOf": [item, listed_schema(item, rank)]}


def _is_whole(value: object, minimum: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= MAX_SIZE


def _to_sizes(minimum: int, value: Any, rank: int) -> Sizes:
    if _is_whole(value, minimum):
        return (value,) * rank
    if isinstance(value, tuple | list) and len(value) == rank and all(_is_whole(v, minimum) for v in value):
        return tuple(value)
    many = f", or {times_text(rank)} of them ({axes_text(rank)})" if rank > 1 else ""
    raise PydanticCustomError(
        "pair",
        "must be a whole number from {minimum} to {maximum}{many}",
        {"minimum": minimum, "maximum": MAX_SIZE, "many": many},
    )


_positive = partial(_to_sizes, 1)
_natural = partial(_to_sizes, 0)

POSITIVE_SCHEMA: JsonSchema = {"type": "integer", "minimum": 1, "maximum": MAX_SIZE}
NATURAL_SCHEMA: JsonSchema = {"type": "integer", "minimum": 0, "maximum": MAX_SIZE}

PositiveSizes = Annotated[Sizes, PerAxis(_positive, partial(_or_each, POSITIVE_SCHEMA))]
NaturalSizes = Annotated[Sizes, PerAxis(_natural, partial(_or_each, NATURAL_SCHEMA))]


def _optional(value: Any, rank: int) -> Sizes | None:
    return None if value is None else _positive(value, rank)


def _or_null(rank: int) -> JsonSchema:
    return {"anyOf": [*_or_each(POSITIVE_SCHEMA, rank)["anyOf"], {"type": "null"}]}


def _any_sizes(value: Any) -> int | Sizes | None:
    if value is None or _is_whole(value, 1):
        return value  # type: ignore[no-any-return]
    if isinstance(value, tuple | list) and len(value) in AXIS_NAMES and all(_is_whole(v, 1) for v in value):
        return tuple(value)
    raise PydanticCustomError(
        "sizes",
        "must be a whole number from 1 to {maximum}, or one for each axis ([height, width] of an image)",
        {"maximum": MAX_SIZE},
    )


def any_listed_schema(item: JsonSchema) -> JsonSchema:
    """A list of one for each axis, however many there are."""
    return {"type": "array", "items": item, "minItems": min(AXIS_NAMES), "maxItems": max(AXIS_NAMES)}


_ANY_SIZES_SCHEMA: JsonSchema = {"anyOf": [POSITIVE_SCHEMA, any_listed_schema(POSITIVE_SCHEMA), {"type": "null"}]}
AnySizes = Annotated[int | Sizes | None, BeforeValidator(_any_sizes), WithJsonSchema(_ANY_SIZES_SCHEMA)]
"""Of a layer for any number of axes: a number for all, or one for each."""

OptionalSizes = Annotated[Sizes | None, PerAxis(_optional, _or_null)]


def _padding(value: Any, rank: int) -> Sizes | str:
    if isinstance(value, str):
        if value in padding_words(rank):
            return value
        many = f", {times_text(rank)}," if rank > 1 else ""
        words = ", ".join(padding_words(rank))
        raise PydanticCustomError("padding", f"must be a whole number{many} or one of: {words}")
    return _natural(value, rank)


SAME_TF = "same_tf"
PADDING_WORDS = ("same", "valid", "auto", SAME_TF)


def _pool_padding(value: Any, rank: int) -> Sizes | str:
    if isinstance(value, str):
        if value == SAME_TF:
            return value
        many = f", {times_text(rank)}," if rank > 1 else ""
        raise PydanticCustomError("pool_padding", f"must be a whole number{many} or {SAME_TF}")
    return _natural(value, rank)


def _pool_padding_schema(rank: int) -> JsonSchema:
    return {"anyOf": [{"enum": [SAME_TF]}, *_or_each(NATURAL_SCHEMA, rank)["anyOf"]]}


PoolPadding = Annotated[Sizes | str, PerAxis(_pool_padding, _pool_padding_schema)]


def padding_words(rank: int) -> tuple[str, ...]:
    """What a convolution's padding may be called; only one axis, time, has causes."""
    return (*PADDING_WORDS, "causal") if rank == 1 else PADDING_WORDS


def _padding_schema(rank: int) -> JsonSchema:
    return {"anyOf": [{"enum": list(padding_words(rank))}, *_or_each(NATURAL_SCHEMA, rank)["anyOf"]]}


ConvPadding = Annotated[Sizes | str, PerAxis(_padding, _padding_schema)]
