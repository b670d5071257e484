"""Field types shared by the layers: bounded sizes, and PyTorch's "an integer or a pair"."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

MAX_SIZE = 2**24
"""Bound on channels, features, kernel sizes and the like: far above any network, small enough that
products of a few of them stay cheap integers."""

Positive = Annotated[int, Field(ge=1, le=MAX_SIZE)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]

PairValue = tuple[int, int]


def _pair_schema(item: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 2, "maxItems": 2}]}


def _is_whole(value: object, minimum: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= MAX_SIZE


def _to_pair(value: Any, minimum: int) -> PairValue:
    if _is_whole(value, minimum):
        return (value, value)
    if isinstance(value, tuple | list) and len(value) == 2 and all(_is_whole(v, minimum) for v in value):
        return (value[0], value[1])
    raise PydanticCustomError(
        "pair",
        "must be a whole number from {minimum} to {maximum}, or a pair of them ([height, width])",
        {"minimum": minimum, "maximum": MAX_SIZE},
    )


def _positive_pair(value: Any) -> PairValue:
    return _to_pair(value, 1)


def _natural_pair(value: Any) -> PairValue:
    return _to_pair(value, 0)


POSITIVE_SCHEMA: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": MAX_SIZE}
NATURAL_SCHEMA: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": MAX_SIZE}

PositivePair = Annotated[PairValue, BeforeValidator(_positive_pair), WithJsonSchema(_pair_schema(POSITIVE_SCHEMA))]
NaturalPair = Annotated[PairValue, BeforeValidator(_natural_pair), WithJsonSchema(_pair_schema(NATURAL_SCHEMA))]


def _padding(value: Any) -> PairValue | str:
    if isinstance(value, str):
        if value in PADDING_WORDS:
            return value
        raise PydanticCustomError("padding", "must be a whole number, a pair, or one of: same, valid, auto")
    return _natural_pair(value)


PADDING_WORDS = ("same", "valid", "auto")

ConvPadding = Annotated[
    tuple[int, int] | str,
    BeforeValidator(_padding),
    WithJsonSchema({"anyOf": [{"enum": list(PADDING_WORDS)}, *_pair_schema(NATURAL_SCHEMA)["anyOf"]]}),
]
