"""Pooling to an output size."""

from __future__ import annotations

from math import gcd, prod
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from archlab.layers.base import Cost, Layer
from archlab.layers.fields import MAX_SIZE
from archlab.layers.geometry import AxisReads, adaptive_reads
from archlab.layers.pooling import _SIZE_OR_NULL, INDEX_BYTES
from archlab.layers.room import KEEPS_NOTHING, Room, Training
from archlab.layers.runtime import Runtime
from archlab.layers.shape import Shape, require_map


def _output_size(value: Any) -> tuple[int | None, int | None]:
    if not isinstance(value, tuple | list):
        value = (value, value)
    if len(value) == 2 and all(v is None or (type(v) is int and 1 <= v <= MAX_SIZE) for v in value):
        return (value[0], value[1])
    raise PydanticCustomError(
        "output_size", "must be a whole number of at least 1, null (as the input), or a pair of these"
    )


OutputSize = Annotated[
    tuple[int | None, int | None],
    BeforeValidator(_output_size),
    WithJsonSchema(
        {
            "anyOf": [
                *_SIZE_OR_NULL["anyOf"],
                {"type": "array", "items": _SIZE_OR_NULL, "minItems": 2, "maxItems": 2},
            ]
        }
    ),
]


class AdaptivePool(Layer):
    """What the adaptive poolings share. Shapes: (C, H, W) to (C, *output_size)."""

    runs: ClassVar[Runtime] = Runtime(layout="format", gradient_layout="format")

    output_size: OutputSize = Field(description="Size of the output: a number or a pair; null keeps the input's.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, H, W) to (C, *output_size)."""
        (shape,) = inputs
        require_map(self.type, shape)
        height, width = self.output_size
        return (shape[0], height or shape[1], width or shape[2])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """Windows that share the input out as evenly as possible; they differ where it does not divide."""
        (shape,) = inputs
        return ((adaptive_reads(shape[1], output[1]), adaptive_reads(shape[2], output[2])),)

    def window_elements(self, shape: Shape, output: Shape) -> int:
        """Input elements read by all windows together, over all channels."""
        return shape[0] * _covered(shape[1], output[1]) * _covered(shape[2], output[2])


def _covered(in_size: int, out_size: int) -> int:
    """Sum of the window lengths along one axis."""
    # Neighbours share an input wherever a border between them falls inside of it: at all but every gcd-th.
    return in_size + out_size - gcd(in_size, out_size)


class AdaptiveAvgPool2d(AdaptivePool):
    """Mean over windows that give the wanted output size. FLOPs: one per element read."""

    type: ClassVar[str] = "adaptive_avg_pool2d"
    alias: ClassVar[str] = "avgpool"
    torch_class: ClassVar[str] = "AdaptiveAvgPool2d"

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Additions and one division per window."""
        return Cost(elementwise=self.window_elements(inputs[0], output))

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Nothing is kept of the mean of a whole map, whose gradient is expanded."""
        if prod(output[1:]) > 1:
            return self.runs
        return self.runs._replace(training=KEEPS_NOTHING, gradient_layout="expanded")


class AdaptiveMaxPool2d(AdaptivePool):
    """Largest value over windows that give the wanted output size. FLOPs: window - 1 comparisons each."""

    type: ClassVar[str] = "adaptive_max_pool2d"
    alias: ClassVar[str] = "maxpool"
    torch_class: ClassVar[str] = "AdaptiveMaxPool2d"

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Comparisons."""
        return Cost(elementwise=self.window_elements(inputs[0], output) - prod(output))

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """The positions of the maxima are made, and kept beside the input."""
        places = Room(sample_bytes=INDEX_BYTES * prod(output))
        return self.runs._replace(workspace=places, training=Training(kept=places))
