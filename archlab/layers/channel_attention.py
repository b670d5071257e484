"""Attention of channels by their neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from math import log2, prod
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from archlab.layers.adaptive_pool import AdaptiveAvgPool2d
from archlab.layers.base import Cost, Layer, Role, TensorSpec
from archlab.layers.fields import Finite, Positive
from archlab.layers.join import Multiply
from archlab.layers.macro import LayerClass, Macro, Step
from archlab.layers.operators import Operator, reshape, view
from archlab.layers.ranks import of_rank
from archlab.layers.runtime import Execution, Runtime, one_operator
from archlab.layers.shape import Shape, ShapeError, axis_count, require_map, shape_text
from archlab.layers.sigmoid import Sigmoid
from archlab.layers.strides import contiguous


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise PydanticCustomError("odd", "must be an odd number, so that the padding is the same on both sides")
    return value


OddSize = Annotated[Positive, AfterValidator(_odd)]


class ChannelConv(Layer):
    """The convolution of `efficient_channel_attention`: along the channels of a map of one position, padded with zeros.

    Weights: kernel_size, for all channels together. MACs: channels x kernel_size.
    """

    type: ClassVar[str] = "channel_conv"
    alias: ClassVar[str] = "conv"
    torch_class: ClassVar[str] = "archlab.torch.modules.ChannelConv"
    role: ClassVar[Role] = "weighted"
    runs: ClassVar[Runtime] = Runtime(layout="shape", gradient_layout="shape", autocast="lower")

    kernel_size: OddSize = Field(3, description="Neighbouring channels, an odd number.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, 1, 1), unchanged."""
        (shape,) = inputs
        require_map(self.type, shape)
        if prod(shape[1:]) > 1:
            raise ShapeError(
                f"channel_conv needs a map of one position, but its input is {shape_text(shape)}",
                hint="it is a part of efficient_channel_attention, which pools first",
            )
        return shape

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """weight: (1, 1, kernel_size)."""
        return (TensorSpec("weight", (1, 1, self.kernel_size)),)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """MACs: a kernel for each channel."""
        return Cost(prod(output) * self.kernel_size)

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """A convolution between two views."""
        return self.runs._replace(operators=self._operators)

    def _operators(self, runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
        """The channels as a row, the convolution, the row as channels."""
        (source,) = execution.inputs
        row = (source.sizes[0], 1, source.sizes[1])
        flat = reshape(source, row)
        one = one_operator(runtime, execution)._replace(value=contiguous(row), reads=(0,))
        return (flat, one, view(contiguous(source.sizes), (1,)))


class EfficientChannelAttention(Macro):
    """A gate for each channel from its neighbours' means (Wang et al. 2020, ECA-Net).

    avgpool, a convolution along the channels, sigmoid, times. timm's `EcaModule`. The costs are those of the parts.
    """

    type: ClassVar[str] = "efficient_channel_attention"
    alias: ClassVar[str] = "eca"
    scoped: ClassVar[bool] = True
    operation: ClassVar[LayerClass | None] = ChannelConv
    attachments: ClassVar[tuple[str, ...]] = ("scale_activation",)

    kernel_size: OddSize | None = Field(
        None, description="Neighbouring channels, an odd number; null: by gamma and beta from the channels."
    )
    gamma: float = Field(2, gt=0, allow_inf_nan=False, description="Divides log2 of the channels plus beta.")
    beta: Finite = Field(1, description="Added to log2 of the channels.")

    def steps(self, shape: Shape, attached: Mapping[str, Layer]) -> list[Step]:
        """Pooling, convolution, gate, product."""
        require_map(self.type, shape)
        rank = axis_count(shape)
        return [
            Step(of_rank(AdaptiveAvgPool2d, rank)(output_size=(1,) * rank), label="avgpool"),
            Step(ChannelConv(kernel_size=self._kernel(shape[0])), (0,), "conv"),
            Step(attached.get("scale_activation", Sigmoid()), (1,), "gate"),
            Step(Multiply(), (-1, 2)),
        ]

    def _kernel(self, channels: int) -> int:
        """The paper's rule: the odd number next to (log2(channels) + beta) / gamma, at least 3."""
        if self.kernel_size is not None:
            return self.kernel_size
        size = abs(log2(channels) + self.beta) / self.gamma
        if size > 2 * channels + 1:
            raise ShapeError(
                f"{self.type}: gamma={self.gamma} and beta={self.beta} give a kernel_size of {size:.6g} for {channels} "
                "channels, of which most lies in the padding",
                option="gamma",
            )
        size = int(size)
        return max(size if size % 2 else size + 1, 3)
