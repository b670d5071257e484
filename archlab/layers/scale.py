"""Layers that scale maps: a learnable factor for each channel, and gates made from the map itself."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import ClassVar

from pydantic import Field

from archlab.layers.adaptive_pool import AdaptiveAvgPool2d
from archlab.layers.base import Cost, Layer, TensorSpec
from archlab.layers.conv import Conv2d, ConvNd
from archlab.layers.fields import Finite, Positive
from archlab.layers.join import Multiply
from archlab.layers.macro import Macro, Step
from archlab.layers.ranks import of_rank
from archlab.layers.relu import ReLU
from archlab.layers.runtime import Operand, Runtime
from archlab.layers.shape import Shape, axis_count, require_map
from archlab.layers.sigmoid import Sigmoid


class LayerScale(Layer):
    """A learnable factor for each channel (Touvron et al. 2021, as in ConvNeXt). FLOPs: 1 per element."""

    type: ClassVar[str] = "layer_scale"
    alias: ClassVar[str] = "scale"
    torch_class: ClassVar[str] = "archlab.torch.modules.LayerScale"

    init_value: Finite = Field(1e-6, description="Initial factor.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, *axes), unchanged."""
        require_map(self.type, inputs[0])
        return inputs[0]

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """num_channels, and num_axes where they are not two."""
        (shape,) = inputs
        axes = axis_count(shape)
        return {"num_channels": shape[0], **({} if axes == 2 else {"num_axes": axes})}

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """layer_scale: (C, 1, 1), a 1 for each axis."""
        (shape,) = inputs
        return (TensorSpec("layer_scale", (shape[0], *(1,) * (len(shape) - 1))),)

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """One multiplication per element."""
        return Cost(elementwise=prod(output))

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """The factors' gradient is a map before it is summed up."""
        factors = Operand((output[0], *(1,) * (len(output) - 1)), is_first=True)
        return Runtime(operand=factors, sums_weight=True, autocast="parameters")


class SqueezeExcitation(Macro):
    """A gate that sees the whole map scales its channels (Hu et al. 2018): avgpool, 1x1, ReLU, 1x1, sigmoid, times.

    Expands to the layers of `torchvision.ops.SqueezeExcitation` and a `multiply`, whose costs are counted.
    """

    type: ClassVar[str] = "squeeze_excitation"
    alias: ClassVar[str] = "se"
    scoped: ClassVar[bool] = True
    attachments: ClassVar[tuple[str, ...]] = ("activation", "scale_activation")

    squeeze_channels: Positive = Field(
        description="Channels between the two 1x1 convolutions, such as $(in_channels // 16)."
    )

    def steps(self, shape: Shape, attached: Mapping[str, Layer]) -> list[Step]:
        """Pooling, two convolutions with their activations, and the product."""
        require_map(self.type, shape)
        rank = axis_count(shape)
        return [
            Step(of_rank(AdaptiveAvgPool2d, rank)(output_size=(1,) * rank), label="avgpool"),
            Step(_pointwise(self.squeeze_channels, rank), (0,), "fc1"),
            Step(attached.get("activation", ReLU(inplace=True)), (1,), "activation"),
            Step(_pointwise(shape[0], rank), (2,), "fc2"),
            Step(attached.get("scale_activation", Sigmoid()), (3,), "scale_activation"),
            Step(Multiply(), (-1, 4)),
        ]


def _pointwise(channels: int, rank: int) -> ConvNd:
    return of_rank(Conv2d, rank)(out_channels=channels, kernel_size=(1,) * rank)
