"""Pooling to an output size; of the mean here, of the largest value in `adaptive_max_pool`."""

from __future__ import annotations

from math import gcd, prod
from typing import Annotated, Any, ClassVar

from pydantic import Field
from pydantic_core import PydanticCustomError

from archlab.layers.base import Cost, Layer
from archlab.layers.fields import MAX_SIZE, POSITIVE_SCHEMA, JsonSchema, PerAxis, listed_schema, times_text
from archlab.layers.geometry import AxisReads, adaptive_reads
from archlab.layers.operators import Operator
from archlab.layers.pooling import along_one_axis, without_row
from archlab.layers.room import KEEPS_NOTHING
from archlab.layers.runtime import Execution, Runtime, one_operator
from archlab.layers.shape import Shape, require_map

_OutputSizes = tuple[int | None, ...]


def _output_size(value: Any, rank: int) -> _OutputSizes:
    if not isinstance(value, tuple | list):
        value = (value,) * rank
    if len(value) == rank and all((v is None and rank > 1) or (type(v) is int and 1 <= v <= MAX_SIZE) for v in value):
        return tuple(value)
    if rank == 1:  # PyTorch takes null beside another size only
        raise PydanticCustomError("output_size", "must be a whole number of at least 1")
    raise PydanticCustomError(
        "output_size", f"must be a whole number of at least 1, null (as the input), or {times_text(rank)} of these"
    )


def _output_schema(rank: int) -> JsonSchema:
    size: JsonSchema = {"anyOf": [POSITIVE_SCHEMA, *([{"type": "null"}] if rank > 1 else [])]}
    return {"anyOf": [*size["anyOf"], listed_schema(size, rank)]}


OutputSize = Annotated[_OutputSizes, PerAxis(_output_size, _output_schema)]


class AdaptivePoolNd(Layer):
    """What the adaptive poolings share: (C, *axes) to (C, *output_size)."""

    runs: ClassVar[Runtime] = Runtime(layout="format", gradient_layout="format")

    output_size: OutputSize = Field(description="Size of the output: a number or a pair; null keeps the input's.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, *axes) to (C, *output_size)."""
        (shape,) = inputs
        require_map(self.type, shape, self.rank)
        return (shape[0], *[wanted or size for wanted, size in zip(self.output_size, shape[1:], strict=True)])

    def reads(self, inputs: tuple[Shape, ...], output: Shape) -> tuple[AxisReads, ...]:
        """Windows that share the input out as evenly as possible; they differ where it does not divide."""
        (shape,) = inputs
        return (tuple(map(adaptive_reads, shape[1:], output[1:])),)

    def _run(self) -> Runtime:
        """One operator, between two views where there is one axis; of three axes values lie as their sizes say."""
        if self.rank == 1:
            return self.runs._replace(operators=along_one_axis)
        return self.runs if self.rank == 2 else self.runs._replace(layout="shape", gradient_layout="shape")

    def window_elements(self, shape: Shape, output: Shape) -> int:
        """Input elements read by all windows together, over all channels."""
        return shape[0] * prod(map(_covered, shape[1:], output[1:]))


def _covered(in_size: int, out_size: int) -> int:
    """Sum of the window lengths along one axis."""
    # Neighbours share an input wherever a border between them falls inside of it: at all but every gcd-th.
    return in_size + out_size - gcd(in_size, out_size)


class AdaptiveAvgPoolNd(AdaptivePoolNd):
    """Mean over windows that give the wanted output size, over maps of `rank` axes."""

    alias: ClassVar[str] = "avgpool"

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """Additions and one division per window."""
        return Cost(elementwise=self.window_elements(inputs[0], output))

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Nothing is kept of the mean of a whole map, whose gradient is expanded."""
        runs = self._run()
        if prod(output[1:]) > 1:
            return runs
        runs = runs._replace(training=KEEPS_NOTHING, gradient_layout="expanded")
        return runs._replace(operators=_of_whole)


def _of_whole(runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
    """The mean, which gets its strides in place where the channels are last: its gradient is then put into zeros."""
    if len(execution.output) > 2:
        one = one_operator(runtime, execution)
        return (one, _in_place(one, 0)) if execution.inputs[0].suggests_channels_last else (one,)
    row, one, back = along_one_axis(runtime, execution)
    if not row.value.suggests_channels_last:
        return (row, one, back)
    return (row, one, _in_place(one, 1), without_row(one.value, 2))


def _in_place(mean: Operator, read: int) -> Operator:
    return Operator(mean.value, (read,), "inplace", KEEPS_NOTHING, layout="shape")


class AdaptiveAvgPool2d(AdaptiveAvgPoolNd):
    """Mean over windows that give the wanted output size. FLOPs: one per element read."""

    type: ClassVar[str] = "adaptive_avg_pool2d"
    torch_class: ClassVar[str] = "AdaptiveAvgPool2d"
    rank: ClassVar[int] = 2
