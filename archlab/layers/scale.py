"""Layers that scale maps: a learnable factor for each channel, and gates made from the map itself."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, ClassVar

from pydantic import Field

from archlab.layers.adaptive_pool import AdaptiveAvgPool2d
from archlab.layers.base import Cost, Layer, TensorSpec
from archlab.layers.conv import Conv2d, ConvNd
from archlab.layers.fields import Finite, Positive
from archlab.layers.join import Multiply
from archlab.layers.laid import Laid, roles_of
from archlab.layers.macro import Macro, Step
from archlab.layers.operators import Operator
from archlab.layers.precision import Autocast
from archlab.layers.ranks import of_rank
from archlab.layers.relu import ReLU
from archlab.layers.runtime import Execution, Operand, Runtime, one_operator
from archlab.layers.shape import Shape, axis_count, require_map
from archlab.layers.sigmoid import Sigmoid
from archlab.layers.tape import Tape


class LayerScale(Layer):
    """A learnable factor for each channel (Touvron et al. 2021, as in ConvNeXt), or one for all, and shifts if wanted.

    FLOPs: 1 per element, 2 with a bias.
    """

    type: ClassVar[str] = "layer_scale"
    alias: ClassVar[str] = "scale"
    torch_class: ClassVar[str] = "archlab.torch.modules.LayerScale"

    init_value: Finite = Field(1e-6, description="Initial factor.")
    per_channel: bool = Field(default=True, description="A factor for each channel; false: one for all.")
    bias: bool = Field(default=False, description="Learn shifts too, zero at first.")

    def out_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, *axes), (*axes, C), (tokens, C) or (C,), unchanged."""
        if isinstance(inputs[0], Laid) and roles_of(inputs[0])[-1]:
            require_map(self.type, inputs[0])
        return inputs[0]

    def torch_arguments(self) -> dict[str, Any]:
        """`bias` only where there is one; whether per channel is said by the number of channels."""
        return {"init_value": self.init_value, **({"bias": True} if self.bias else {})}

    def inferred(self, inputs: tuple[Shape, ...]) -> dict[str, int]:
        """num_channels (0: one factor for all), and num_axes where they are not two."""
        sizes = self._sizes(inputs[0])
        axes = len(sizes) - 1
        if not sizes:
            return {"num_channels": 0}
        return {"num_channels": sizes[0], **({} if axes == 2 else {"num_axes": axes})}

    def _sizes(self, shape: Shape) -> Shape:
        """Of the factors: (C, 1, 1), a 1 for each axis behind the channels."""
        if not self.per_channel:
            return ()
        return (shape[-1],) if isinstance(shape, Laid) else (shape[0], *(1,) * (len(shape) - 1))

    def tensors(self, inputs: tuple[Shape, ...]) -> tuple[TensorSpec, ...]:
        """layer_scale, bias: (C, 1, 1), a 1 for each axis behind the channels; () where one is for all."""
        names = ("layer_scale", "bias") if self.bias else ("layer_scale",)
        return tuple([TensorSpec(name, self._sizes(inputs[0])) for name in names])

    def cost(self, inputs: tuple[Shape, ...], output: Shape) -> Cost:
        """One multiplication per element; one addition with a bias."""
        return Cost(elementwise=(1 + self.bias) * prod(output))

    def runtime(self, inputs: tuple[Shape, ...], output: Shape) -> Runtime:
        """The factors' gradient is a map before it is summed up. A single factor leaves the precision as it is."""
        factors = Operand(self._sizes(output), is_first=True)
        autocast: Autocast = "parameters" if self.per_channel else "inputs"
        runtime = Runtime(operand=factors, sums_weight=True, autocast=autocast)
        return runtime._replace(operators=_with_bias) if self.bias else runtime


def _with_bias(runtime: Runtime, execution: Execution) -> tuple[Operator, ...]:
    """The product, which has a name until the sum is made."""
    factors, shifts = execution.learned
    one = one_operator(runtime, execution._replace(learned=(factors,)))
    tape = Tape(execution)
    tape.shifted(prod(shifts), tape.put(one), as_written=True)
    return tape.ended(0)


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
