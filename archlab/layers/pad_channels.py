"""More channels, of zeros."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from archlab.layers.base import Layer
from archlab.layers.fields import MAX_SIZE
from archlab.layers.operators import Operator
from archlab.layers.room import KEEPS_NOTHING
from archlab.layers.runtime import Execution, Runtime, one_operator
from archlab.layers.shape import Shape, ShapeError, require_map
from archlab.layers.strides import iterated


class PadChannels(Layer):
    """Channels of zeros in front and behind, as the shortcuts of He et al. 2016, option A. FLOPs: none."""

    type: ClassVar[str] = "pad_channels"
    alias: ClassVar[str] = "pad"
    torch_class: ClassVar[str] = "archlab.torch.modules.PadChannels"
    runs: ClassVar[Runtime] = Runtime(layout="format", gradient_layout="sliced", training=KEEPS_NOTHING)

    before: int = Field(0, ge=0, le=MAX_SIZE, description="Channels in front.")
    after: int = Field(0, ge=0, le=MAX_SIZE, description="Channels behind.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, *axes) to (before + C + after, *axes); features too."""
        (shape,) = inputs
        if len(shape) > 1:
            require_map(self.type, shape)
        total = self.before + shape[0] + self.after
        if total > MAX_SIZE:
            raise ShapeError(f"pad_channels: {total:,} channels are more than {MAX_SIZE:,}")
        return (total, *shape[1:])

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """Where nothing is added it only copies."""
        return self.runs if self.before or self.after else self.runs._replace(operators=_copy)


def _copy(runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
    """A copy."""
    value = iterated(execution.sizes, execution.inputs)
    return (one_operator(runtime, execution)._replace(value=value, layout="own format"),)
